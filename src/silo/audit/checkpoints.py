"""Signed notes outside the database of how far the log had come: a tail cut off shows.

One line a note, appended and never changed. Each is a JWT over number and hash of the newest record
and the hash of the line before, so lines cannot be forged, changed, or taken from the middle. Who
can rewrite database, this file and the signing key together can still shorten all three; copying
the file to another machine closes that gap.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from silo import core

from .records import GENESIS, get_head, records
from .verification import Verification, verify

log = structlog.get_logger()

PERIOD_S = 30.0
"""How often a note is taken: so much of the log's end can be cut off unseen. A note is 700 bytes,
so the file of a busy instance grows by 2 MB a day."""
_TAIL = 8_192
"""Bytes at the end of the file that hold its last line for certain."""
LIFETIME = timedelta(days=36_500)
"""A note never loses its worth; the key ring only insists on some expiry."""


@dataclass(frozen=True, slots=True)
class _Note:
    number: int
    hash: str
    line_hash: str


class Checkpoints:
    """The notes in one file, signed by a key ring of their own that is not rotated."""

    def __init__(self, path: Path, keys: core.KeyRing, clock: core.Clock) -> None:
        self._path = path
        self._keys = keys
        self._clock = clock

    def take(self, conn: core.Connection) -> bool:
        """Note where the log stands, durably; tell whether it had moved since the last note."""
        number, head = get_head(conn)
        last, end = self._read_last_line()
        previous = _hash_line(last) if last else GENESIS
        if number == 0 or self._is_noted(last, number):
            return False
        now = self._clock.now()
        claims = {
            "number": number,
            "hash": head,
            "previous": previous,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        self._append(json.dumps({"token": self._keys.sign(claims)}), end)
        return True

    def verify(self, conn: core.Connection) -> Verification:
        """Verify the chain, then that it still holds every record a note vouches for."""
        found = verify(conn)
        if found.broken is not None:
            return found
        count = 0
        try:
            for note in self._iterate_notes():
                if note.number > found.count:
                    reason = f"Record {found.count + 1} and all after it are missing."
                    return replace(found, broken=found.count + 1, reason=reason)
                stored = conn.scalar(
                    sa.select(records.c.hash).where(records.c.number == note.number)
                )
                if stored != note.hash:
                    reason = f"Record {note.number} is not the one that checkpoint {count + 1} saw."
                    return replace(found, broken=note.number, reason=reason)
                count += 1
        except (core.TokenInvalid, ValueError, KeyError, TypeError) as error:
            reason = f"Checkpoint {count + 1} cannot be trusted: {error}"
            return replace(found, broken=found.count, reason=reason, checkpoints=count)
        return replace(found, checkpoints=count)

    async def run(self, store: core.Store) -> None:
        """Take notes until cancelled, and a last one then; a full disk delays them."""
        try:
            while True:
                self._try_to_take(store)
                await asyncio.sleep(PERIOD_S)
        finally:
            self._try_to_take(store)

    def _try_to_take(self, store: core.Store) -> None:
        try:
            store.read_now(self.take)
        except (core.StoreUnavailable, OSError) as error:
            log.warning("no checkpoint was taken", reason=str(error))

    def _iterate_notes(self) -> Iterator[_Note]:
        previous = GENESIS
        for line in self._read_lines():
            claims = self._read_claims(line)
            if claims["previous"] != previous:
                raise ValueError("it does not follow the one before.")
            previous = _hash_line(line)
            yield _Note(int(claims["number"]), str(claims["hash"]), previous)

    def _is_noted(self, line: str, number: int) -> bool:
        """Tell whether a line notes this number; one that was tampered with notes nothing."""
        try:
            return bool(line) and self._read_claims(line)["number"] == number
        except (core.TokenInvalid, ValueError, KeyError, TypeError):
            return False

    def _read_claims(self, line: str) -> dict[str, Any]:
        return self._keys.verify(str(json.loads(line)["token"]))

    def _read_lines(self) -> list[str]:
        """Return the whole lines; what a crash left without its end was never acknowledged."""
        if not self._path.exists():
            return []
        *lines, _torn = self._path.read_text(encoding="ascii").split("\n")
        return lines

    def _read_last_line(self) -> tuple[str, int]:
        """Return the last whole line and the offset after it."""
        if not self._path.exists():
            return "", 0
        with self._path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
            file.seek(start)
            whole, newline, _torn = file.read().rpartition(b"\n")
        return whole.rpartition(b"\n")[2].decode("ascii"), start + len(whole) + len(newline)

    def _append(self, line: str, end: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(end)
            file.seek(end)
            file.write(f"{line}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())


def _hash_line(line: str) -> str:
    return hashlib.sha256(line.encode("ascii")).hexdigest()
