"""Clients that do not keep to HTTP: bytes as given, answers as far as they come."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from bench.caller import open_socket
from bench.instance import Instance


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection went."""

    answer: bytes
    closed: bool
    """Whether the server closed it within the time given."""
    after_s: float

    @property
    def status(self) -> int:
        """The status code; 0 when no answer came."""
        parts = self.answer.split(b" ", 2)
        return int(parts[1]) if len(parts) > 2 and parts[0].startswith(b"HTTP/") else 0

    @property
    def body(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[2]


def open_door(silo: Instance, host: str, timeout_s: float = 60.0) -> socket.socket:
    return open_socket(silo.port, host, silo.bundle, timeout_s)


def head(method: str, path: str, host: str, *fields: str) -> bytes:
    """Return the head of a request; nothing in it is checked."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def listen(connection: socket.socket, timeout_s: float) -> Ending:
    """Read until the server closes or the time is over."""
    start = time.perf_counter()
    answer, closed = b"", False
    while not closed and (left := timeout_s - (time.perf_counter() - start)) > 0:
        connection.settimeout(left)
        try:
            part = connection.recv(65536)
        except TimeoutError:
            break
        except OSError:
            closed = True
            break
        answer += part
        closed = not part
    return Ending(answer, closed, time.perf_counter() - start)


def ask(silo: Instance, host: str, data: bytes, timeout_s: float = 10.0) -> Ending:
    """Send bytes, which should include ``Connection: close``, and hear what comes."""
    with open_door(silo, host, timeout_s) as connection:
        with suppress(OSError):  # a server may refuse before it has read everything
            connection.sendall(data)
        return listen(connection, timeout_s)
