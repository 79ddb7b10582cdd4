"""What the file service writes to the log: deeds one by one, looks and refusals counted.

A deed is recorded after it is durable and before it is answered: files and the log are on two
disks' worth of state, so there is no transaction of both. Looks are gathered as the registry's
are (decision 0012); when they cannot be written, nothing more is served.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Never

from silo import audit, core

from .errors import ServerBusy

INTERVAL_S = 1.0
LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was done, looked at or refused."""

    operation: str
    """Azure's word."""
    action: str
    """Azure's name of the permission."""
    result: str
    status: int
    resource_id: str
    path: str
    caller: str
    object_id: str
    client_ip: str
    means: str
    """What the caller showed: a key, a SAS or a token."""
    reason: str = ""


class Journal:
    """Writes the notes of one worker."""

    def __init__(self, store: core.Store, clock: core.Clock) -> None:
        self._store = store
        self._clock = clock
        self._tallies: dict[Note, tuple[datetime, int]] = {}

    async def record(self, note: Note, correlation_id: str) -> None:
        """Write a deed; returns when it is on disk."""
        now = self._clock.now()
        await self._store.write(lambda conn: audit.append(conn, _render(note, now, correlation_id)))

    def count(self, note: Note) -> None:
        """Count a look or a refusal.

        Raises:
            ServerBusy: too many wait to be written; what was looked at must not be given.

        """
        found = self._tallies.get(note)
        if found is None and len(self._tallies) >= LIMIT:
            raise ServerBusy("The audit log cannot be written now.")
        first, count = found or (self._clock.now(), 0)
        self._tallies[note] = (first, count + 1)

    async def flush(self) -> None:
        """Write what has been counted; kept for the next time if that fails."""
        if not self._tallies:
            return
        tallies, self._tallies = self._tallies, {}
        now = self._clock.now()

        def write(conn: core.Connection) -> None:
            for note, (first, count) in tallies.items():
                more = {"count": count, "since": core.render_time(first)}
                audit.append(conn, _render(note, now, "", **more))

        try:
            await self._store.write(write)
        except core.StoreUnavailable:
            for note, (first, count) in self._tallies.items():
                started, before = tallies.get(note, (first, 0))
                tallies[note] = (started, before + count)
            self._tallies = tallies
            raise

    async def run(self) -> Never:
        """Write every second until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(INTERVAL_S)
                try:
                    await self.flush()
                except core.StoreUnavailable:
                    continue  # Kept; past the limit nothing is served until it can be written.
        finally:
            await self.flush()


def _render(note: Note, now: datetime, correlation_id: str, **more: object) -> audit.Record:
    properties = {
        "operationName": note.operation,
        "path": note.path,
        "authenticationType": note.means,
        **more,
    }
    if note.reason:
        properties["reason"] = note.reason
    return audit.Record(
        time=now,
        category="Storage",
        operation=note.action,
        scope=note.resource_id,
        result=note.result,
        caller=note.caller,
        caller_object_id=note.object_id,
        client_ip=note.client_ip,
        correlation_id=correlation_id,
        http_status=note.status,
        properties=properties,
    )
