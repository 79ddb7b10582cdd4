"""From the containers' log files into the workspaces; one loop of the control process."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

import structlog

from silo import core

from . import records, tables

log = structlog.get_logger()

PERIOD_S = 5.0
"""How late a line may be in the workspace; Azure itself takes minutes."""
BATCH = 2_000
"""Lines stored in one transaction."""
LONGEST = 32 * 1024
"""Bytes kept of one line: Azure Monitor's own bound for a field of a custom log."""
_CLEAN_EVERY = 60
"""Rounds between two clean-ups."""


class LogReader(Protocol):
    """Reads what containers wrote; the engine's."""

    def read_lines(
        self, uid: str, container: str, position: str, limit: int
    ) -> Sequence[records.Line]:
        """Return whole lines after a position, at most so many; the empty one is the start."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """A container of a group that sends its output to a workspace, or with no name the group."""

    source: records.Source
    events: tuple[records.Occurrence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stand:
    subject: Subject
    number: int
    position: str


ListSubjects = Callable[[core.Connection], Iterable[Subject]]
"""Reads the groups of the instance; handed over by ``app``, for they are another provider's."""


@dataclass(slots=True)
class Collector:
    """Reads on where it stopped, for ever."""

    store: core.Store
    """The database of everything else: workspaces, groups."""
    monitor: core.Store
    """The database of the records."""
    clock: core.Clock
    reader: LogReader
    list_subjects: ListSubjects
    most_bytes: int
    """Bound for the records of one workspace."""
    _rounds: int = field(default=0, init=False)
    _stands: dict[tuple[str, str, str], "_Stand"] = field(default_factory=dict, init=False)
    """What is stored of each source already, so that silence costs no write."""

    async def run(self) -> None:
        """Collect until cancelled; what fails is tried again in the next round."""
        while True:
            try:
                await self.collect()
            except (core.SiloError, OSError) as error:
                log.warning("could not collect logs", reason=str(error))
            await asyncio.sleep(PERIOD_S)

    async def collect(self) -> None:
        """Bring everything in that was written until now."""
        subjects = await self.store.read(lambda conn: list(self.list_subjects(conn)))
        for subject in subjects:
            await self._collect_one(subject)
        if self._rounds % _CLEAN_EVERY == 0:
            await self.clean({subject.source.uid for subject in subjects})
        self._rounds += 1

    async def drain(self, uid: str) -> None:
        """Bring in the rest of one group, before its files are removed."""
        for subject in await self.store.read(lambda conn: list(self.list_subjects(conn))):
            if subject.source.uid == uid:
                await self._collect_one(subject)

    async def clean(self, living: Iterable[str] = ()) -> None:
        """Drop what is too old, too much, or of a workspace that is gone."""
        workspaces = await self.store.read(tables.list_workspaces)
        now = self.clock.now()

        def work(conn: core.Connection) -> None:
            records.drop_workspaces(conn, [each.customer_id for each in workspaces])
            for each in workspaces:
                before = now - timedelta(days=each.retention_days)
                records.drop_older(conn, each.customer_id, before)
                records.drop_over(conn, each.customer_id, self.most_bytes)
            records.drop_empty_sources(conn, living)

        await self.monitor.write(work)
        # A source that was dropped begins anew.
        self._stands.clear()

    async def _collect_one(self, subject: Subject) -> None:
        source = subject.source
        key = (source.workspace, source.uid, source.container)
        stand = self._stands.pop(key, None)
        if stand is None or stand.subject != subject:
            stand = await self._begin(subject)
        while source.container:
            lines = await asyncio.to_thread(
                self.reader.read_lines, source.uid, source.container, stand.position, BATCH
            )
            if not lines:
                break
            try:
                await self._store(stand, lines)
            except records.PositionMoved:
                return
            stand = replace(stand, position=lines[-1].position)
        self._stands[key] = stand

    async def _begin(self, subject: Subject) -> "_Stand":
        def work(conn: core.Connection) -> tuple[int, str]:
            number, position = records.ensure_source(conn, subject.source)
            records.put_events(conn, number, subject.events)
            return number, position

        number, position = await self.monitor.write(work)
        return _Stand(subject, number, position)

    async def _store(self, stand: "_Stand", lines: Sequence[records.Line]) -> None:
        cut = [_cut(line) for line in lines]
        await self.monitor.write(
            lambda conn: records.append_lines(conn, stand.number, stand.position, cut)
        )


def _cut(line: records.Line) -> records.Line:
    data = line.text.encode()
    if len(data) <= LONGEST:
        return line
    text = data[:LONGEST].decode(errors="ignore")
    return records.Line(line.time, line.stream, text, line.position)
