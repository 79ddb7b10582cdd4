"""Ports and addresses of this machine."""

import socket
from typing import Self

WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)
"""RFC 5737: asking for a route to it sends nothing and tells our outward address."""


class Ports:
    """The ports that one instance takes, kept from every other that starts meanwhile.

    That a port is free now says nothing of the moment in which somebody listens there. So each is
    claimed first: by a name in the kernel's abstract namespace (``man 7 unix``), which the whole
    machine shares, only one process can hold, and none leaves behind when it dies.
    """

    def __init__(self) -> None:
        self._claims: dict[int, socket.socket] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()

    def take(self, host: str, port: int) -> bool:
        """Take a port, unless somebody has it already."""
        if port in self._claims:
            return False
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0silo-port-{host}-{port}")
        except OSError:
            claim.close()
            return False
        if not _can_bind(host, port):
            claim.close()
            return False
        self._claims[port] = claim
        return True

    def pick(self, host: str, preferred: int, *, tries: int = 100) -> int:
        """Take the first port that is free, from the preferred one on."""
        for port in range(preferred, preferred + tries):
            if self.take(host, port):
                return port
        raise OSError(f"No free port between {preferred} and {preferred + tries} on {host}.")


def reachable_address(listen: str) -> str:
    """Return the address under which others reach a listener."""
    if listen not in WILDCARDS:
        return listen
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_DOCUMENTATION_ADDRESS)
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def local_address(listen: str) -> str:
    """Return the address under which this machine reaches a listener."""
    return "127.0.0.1" if listen in WILDCARDS else listen


def _can_bind(host: str, port: int) -> bool:
    """Tell whether a port is free and ours to take, for TCP and (DNS needs both) for UDP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as stream,
        socket.socket(family, socket.SOCK_DGRAM) as datagrams,
    ):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            stream.bind((host, port))
            datagrams.bind((host, port))
        except OSError:
            return False
    return True
