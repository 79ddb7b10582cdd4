"""Measures the containers of this machine; one loop of the control process."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from silo import core

from . import metric_samples
from .metric_samples import Sample

log = structlog.get_logger()

_CLEAN_EVERY = 60
"""Rounds between two clean-ups."""
_NS_PER_MILLICORE_SECOND = 1_000_000.0
COUNTERS = {
    "cpu_ns": ("CpuUsage", _NS_PER_MILLICORE_SECOND),
    "received_bytes": ("NetworkBytesReceivedPerSecond", 1.0),
    "transmitted_bytes": ("NetworkBytesTransmittedPerSecond", 1.0),
}
"""What only grows: its metric, and how much of it a second makes one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a container, or with no name a whole group, has used so far and uses now."""

    uid: str
    container: str
    counters: Mapping[str, int] = field(default_factory=dict)
    """By the names in ``COUNTERS``."""
    memory_bytes: int | None = None


class Meter(Protocol):
    """Reads the engine's counters."""

    async def read(self) -> Sequence[Reading]:
        """Return a reading of everything that runs; what cannot be read is left out."""
        ...


@dataclass(slots=True)
class Sampler:
    """Turns counters into rates and keeps them."""

    monitor: core.Store
    clock: core.Clock
    meter: Meter
    period_s: float
    days: int
    most_rows: int
    latest: Sequence[Sample] = ()
    """Of the last round, for whoever shows the present."""
    _before: dict[tuple[str, str, str], int] = field(default_factory=dict, init=False)
    _at: float = field(default=0.0, init=False)
    _rounds: int = field(default=0, init=False)

    async def run(self) -> None:
        """Sample until cancelled; what fails is tried again in the next round."""
        while True:
            try:
                await self.sample()
            except (core.SiloError, OSError) as error:
                log.warning("could not sample metrics", reason=str(error))
            await asyncio.sleep(self.period_s)

    async def sample(self) -> None:
        """Take one sample of everything and store it."""
        readings = await self.meter.read()
        moment, seconds = self.clock.now(), self.clock.monotonic() - self._at
        samples: list[Sample] = []
        counted: dict[tuple[str, str, str], int] = {}
        for each in readings:
            if each.memory_bytes is not None:
                value = float(each.memory_bytes)
                samples.append(Sample(each.uid, "MemoryUsage", each.container, value))
            for counter, now in each.counters.items():
                key = (each.uid, each.container, counter)
                counted[key] = now
                grown = now - self._before.get(key, now + 1)
                # A counter that fell belongs to a container that was started again.
                if grown >= 0 and seconds > 0:
                    metric, per_second = COUNTERS[counter]
                    value = grown / per_second / seconds
                    samples.append(Sample(each.uid, metric, each.container, value))
        self._before, self._at, self.latest = counted, self.clock.monotonic(), samples
        clean = self._rounds % _CLEAN_EVERY == 0
        self._rounds += 1

        def work(conn: core.Connection) -> None:
            metric_samples.add_samples(conn, moment, samples)
            if clean:
                before = moment - timedelta(days=self.days)
                metric_samples.drop_old(conn, before, self.most_rows)

        if samples or clean:
            await self.monitor.write(work)
