"""Control groups of clusters and nodes, on both versions of the interface.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel. A path is given from
the root of each hierarchy: ``/silo/INSTANCE/CLUSTER``.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .plans import Size

ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
_DELEGATED = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "tasks")
_PIDS = 16_384
"""The most processes and threads of one node: half of what Linux gives a machine by default."""
_PERIOD_US = 100_000
_KILL_S = 20.0
_LOOK_S = 0.02


def is_unified(root: Path = ROOT) -> bool:
    """Tell whether the machine has version 2 alone."""
    return (root / "cgroup.controllers").exists()


def has_pids(root: Path = ROOT) -> bool:
    """Tell whether the machine can bound how many processes a group has."""
    if not is_unified(root):
        return (root / "pids" / "cgroup.procs").exists()
    return "pids" in (root / "cgroup.controllers").read_text().split()


def make(path: str, root: Path = ROOT) -> None:
    """Make a group in every hierarchy; what is there stays."""
    for hierarchy in _list_hierarchies(root):
        folder = hierarchy
        for name in path.strip("/").split("/"):
            if is_unified(root):
                _delegate(folder)
            below = folder / name
            if not below.is_dir():
                below.mkdir(exist_ok=True)
                # A node's root is not root here, and looks at its own groups.
                below.chmod(0o755)
                _inherit(folder, below)
            folder = below


def limit(path: str, size: Size, root: Path = ROOT) -> None:
    """Let a group use so much and no more."""
    quota = int(size.cores * _PERIOD_US)
    inner = path.lstrip("/")
    unified = is_unified(root)
    if has_pids(root):
        (root / ("" if unified else "pids") / inner / "pids.max").write_text(str(_PIDS))
    if unified:
        (root / inner / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        (root / inner / "memory.max").write_text(str(size.memory_bytes))
        return
    (root / "cpu" / inner / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
    (root / "cpu" / inner / "cpu.cfs_quota_us").write_text(str(quota))
    (root / "memory" / inner / "memory.limit_in_bytes").write_text(str(size.memory_bytes))


def hand_over(path: str, owner: int, root: Path = ROOT) -> None:
    """Let a user make groups in a group; what limits the group itself stays ours.

    Source: cgroup-v2.rst, "Model of Delegation"; version 1 has ``tasks`` besides.
    """
    for hierarchy in _list_hierarchies(root):
        folder = hierarchy / path.lstrip("/")
        for name in (".", *_DELEGATED):
            if (folder / name).exists():
                os.chown(folder / name, owner, owner)


def list_doors(path: str, root: Path = ROOT) -> list[Path]:
    """Return the files that a process enters a group by."""
    return [each / path.lstrip("/") / "cgroup.procs" for each in _list_hierarchies(root)]


def kill(path: str, root: Path = ROOT) -> None:
    """Kill every process in a group and below, and remove the groups.

    Raises:
        TimeoutError: some do not end.

    """
    deadline = time.monotonic() + _KILL_S
    while not _remove(path, root):
        for pid in list_processes(path, root):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of {path} do not end")
        time.sleep(_LOOK_S)


def _remove(path: str, root: Path) -> bool:
    """Remove what is empty; tell whether all of it is gone."""
    folders = [each / path.strip("/") for each in _list_hierarchies(root)]
    for top in folders:
        for folder in reversed(_list_below(top)):
            with suppress(OSError):
                folder.rmdir()
    return not any(folder.exists() for folder in folders)


def list_processes(path: str, root: Path = ROOT) -> Iterator[int]:
    """Yield the processes in a group and below, some more than once."""
    for hierarchy in _list_hierarchies(root):
        for folder in _list_below(hierarchy / path.lstrip("/")):
            with suppress(OSError):
                yield from map(int, (folder / "cgroup.procs").read_text().split())


def _list_below(top: Path) -> list[Path]:
    """Return a group and those below it, inner ones later; a node nests them as it likes."""
    found = [top]
    for folder in found:
        with suppress(OSError), os.scandir(folder) as entries:
            found += [Path(each.path) for each in entries if each.is_dir(follow_symlinks=False)]
    return found


def _list_hierarchies(root: Path) -> list[Path]:
    if is_unified(root):
        return [root]
    # Two names of one hierarchy (cpu, cpuacct) may be links.
    found = [each for each in sorted(root.iterdir()) if each.is_dir() and not each.is_symlink()]
    return [each for each in found if (each / "cgroup.procs").exists()]


def _delegate(folder: Path) -> None:
    """Let groups below have what this one has (v2)."""
    with suppress(OSError):
        has = (folder / "cgroup.controllers").read_text().split()
        words = " ".join(f"+{name}" for name in _CONTROLLERS if name in has)
        (folder / "cgroup.subtree_control").write_text(words)


def _inherit(above: Path, below: Path) -> None:
    """Give a new group of cpuset (v1) what nobody may be without."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not is_unified(above) and (above / name).exists():
            (below / name).write_text((above / name).read_text())
