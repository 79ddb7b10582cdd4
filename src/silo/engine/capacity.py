"""What this machine has to give."""

import os
from dataclasses import dataclass
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Capacity:
    """Cores and memory of a machine."""

    cores: float
    memory_bytes: int


def read_capacity() -> Capacity:
    """Return what this machine has; what others use of it is not taken off."""
    total = next(line for line in _MEMINFO.read_text().splitlines() if line.startswith("MemTotal:"))
    return Capacity(float(len(os.sched_getaffinity(0))), int(total.split()[1]) * 1024)
