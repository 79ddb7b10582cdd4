"""What the data plane writes to the log: deeds in their own transaction, looks gathered first.

A push or delete is recorded by the transaction that does it. Pulls, refusals and sign-ins come
thousands a second and change nothing: equal ones are counted and written together at least once
a second (decision 0012). When they cannot be written, nothing more is served.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Never

from silo import audit, core

from .errors import Unavailable

INTERVAL_S = 1.0
"""How old an unwritten look may get; what a crash can lose."""
LIMIT = 10_000
"""Different looks that wait at the most; bounds memory when the database does not take them."""

PREFIX = "Microsoft.ContainerRegistry/registries"
OPERATIONS = {
    "Pull": f"{PREFIX}/pull/read",
    "Push": f"{PREFIX}/push/write",
    "Mount": f"{PREFIX}/push/write",
    "Delete": f"{PREFIX}/artifacts/delete",
    "Untag": f"{PREFIX}/artifacts/delete",
    "Update": f"{PREFIX}/metadata/write",
    "Read": f"{PREFIX}/metadata/read",
    "List": f"{PREFIX}/catalog/read",
    "Login": f"{PREFIX}/login/action",
}
"""ACR's word for what was done, and the action it is recorded as."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who did it, from where."""

    name: str
    object_id: str
    client_ip: str


@dataclass(frozen=True, slots=True)
class Look:
    """Something that changed nothing; equal ones are counted together."""

    what: str
    result: str
    status: int
    resource_id: str
    repository: str
    reference: str
    caller: Caller
    reason: str = ""


@dataclass(slots=True)
class _Tally:
    """How often something was looked at, since when."""

    first: datetime
    count: int = 1


class Journal:
    """Gathers looks of one worker and writes them."""

    def __init__(self, store: core.Store, clock: core.Clock) -> None:
        self._store = store
        self._clock = clock
        self._tallies: dict[Look, _Tally] = {}

    def note(self, look: Look) -> None:
        """Count one look.

        Raises:
            Unavailable: too many wait to be written; what was looked at must not be given.

        """
        tally = self._tallies.get(look)
        if tally is not None:
            tally.count += 1
            return
        if len(self._tallies) >= LIMIT:
            raise Unavailable("The audit log cannot be written now.")
        self._tallies[look] = _Tally(self._clock.now())

    async def flush(self) -> None:
        """Write what has been gathered; kept for the next time if that fails."""
        if not self._tallies:
            return
        tallies, self._tallies = self._tallies, {}
        now = self._clock.now()

        def write(conn: core.Connection) -> None:
            for look, tally in tallies.items():
                audit.append(conn, _render(look, tally, now))

        try:
            await self._store.write(write)
        except core.StoreUnavailable:
            for look, tally in self._tallies.items():
                if look in tallies:
                    tallies[look].count += tally.count
                else:
                    tallies[look] = tally
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


def record_deed(
    conn: core.Connection,
    what: str,
    *,
    resource_id: str,
    caller: Caller,
    correlation_id: str,
    status: int,
    now: datetime,
    repository: str,
    **properties: object,
) -> None:
    """Record a change in the transaction that makes it."""
    audit.append(
        conn,
        audit.Record(
            time=now,
            category="Registry",
            operation=OPERATIONS[what],
            scope=resource_id,
            result="Succeeded",
            caller=caller.name,
            caller_object_id=caller.object_id,
            client_ip=caller.client_ip,
            correlation_id=correlation_id,
            http_status=status,
            properties={"operationName": what, "repository": repository, **properties},
        ),
    )


def _render(look: Look, tally: _Tally, now: datetime) -> audit.Record:
    properties = {
        "operationName": look.what,
        "repository": look.repository,
        "reference": look.reference,
        "count": tally.count,
        "since": core.render_time(tally.first),
    }
    if look.reason:
        properties["reason"] = look.reason
    return audit.Record(
        time=now,
        category="Registry",
        operation=OPERATIONS[look.what],
        scope=look.resource_id,
        result=look.result,
        caller=look.caller.name,
        caller_object_id=look.caller.object_id,
        client_ip=look.caller.client_ip,
        http_status=look.status,
        properties=properties,
    )
