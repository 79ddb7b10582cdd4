"""What container groups need of this machine: each thing looked at, said in one line.

Nothing is changed by looking. ``root`` folders are parameters so that other machines can be tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import nft
from .binaries import Binaries
from .daemon import find_obstacle
from .levels import SYSTEM_PATH, find_lack
from .plans import Level

_CONTROLLERS = ("cpu", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    said: str
    """What there is, or what is missing and how to get it."""
    fine: bool = True
    needed: bool = True
    """False: something works less well, or not at all, without it; the rest does."""


def list_levels(
    binaries: Binaries | None, user: int | None = None, root: Path = Path("/")
) -> tuple[Level, ...]:
    """Return the isolation levels that groups of this user's Silo can have."""
    if binaries is None or find_obstacle(binaries, user):
        return ()
    return tuple(level for level in Level if not find_lack(level, binaries, root))


def inspect_machine(
    binaries: Binaries | None, user: int | None = None, root: Path = Path("/")
) -> Iterator[Finding]:
    """Look at all that container groups of this user's Silo need."""
    obstacle = find_obstacle(binaries, user)
    if obstacle or binaries is None:
        # All else that Silo does works, so this is how the machine is, and no fault.
        yield Finding("container groups", obstacle or "", fine=False, needed=False)
        return
    versions = ", ".join(f"{name} {version}" for name, version in binaries.versions.items())
    yield Finding("engine", versions)
    yield inspect_filter()
    git = _has_command(root, "git")
    said = "git is there" if git else "no git command, which they need (Debian: git)"
    yield Finding("gitRepo volumes", said, fine=git, needed=False)
    yield inspect_volumes(root)
    yield inspect_cgroups(root)
    yield from inspect_kernel(root)
    yield inspect_hypervisor(binaries, root)


def inspect_cgroups(root: Path) -> Finding:
    """Look at what limits processor time, memory and processes."""
    unified = root / "sys/fs/cgroup/cgroup.controllers"
    if unified.exists():
        version, found = "v2", unified.read_text().split()
    else:
        version = "v1, which container software gives up by 2029"
        found = [path.name for path in (root / "sys/fs/cgroup").glob("*") if path.is_dir()]
    missing = [name for name in _CONTROLLERS if name not in found]
    said = f"{version}; {'missing: ' if missing else ''}{', '.join(missing or _CONTROLLERS)}"
    return Finding("cgroups", said, fine=not missing)


def inspect_filter() -> Finding:
    """Ask the kernel's packet filter what it has, through the library that sets its rules."""
    problem = nft.find_library()
    if problem is None:
        try:
            nft.run([{"list": {"tables": None}}])
        except nft.RulesRefused as error:
            problem = f"the kernel does not answer nftables: {error}"
    return Finding("packet filter", problem or "nftables answers", fine=problem is None)


def inspect_volumes(root: Path) -> Finding:
    """Look at what volumes of a bounded size on disk need; without it they are kept in memory."""
    missing = [name for name in ("mount", "mkfs.ext4") if not _has_command(root, name)]
    if not (root / "dev/loop-control").exists():
        missing.append("/dev/loop-control")
    said = f"in memory; on disk they need {', '.join(missing)}" if missing else "on disk"
    return Finding("emptyDir volumes", said, fine=not missing, needed="mount" in missing)


def inspect_kernel(root: Path) -> Iterator[Finding]:
    """Look at what the kernel was built with."""
    namespaces = _read(root / "proc/sys/user/max_user_namespaces")
    allowed = namespaces.isdigit() and int(namespaces) > 0
    said = f"{namespaces} at most" if allowed else "none; raise user.max_user_namespaces (sysctl)"
    yield Finding("user namespaces", said, fine=allowed)
    overlay = "overlay" in _read(root / "proc/filesystems").split()
    said = "the kernel knows it" if overlay else "unknown to the kernel; modprobe overlay"
    yield Finding("overlayfs", said, fine=overlay)
    seccomp = (root / "proc/sys/kernel/seccomp/actions_avail").exists()
    said = "the kernel filters system calls" if seccomp else "the kernel was built without it"
    yield Finding("seccomp", said, fine=seccomp)


def inspect_hypervisor(binaries: Binaries, root: Path) -> Finding:
    """Look at what the level ``hypervisor`` needs."""
    lack = find_lack(Level.HYPERVISOR, binaries, root)
    said = f"not available: {lack}" if lack else "available: KVM and Kata Containers are there"
    return Finding("isolation level hypervisor", said, fine=not lack, needed=False)


def _has_command(root: Path, name: str) -> bool:
    return any((root / folder.lstrip("/") / name).exists() for folder in SYSTEM_PATH.split(":"))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
