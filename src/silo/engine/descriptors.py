"""The numbers of open files: many for the process, the low ones for those who need them.

Every container costs the control process two files and every group some sockets, for as long as
they live. ``select(2)`` knows no number from 1024 on, and a library that the packet filter is asked
through waits with it: it would end the process. So what is held for long is held above.
"""

import fcntl
import os
import resource

SELECTABLE = 1024
"""The first number that is none for ``select(2)`` (``FD_SETSIZE``)."""
_MOST = 1 << 16
"""Programs that we start inherit it, and some close every number that there could be."""


def raise_limit() -> None:
    """Let this process open as many files as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _MOST)), hard))


def lift(number: int) -> int:
    """Return a descriptor in place of this one, out of the way of the low ones."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, min(SELECTABLE, soft // 2))
    finally:
        os.close(number)


def has_selectable() -> bool:
    """Tell whether the next file that is opened gets a low number."""
    try:
        number = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    os.close(number)
    return number < SELECTABLE
