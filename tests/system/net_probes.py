"""Real packets between namespaces: a listener here, a knock there."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from silo.engine import netns

WAIT_S = 1.0
ANYWHERE = "0.0.0.0"


@contextlib.contextmanager
def listening(
    path: Path | None, port: int, kind: netns.Kind = "tcp", address: str = ANYWHERE
) -> Iterator[list[str]]:
    """Answer everybody who comes with their own address; note who came. None is the host."""
    came: list[str] = []
    made = netns.open_socket(path or Path("/proc/self/ns/net"), address, port, kind)
    made.settimeout(0.1)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                if kind == "udp":
                    _, peer = made.recvfrom(2048)
                    came.append(peer[0])
                    made.sendto(peer[0].encode(), peer)
                    continue
                accepted, peer = made.accept()
                came.append(peer[0])
                with accepted:
                    accepted.sendall(peer[0].encode())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield came
    finally:
        done.set()
        thread.join()
        made.close()


def knock(
    path: Path | None, address: str, port: int, kind: netns.Kind = "tcp", *, source: str = ""
) -> str | None:
    """Return what the listener saw as our address, or None when nothing came back."""
    with netns.make_socket(path or Path("/proc/self/ns/net"), kind) as made:
        made.settimeout(WAIT_S)
        try:
            if source:
                made.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND
                made.bind((source, 0))
            made.connect((address, port))
            if kind == "udp":
                made.send(b"?")
            return made.recv(64).decode() or None
        except OSError:
            return None
