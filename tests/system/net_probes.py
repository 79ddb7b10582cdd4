"""Real packets between namespaces: a listener here, a knock there."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from dnslib import QTYPE, RR, A, DNSRecord

from silo.engine import netns

WAIT_S = 1.0
ANYWHERE = "0.0.0.0"
ANYWHERE_6 = "::"
_HOST = Path("/proc/self/ns/net")
_FREEBIND = {socket.AF_INET: (socket.SOL_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}


@contextlib.contextmanager
def listening(
    path: Path | None, port: int, kind: netns.Kind = "tcp", address: str = ANYWHERE
) -> Iterator[list[str]]:
    """Answer everybody who comes with their own address; note who came. None is the host."""
    came: list[str] = []
    made = make_socket(path, address, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == "tcp":
        made.listen()
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


def make_socket(path: Path | None, address: str, kind: netns.Kind) -> socket.socket:
    """Return a socket of a namespace, of the version of IP that the address is of."""
    type_ = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    with netns.entered(path):
        return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, type_)


def knock(
    path: Path | None,
    address: str,
    port: int,
    kind: netns.Kind = "tcp",
    *,
    source: str = "",
    wait_s: float = WAIT_S,
) -> str | None:
    """Return what the listener saw as our address, or None when nothing came back."""
    with make_socket(path, address, kind) as made:
        made.settimeout(wait_s)
        try:
            if source:
                made.setsockopt(*_FREEBIND[made.family], 1)
                made.bind((source, 0))
            made.connect((address, port))
            if kind == "udp":
                made.send(b"?")
            return made.recv(64).decode() or None
        except OSError:
            return None


@contextlib.contextmanager
def answering(address: str, result: str) -> Iterator[None]:
    """Be a name server on the host to which every name has one address."""
    udp, tcp = (netns.open_socket(_HOST, address, 53, kind) for kind in ("udp", "tcp"))
    done = threading.Event()

    def reply_to(data: bytes) -> bytes:
        reply = DNSRecord.parse(data).reply()
        reply.add_answer(RR(reply.q.qname, QTYPE.A, rdata=A(result)))
        return bytes(reply.pack())

    def serve(made: socket.socket) -> None:
        made.settimeout(0.1)
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                if made is udp:
                    data, peer = made.recvfrom(4096)
                    made.sendto(reply_to(data), peer)
                    continue
                accepted, _ = made.accept()
                with accepted:
                    reply = reply_to(accepted.recv(4096)[2:])
                    accepted.sendall(len(reply).to_bytes(2, "big") + reply)

    threads = [threading.Thread(target=serve, args=(made,)) for made in (udp, tcp)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


def look_up(path: Path, name: str, kind: netns.Kind) -> str | None:
    """Return the address that a group's resolver gives for a name."""
    query = bytes(DNSRecord.question(name).pack())
    with netns.make_socket(path, kind) as made:
        made.settimeout(30)
        made.connect(("168.63.129.16", 53))
        made.sendall(query if kind == "udp" else len(query).to_bytes(2, "big") + query)
        data = made.recv(4096)
    reply = DNSRecord.parse(data if kind == "udp" else data[2:])
    return str(reply.rr[0].rdata) if reply.rr else None


def knock_until_heard(
    path: Path | None, address: str, port: int, *, wait_s: float = WAIT_S
) -> str | None:
    """Knock again for some seconds: a router asks in vain for an address that is not there yet,
    and then waits before it asks again."""
    answers = (knock(path, address, port, wait_s=wait_s) for _ in range(20))
    return next((answer for answer in answers if answer), None)
