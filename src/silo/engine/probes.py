"""Whether containers are well: liveness and readiness probes, one loop for each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from .errors import EngineError
from .machine import Machine, Ran
from .plans import Probe

_SHOWN = 500
"""Characters of a failing probe's output in an event."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often in a row a probe went well or badly."""

    well: int = 0
    badly: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at a container found."""

    well: bool
    message: str = ""
    over: bool = False
    """The threshold is reached: of failures, or of successes after failures."""


def judge(probe: Probe, count: Count, well: bool) -> tuple[Count, bool]:
    """Return the new count, and whether it has just reached its threshold. Pure."""
    if well:
        count = Count(well=count.well + 1)
        return count, count.well == probe.success_threshold
    count = replace(count, well=0, badly=count.badly + 1)
    if count.badly >= probe.failure_threshold:
        return Count(), True
    return count, False


async def watch(
    machine: Machine,
    uid: str,
    name: str,
    probe: Probe,
    report: Callable[[Finding], Awaitable[None]],
) -> None:
    """Look at a container again and again until cancelled."""
    await asyncio.sleep(probe.initial_delay_s)
    count = Count()
    while True:
        ran = await look(machine, uid, name, probe)
        well = 200 <= ran.code < 400 if probe.http else ran.code == 0  # noqa: PLR2004 - statuses
        count, over = judge(probe, count, well)
        if over or not well:
            await report(Finding(well, _explain(probe, ran), over))
        await asyncio.sleep(probe.period_s)


async def look(machine: Machine, uid: str, name: str, probe: Probe) -> Ran:
    """Look once; what cannot be found out is bad news."""
    try:
        async with asyncio.timeout(probe.timeout_s):
            if probe.http is not None:
                return await machine.ask(uid, probe.http, probe.timeout_s)
            return await machine.run(uid, name, probe.command or (), probe.timeout_s)
    except TimeoutError:
        return Ran(-1, f"no answer within {probe.timeout_s}s")
    except (EngineError, OSError) as error:
        return Ran(-1, str(error))


def _explain(probe: Probe, ran: Ran) -> str:
    if probe.http is not None and ran.code > 0:
        return f"HTTP probe failed with statuscode: {ran.code}"
    return ran.output.strip()[:_SHOWN] or f"the command ended with exit code {ran.code}"
