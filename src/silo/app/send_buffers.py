"""Small send buffers for clients on this machine: what is sent is read while still in the cache.

The kernel lets a buffer grow to megabytes, which is right for the far end of a long line. To a
client on the same machine that is two trips through memory for every byte: measured on downloads
of 1 GiB, a fifth of the processor time of both ends (docs/reference/speed.md).
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

log = structlog.get_logger()

SEND_BYTES = 64 << 10
"""The kernel doubles it. Half of it holds less than one packet of the loopback device, and both
ends wait for each other's timers."""
_DESCRIPTORS = Path("/proc/self/fd")
_POLL_S = 0.2
_TRIES = 50


async def keep_send_buffers_small(port: int) -> None:
    """Have connections that this process takes at a port use small send buffers, from now on.

    The server opens its listener itself, when the application has started; what a listener is set
    to, its connections inherit (man 7 tcp).
    """
    for _ in range(_TRIES):
        if limit_send_buffers(port):
            return
        await asyncio.sleep(_POLL_S)
    log.warning("no listener to set", port=port)


def limit_send_buffers(port: int) -> int:
    """Set the listeners that this process has at a port; return how many there are."""
    count = 0
    for entry in _DESCRIPTORS.iterdir():
        with _borrowing(int(entry.name)) as found:
            if found is not None and _listens(found, port):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
                count += 1
    return count


@contextmanager
def _borrowing(descriptor: int) -> Iterator[socket.socket | None]:
    """Give the socket of a descriptor, not a copy of it; None where it is none.

    A copy would have to be closed, and with any descriptor of a file go all the locks that this
    process has on it (man 2 fcntl): SQLite's on the database as well.
    """
    try:
        found = socket.socket(fileno=descriptor)
    except OSError:
        yield None
        return
    try:
        yield found
    finally:
        found.detach()


def _listens(found: socket.socket, port: int) -> bool:
    return (
        found.family in {socket.AF_INET, socket.AF_INET6}
        and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        and found.getsockname()[1] == port
    )
