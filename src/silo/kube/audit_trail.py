"""What API servers note of who did what, read on from where the last reader ended."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINES_MAX = 400
"""Read at once; the rest has its turn the next time."""
_LINE_BYTES = 256 * 1024
"""The longest line that is taken for one."""


@dataclass(frozen=True, slots=True)
class AuditPosition:
    """A place in a log whose files are renamed when they are full, and go in the end."""

    file: int = 0
    """The inode."""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class AuditReading:
    """Some lines, and where to go on behind them."""

    events: tuple[dict[str, Any], ...]
    position: AuditPosition
    gap: bool = False
    """Lines are gone that nobody has read."""


def read_audit_trail(folder: Path, position: AuditPosition) -> AuditReading:
    """Return the whole lines behind a position, the oldest first."""
    files = _list_files(folder)
    known = [one for one in files if one.stat().st_ino == position.file]
    gap = bool(position.file and files and not known)
    if known:
        files = files[files.index(known[0]) :]
    events: list[dict[str, Any]] = []
    for path in files:
        inode = path.stat().st_ino
        start = position.offset if inode == position.file else 0
        position = AuditPosition(inode, start)
        for event, offset in _read_lines(path, start):
            position = AuditPosition(inode, offset)
            if event is not None:
                events.append(event)
            if len(events) >= LINES_MAX:
                return AuditReading(tuple(events), position, gap)
    return AuditReading(tuple(events), position, gap)


def _list_files(folder: Path) -> list[Path]:
    """Return the files of a log, the oldest first: ``audit-<time>.log`` …, ``audit.log``."""
    rotated = sorted(folder.glob("audit-*.log"))
    newest = folder / "audit.log"
    return [*rotated, newest] if newest.exists() else rotated


def _read_lines(path: Path, offset: int) -> Iterator[tuple[dict[str, Any] | None, int]]:
    """Yield what the lines say, None for one that says nothing, and where each ends."""
    with path.open("rb") as file:
        file.seek(offset)
        while line := file.readline(_LINE_BYTES):
            if not line.endswith(b"\n") and len(line) < _LINE_BYTES:
                return  # still being written
            offset += len(line)
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            yield event if isinstance(event, dict) else None, offset
