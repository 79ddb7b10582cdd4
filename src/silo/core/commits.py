"""Hear that some process of the instance has written to the database, without asking all the time.

Every writer opens the file of turns and closes it once its transaction is on disk (``Store``); the
kernel tells of each close (man 7 inotify). Where it cannot, time is what is left to go by.
"""

import asyncio
import ctypes
import os
from contextlib import suppress

from .store import Store

_CLOSE_WRITE = 0x8
_EVENTS_BYTES = 65_536


class Commits:
    """Tells the loop that opened it of commits, several at once as one."""

    def __init__(self, store: Store) -> None:
        self._heard = asyncio.Event()
        # Whoever writes first makes it; that is too late to be told of it.
        store.turns.touch(mode=0o600)
        self._inotify = _watch(str(store.turns))
        if self._inotify >= 0:
            asyncio.get_running_loop().add_reader(self._inotify, self._hear)

    async def wait(self, timeout_s: float) -> None:
        """Return after the next commit, at once if there has been one since the last call."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()
        self._heard.clear()

    def close(self) -> None:
        """Listen no more."""
        if self._inotify >= 0:
            asyncio.get_running_loop().remove_reader(self._inotify)
            os.close(self._inotify)
            self._inotify = -1

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._inotify, _EVENTS_BYTES)
        self._heard.set()


def _watch(path: str) -> int:
    """Return a descriptor that is readable after each commit; -1 where the kernel has none left."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor >= 0 and libc.inotify_add_watch(descriptor, os.fsencode(path), _CLOSE_WRITE) < 0:
        os.close(descriptor)
        return -1
    return descriptor
