"""Ports and addresses of this machine."""

import socket

WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
_DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)
"""RFC 5737: asking for a route to it sends nothing and tells our outward address."""


def can_bind(host: str, port: int) -> bool:
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


def pick_port(host: str, preferred: int, *, taken: set[int], tries: int = 100) -> int:
    """Return the first free port from the preferred one on; add it to ``taken``."""
    for port in range(preferred, preferred + tries):
        if port not in taken and can_bind(host, port):
            taken.add(port)
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
