"""A program of its own: give a folder to a node, as a mount in its view of files, or take it again.

    handing.py PID FOLDER WHERE mapped|as-it-is
    handing.py PID WHERE

The folder, seen from here, appears at a path of the node whose first process this is, for as long
as the node lives or until somebody in it unmounts it. It is opened as root of the machine and put
in place as root of the node, so that no path in a node leads anybody of the machine anywhere. Where
it is mapped, user 0 of the folder's file system is the node's root (man 2 mount_setattr).

No program of the node's is run: its root may have put any other in its place, and what we start is
outside of the node's bounds.
"""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
"""The same on every architecture."""
_HERE = -100
_CLONE, _CLOEXEC, _NOFOLLOW = 1, 0o2000000, 0x100
_FROM_EMPTY, _EMPTY = 0x4, 0x1000
_NOSUID, _NODEV, _IDMAP = 0x2, 0x4, 0x100000
_USERS, _MOUNTS = 0x10000000, 0x00020000
_UNMOUNT_NOFOLLOW = 0x8
_WORDS_TO_TAKE = 3

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("users", ctypes.c_uint64),
    )


def hand_over(pid: int, folder: str, where: str, how: str) -> None:
    """Do so; this process is the node's from then on."""
    users, mounts = _open_spaces(pid)
    flags = ctypes.c_uint(_CLONE | _CLOEXEC | _NOFOLLOW)
    tree = _check(_libc.syscall(_OPEN_TREE, _HERE, folder.encode(), flags))
    mapped = _IDMAP if how == "mapped" else 0
    wanted = _Attributes(_NOSUID | _NODEV | mapped, 0, 0, users if mapped else 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    _check(
        _libc.syscall(_MOUNT_SETATTR, tree, b"", ctypes.c_uint(_EMPTY), ctypes.byref(wanted), size)
    )
    _enter(users, mounts)
    Path(where).mkdir(mode=0o755, exist_ok=True)
    _check(_libc.syscall(_MOVE_MOUNT, tree, b"", _HERE, where.encode(), ctypes.c_uint(_FROM_EMPTY)))


def take_back(pid: int, where: str) -> None:
    """Unmount what a node was given, unless it is in use; this process is the node's from then on.

    Raises:
        OSError: it stays; EINVAL: nothing is there.

    """
    _enter(*_open_spaces(pid))
    _check(_libc.umount2(where.encode(), _UNMOUNT_NOFOLLOW))
    with suppress(OSError):
        Path(where).rmdir()


def _open_spaces(pid: int) -> tuple[int, int]:
    flags = os.O_RDONLY | os.O_CLOEXEC
    return os.open(f"/proc/{pid}/ns/user", flags), os.open(f"/proc/{pid}/ns/mnt", flags)


def _enter(users: int, mounts: int) -> None:
    """Be root of the node, in its view of files."""
    _check(_libc.setns(users, _USERS))
    _check(_libc.setns(mounts, _MOUNTS))
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _check(done: int) -> int:
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return done


if __name__ == "__main__":
    if len(sys.argv) == _WORDS_TO_TAKE:
        take_back(int(sys.argv[1]), sys.argv[2])
    else:
        hand_over(int(sys.argv[1]), *sys.argv[2:5])
