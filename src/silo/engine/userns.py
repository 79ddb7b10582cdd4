"""User namespaces, held by files: whose root is an ordinary user of the machine.

Source: man 7 user_namespaces, man 2 ioctl_ns. A process with threads cannot enter one, so each is
made by a program that waits meanwhile.
"""

import contextlib
import ctypes
import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_NS_GET_USERNS = 0xB701
_MS_BIND = 4096
_WAIT = ("/bin/sh", "-c", "echo && read -r _")

_libc = ctypes.CDLL(None, use_errno=True)


def make_users(path: Path, first_id: int, count: int) -> None:
    """Make a user namespace whose users from 0 on are the machine's from ``first_id`` on."""
    with _waiting("unshare", "--user", "--") as folder:
        for name in ("uid_map", "gid_map"):
            (folder / name).write_text(f"0 {first_id} {count}")
        _hold(folder / "ns" / "user", path)


def hold_network(path: Path, owner: Path) -> None:
    """Make a network namespace that a user namespace administers."""
    with _waiting("nsenter", f"--user={owner}", "--", "unshare", "--net", "--") as folder:
        _hold(folder / "ns" / "net", path)


def is_owned(path: Path, owner: Path | None) -> bool:
    """Tell whether a namespace belongs to this user namespace; any does when none is named."""
    if owner is None:
        return True
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = fcntl.ioctl(opened, _NS_GET_USERNS)
    except PermissionError:
        return False
    finally:
        os.close(opened)
    try:
        return os.path.samestat(os.fstat(found), owner.stat())
    finally:
        os.close(found)


@contextlib.contextmanager
def _waiting(*words: str) -> Iterator[Path]:
    """Have a program wait where these words put it; it ends with the block."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [*words, *_WAIT],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        out, ended = process.stdout, process.stdin
        if out is None or ended is None or out.readline() == b"":
            raise OSError(f"{' '.join(words)} failed")
        yield Path("/proc", str(process.pid))
        ended.close()


def _hold(namespace: Path, path: Path) -> None:
    path.touch(mode=0o600)
    if _libc.mount(os.fsencode(namespace), os.fsencode(path), b"none", _MS_BIND, None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
