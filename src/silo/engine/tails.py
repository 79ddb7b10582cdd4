"""Reading on in a container's output: from a position to the end, across rotation.

A position names its file by the time of the first record in it, for that stays when the file is
renamed, and no two files of one container begin in the same nanosecond.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .logs import Line, list_files, parse_line

_IDENTITY_BYTES = 80
"""More than the longest time at the beginning of a record."""
_LONGEST_RECORD = 1 << 20
"""Bytes; what is longer was not written by our logger and is skipped in pieces."""


@dataclass(frozen=True, slots=True)
class Tail:
    """A line, and the position after it."""

    line: Line
    position: str


def read_tail(path: Path, position: str, limit: int) -> list[Tail]:
    """Return whole records after a position, oldest first; the empty position is the start.

    What was rotated away before it was read is gone; then the oldest that is left comes next.
    A record that is still being written comes with the next call.
    """
    found: list[Tail] = []
    began, _, offset = position.rpartition("|")
    with contextlib.ExitStack() as stack:
        files = [(_read_identity(file), file) for file in _open_oldest_first(path, stack)]
        files = [(identity, file) for identity, file in files if identity]
        known = [identity for identity, _ in files]
        first = known.index(began) if began in known else 0
        for identity, file in files[first:]:
            file.seek(int(offset) if identity == began else 0)
            for line, end in _read_records(file):
                found.append(Tail(line, f"{identity}|{end}"))
                if len(found) >= limit:
                    return found
    return found


def find_end(path: Path) -> str:
    """Return the position after everything that was written so far."""
    try:
        with path.open("rb") as file:
            return f"{_read_identity(file)}|{os.fstat(file.fileno()).st_size}"
    except FileNotFoundError:
        return ""


def _open_oldest_first(path: Path, stack: contextlib.ExitStack) -> Iterator[IO[bytes]]:
    """Open every file before any is read: what is open cannot be rotated away."""
    opened: list[IO[bytes]] = []
    seen: set[int] = set()
    for name in list_files(path):
        with contextlib.suppress(FileNotFoundError):
            file = stack.enter_context(name.open("rb"))
            number = os.fstat(file.fileno()).st_ino
            # Renamed between two of these: the same file under both names.
            if number not in seen:
                seen.add(number)
                opened.append(file)
    return reversed(opened)


def _read_identity(file: IO[bytes]) -> str:
    """Return the time of the first record, or nothing for a file without a whole one."""
    head = file.read(_IDENTITY_BYTES)
    file.seek(0)
    time, blank, _ = head.partition(b" ")
    return time.decode(errors="replace") if blank else ""


def _read_records(file: IO[bytes]) -> Iterator[tuple[Line, int]]:
    while record := file.readline(_LONGEST_RECORD):
        if not record.endswith(b"\n") and len(record) < _LONGEST_RECORD:
            return  # still being written
        line = parse_line(record)
        if line is not None:
            yield line, file.tell()
