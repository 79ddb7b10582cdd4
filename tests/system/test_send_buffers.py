"""Connections from this machine get small send buffers: the listener is found among all sockets."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from silo.app import send_buffers

ACCOUNTED = 2 * send_buffers.SEND_BYTES
"""The kernel doubles what is asked for (man 7 socket)."""


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def measure(listener: socket.socket) -> int:
    """Return the send buffer of a connection that a listener takes."""
    with socket.create_connection(listener.getsockname()):
        taken, _ = listener.accept()
        with taken:
            return taken.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def test_only_connections_of_the_port_get_small_buffers() -> None:
    with listening() as ours, listening() as another:
        before = measure(another)

        assert send_buffers.limit_send_buffers(ours.getsockname()[1]) == 1
        assert measure(ours) == ACCOUNTED
        assert measure(another) == before != ACCOUNTED


def test_locks_of_this_process_stay(tmp_path: Path) -> None:
    """SQLite's processes keep out of each other's way by them (sqlite.org/howtocorrupt.html)."""
    with (tmp_path / "database").open("w") as file, listening() as ours:
        fcntl.lockf(file, fcntl.LOCK_EX)
        inode = f":{os.fstat(file.fileno()).st_ino} "

        assert send_buffers.limit_send_buffers(ours.getsockname()[1]) == 1
        assert inode in Path("/proc/locks").read_text()


async def test_a_listener_that_opens_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([0, 0, 1])
    asked = []

    def limit(port: int) -> int:
        asked.append(port)
        return next(found)

    monkeypatch.setattr(send_buffers, "limit_send_buffers", limit)
    monkeypatch.setattr(send_buffers, "_POLL_S", 0)

    await send_buffers.keep_send_buffers_small(443)

    assert asked == [443] * 3
