"""What becomes of a group's running containers: their ends, and what their probes find."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from silo import core

from . import probes
from .adoption import LOST
from .containers import Exit
from .errors import ContainerMissing
from .machine import Machine
from .plans import ContainerPlan, Probe

Kind = Literal["Liveness", "Readiness"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A container has ended by itself."""

    name: str
    exit: Exit


@dataclass(frozen=True, slots=True)
class Looked:
    """A probe has found something worth telling."""

    name: str
    kind: Kind
    finding: probes.Finding


class Watch:
    """Watches the containers of one group, in tasks of whoever runs it."""

    def __init__(
        self, machine: Machine, uid: str, clock: core.Clock, tasks: asyncio.TaskGroup
    ) -> None:
        self._machine = machine
        self._uid = uid
        self._clock = clock
        self._tasks = tasks
        self._inbox: asyncio.Queue[Ended | Looked] = asyncio.Queue()
        self._probing: dict[str, list[asyncio.Task[None]]] = {}

    def begin(self, container: ContainerPlan) -> None:
        """Have the end of a container told, and its probes' findings."""
        self._tasks.create_task(self._wait(container.name))
        wanted: tuple[tuple[Kind, Probe | None], ...] = (
            ("Liveness", container.liveness),
            ("Readiness", container.readiness),
        )
        self._probing[container.name] = [
            self._tasks.create_task(self._probe(container.name, kind, probe))
            for kind, probe in wanted
            if probe is not None
        ]

    def stop_probing(self, name: str) -> None:
        """Ask a container no more: it ends, or has ended."""
        for task in self._probing.pop(name, ()):
            task.cancel()

    def close(self) -> None:
        """Stop every probe."""
        for name in list(self._probing):
            self.stop_probing(name)

    async def next(self, wait_s: float | None) -> Ended | Looked | None:
        """Return what happens next, or None when nothing has for so long."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._inbox.get()
        except TimeoutError:
            return None

    async def _wait(self, name: str) -> None:
        try:
            exit_ = await self._machine.wait(self._uid, name)
        except ContainerMissing:
            # Gone without a trace, with its sandbox perhaps; the restart policy decides.
            exit_ = Exit(LOST, self._clock.now())
        await self._inbox.put(Ended(name, exit_))

    async def _probe(self, name: str, kind: Kind, probe: Probe) -> None:
        async def report(finding: probes.Finding) -> None:
            await self._inbox.put(Looked(name, kind, finding))

        await probes.watch(self._machine, self._uid, name, probe, report)
