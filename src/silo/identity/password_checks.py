"""Checks of people's passwords: two at a time, a bounded queue, and the same time for no such user.

argon2 takes 64 MiB and some 100 ms each, so a flood of sign-ins must wait or be turned away.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from .credentials import PASSWORD_MAX, hash_password, verify_password
from .errors import TooManyRequests

T = TypeVar("T")


class PasswordChecks:
    """The threads in which one process hashes."""

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._limit = threads + queue
        self._running = 0
        self._lock = threading.Lock()

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether a password is right; without a hash, take as long and say no.

        Raises:
            TooManyRequests: the queue is full.

        """
        if len(password) > PASSWORD_MAX:
            return False
        return await self._run(_verify, password_hash, password)

    async def hash(self, password: str) -> str:
        """Return the hash of a new password, as ``verify``."""
        return await self._run(hash_password, password)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., T], *arguments: str | None) -> T:
        with self._lock:
            if self._running >= self._limit:
                raise TooManyRequests
            self._running += 1
        future = self._pool.submit(work, *arguments)
        # Counted until the thread is done, not until the client gives up waiting.
        future.add_done_callback(self._finish)
        return await asyncio.wrap_future(future)

    def _finish(self, _future: object) -> None:
        with self._lock:
            self._running -= 1


def _verify(password_hash: str | None, password: str) -> bool:
    if password_hash is None:
        verify_password(_get_dummy(), password)
        return False
    return verify_password(password_hash, password)


@cache
def _get_dummy() -> str:
    return hash_password("nobody has this password")
