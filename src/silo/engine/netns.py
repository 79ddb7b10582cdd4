"""Network namespaces: made, entered, listed and taken away.

A thread that enters one stays itself: only its sockets, its ``/proc/sys/net`` and what it makes are
of that namespace. So everything here runs on threads of its own, never on the loop's.
"""

import contextlib
import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from . import userns
from .descriptors import lift

Kind = Literal["tcp", "udp"]

FOLDER = Path("/run/netns")
"""Where iproute2 looks for them too: ``ip netns exec`` works for whoever has to find a fault."""
_CLONE_NEWNET = 0x4000_0000
_MS_BIND = 4096
_MNT_DETACH = 2
_SO_BINDTODEVICE = 25
_BACKLOG = 128
_OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def make_namespace(name: str, owner: Path | None = None) -> Path:
    """Make a named namespace; one of that name that is there already is kept.

    Its administrator is the user namespace that owns it, or the machine's.
    """
    path = FOLDER / name
    FOLDER.mkdir(mode=0o755, exist_ok=True)
    if is_namespace(path):
        return path
    path.unlink(missing_ok=True)
    if owner is not None:
        userns.hold_network(path, owner)
        return path
    path.touch(mode=0o600, exist_ok=False)
    with _returning():
        _call("unshare", _libc.unshare(_CLONE_NEWNET))
        done = _libc.mount(_OWN.encode(), os.fsencode(path), b"none", _MS_BIND, None)
        _call(f"mount {path}", done)
    return path


def remove_namespace(name: str) -> None:
    """Take the name away; the namespace goes with the last process and socket in it."""
    path = FOLDER / name
    while _libc.umount2(os.fsencode(path), _MNT_DETACH) == 0:
        pass
    path.unlink(missing_ok=True)


def list_namespaces(prefix: str) -> list[str]:
    """Return the names that begin so."""
    try:
        return sorted(entry.name for entry in FOLDER.iterdir() if entry.name.startswith(prefix))
    except FileNotFoundError:
        return []


def is_namespace(path: Path) -> bool:
    """Tell whether the file is a namespace, or just what is left of one after a crash."""
    try:
        return path.stat().st_dev == Path(_OWN).stat().st_dev
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def entered(path: Path | None) -> Iterator[None]:
    """Be in a namespace for the length of the block; None is where this thread already is."""
    if path is None:
        yield
        return
    with _returning():
        target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call(f"setns {path}", _libc.setns(target, _CLONE_NEWNET))
        finally:
            os.close(target)
        yield


def open_socket(
    netns_path: Path | str, address: str, port: int, kind: Kind = "tcp", *, device: str = ""
) -> socket.socket:
    """Return a socket bound inside a namespace; a TCP one listens. It blocks: use a thread.

    Whoever holds it may use it from anywhere, a socket belongs to where it was made. With a
    device, only what comes in there reaches it.
    """
    with entered(Path(netns_path)):
        made = _make_socket(kind)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if device:
            made.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, device.encode())
        made.bind((address, port))
        if kind == "tcp":
            made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def make_socket(netns_path: Path | str, kind: Kind = "tcp") -> socket.socket:
    """Return an unbound, non-blocking socket of a namespace, to connect from there."""
    with entered(Path(netns_path)):
        made = _make_socket(kind)
    made.setblocking(False)
    return made


def write_sysctls(values: dict[str, str]) -> None:
    """Set kernel parameters below ``net`` of the namespace this thread is in.

    One that this kernel has not (IPv6 switched off) is passed over.
    """
    for name, value in values.items():
        with contextlib.suppress(FileNotFoundError):
            Path("/proc/sys/net", name).write_text(value)


def _make_socket(kind: Kind) -> socket.socket:
    type_ = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    made = socket.socket(socket.AF_INET, type_)
    return socket.socket(socket.AF_INET, type_, fileno=lift(made.detach()))


@contextlib.contextmanager
def _returning() -> Iterator[None]:
    """Put this thread back where it was; one that cannot go back must never be used again."""
    before = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        done = _libc.setns(before, _CLONE_NEWNET)
        os.close(before)
        if done != 0:
            os.abort()


def _call(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno() or errno.EIO
        raise OSError(number, os.strerror(number), what)
