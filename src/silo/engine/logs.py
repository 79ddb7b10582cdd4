"""What containers said: lines of the CRI format, in files that rotate by size.

Shape: ``2026-11-23T10:00:00.123456789Z stdout F text``; ``P`` instead of ``F`` is a piece of a
line that goes on in the next record. ``app.log`` is the newest file, ``app.log.1`` the one before.
Source: kubernetes, design-proposals/node/kubelet-cri-logging.md.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

ROTATE_BYTES = 4 * 1024 * 1024
ROTATED = 3
"""Files besides the newest; Azure keeps the last 4 MB of a container's output."""
_BLOCK = 64 * 1024
_MICROSECONDS = 26
"""Characters of ``2026-11-23T10:00:00.123456``; Python's times end there."""
Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a container's output."""

    at: str
    """As it was written, with nanoseconds."""
    stream: Stream
    text: str
    whole: bool = True
    """False: the line goes on in the next record."""

    @property
    def time(self) -> datetime:
        """The moment, to the microsecond."""
        moment = self.at.removesuffix("Z")[:_MICROSECONDS]
        return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def parse_line(record: bytes) -> Line | None:
    """Read one record; None for one that the end of the machine cut off."""
    words = record.decode(errors="replace").rstrip("\n").split(" ", 3)
    if len(words) != 4 or words[1] not in {"stdout", "stderr"}:  # noqa: PLR2004
        return None
    try:
        line = Line(words[0], "stdout" if words[1] == "stdout" else "stderr", words[3])
        _ = line.time
    except ValueError:
        return None
    return line if words[2] == "F" else Line(line.at, line.stream, line.text, whole=False)


def read_logs(
    path: Path,
    *,
    tail: int | None = None,
    since: datetime | None = None,
    stream: Stream | None = None,
    timestamps: bool = False,
    limit_bytes: int = ROTATE_BYTES,
) -> str:
    """Return the last lines of a container's output as text; blocks.

    Shape: ``tail`` lines at most, and not more than ``limit_bytes``: the newest are kept.
    """
    pieces: list[str] = []
    count, size = 0, 0
    for line in _iterate_backwards(path):
        if since is not None and line.time < since:
            break
        if stream is not None and line.stream != stream:
            continue
        count += line.whole
        text = f"{line.text}\n" if line.whole else line.text
        size += len(text)
        if (tail is not None and count > tail) or size > limit_bytes:
            break
        pieces.append(f"{line.at} {text}" if timestamps else text)
    return "".join(reversed(pieces))


def list_files(path: Path) -> list[Path]:
    """Return the files of one container's output, newest first."""
    rotated = (path.with_name(f"{path.name}.{number}") for number in range(1, ROTATED + 2))
    return [file for file in (path, *rotated) if file.exists()]


def remove_logs(path: Path) -> None:
    """Remove all of one container's output."""
    for file in list_files(path):
        file.unlink(missing_ok=True)


def _iterate_backwards(path: Path) -> Iterator[Line]:
    for file in list_files(path):
        for record in _read_backwards(file):
            line = parse_line(record)
            if line is not None:
                yield line


def _read_backwards(file: Path) -> Iterator[bytes]:
    """Yield a file's lines, the last one first, a block at a time."""
    try:
        descriptor = file.open("rb")
    except FileNotFoundError:
        return  # rotated away meanwhile
    with descriptor:
        end = descriptor.seek(0, os.SEEK_END)
        rest = b""
        while end > 0:
            start = max(0, end - _BLOCK)
            descriptor.seek(start)
            lines = (descriptor.read(end - start) + rest).split(b"\n")
            rest = lines[0]
            for line in reversed(lines[1:]):
                if line:
                    yield line
            end = start
        if rest:
            yield rest
