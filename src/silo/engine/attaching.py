"""A container's output as it comes, for who watches: what its logger writes, read as it grows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from .containers import Exit, Size
from .errors import ContainerMissing
from .tails import find_end, read_tail

_LOOK_S = 0.1
_AT_ONCE = 500
"""Records read in one go."""
_QUIET_S = 1.0
"""After a container's end: its logger waits a moment for the rest of a line, and may be busy."""


class OutputSession:
    """What a container says from now on; has the shape of an ``ExecSession``, without an input."""

    def __init__(self, log: Path, wait_exit: Callable[[], Awaitable[Exit]]) -> None:
        self._log = log
        self._wait_exit = wait_exit
        self._position = ""
        self._ended = False

    async def start(self) -> None:
        """Take note of where its log ends."""
        self._position = await asyncio.to_thread(find_end, self._log)

    async def write(self, data: bytes) -> None:
        """Pass over what is typed: nobody reads it."""

    async def close_input(self) -> None:
        """There is none."""

    async def resize(self, size: Size) -> None:
        """There is no terminal."""

    async def output(self) -> AsyncIterator[bytes]:
        """Yield what the container writes, until it has ended and all of it is told."""
        quiet = 0.0
        while quiet < _QUIET_S:
            ended = self._ended
            read = await asyncio.to_thread(read_tail, self._log, self._position, _AT_ONCE)
            for one in read:
                self._position = one.position
                yield (one.line.text + "\n" * one.line.whole).encode()
            quiet = quiet + _LOOK_S if ended and not read else 0.0
            if not read:
                await asyncio.sleep(_LOOK_S)

    async def wait(self) -> int:
        """Return the container's exit code once it has ended; -1 if it is removed already."""
        try:
            return (await self._wait_exit()).code
        except ContainerMissing:
            return -1
        finally:
            self._ended = True

    async def close(self) -> None:
        """Leave it be: it runs for others too."""
