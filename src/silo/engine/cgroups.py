"""What the kernel counts per container, read from its control group (v1 and v2).

Source: Documentation/admin-guide/cgroup-v2.rst (memory.events), cgroup-v1/memory.rst.
"""

import os
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def count_oom_kills(path: str, root: Path = ROOT) -> int:
    """Return how many processes of a control group the kernel killed for want of memory."""
    inner = path.lstrip("/")
    for file in (root / "memory" / inner / "memory.oom_control", root / inner / "memory.events"):
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        words = dict(line.split()[:2] for line in lines if " " in line)
        return int(words.get("oom_kill", 0))
    return 0


def set_quota(path: str, quota_us: int, period_us: int, root: Path = ROOT) -> None:
    """Let a control group have so much processor time in each period; nothing if it is gone."""
    inner = path.lstrip("/")
    for file, text in (
        (root / "cpu" / inner / "cpu.cfs_quota_us", str(quota_us)),
        (root / inner / "cpu.max", f"{quota_us} {period_us}"),
    ):
        with suppress(FileNotFoundError), file.open("r+") as limit:
            limit.write(text)


def remove_group(path: str, root: Path = ROOT) -> None:
    """Remove the empty control groups of a group of containers; what still runs keeps its own."""
    inner = path.lstrip("/")
    for controller in (root, *root.iterdir()):
        for folder, _, _ in os.walk(controller / inner, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()


def enter(path: str, pid: int, root: Path = ROOT) -> None:
    """Move a process into a control group, made if it is not there, wherever the kernel lets it."""
    unified = (root / "cgroup.controllers").exists()
    for hierarchy in [root] if unified else root.iterdir():
        place = hierarchy / path.lstrip("/")
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            (place / "cgroup.procs").write_text(str(pid))
