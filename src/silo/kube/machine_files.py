"""What a node is told that the machine has: its own size. Source: man 5 proc, sysfs."""

import math
from pathlib import Path

from .plans import Size


def describe(size: Size, processors: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Return the files by their names."""
    cores = max(1, math.ceil(size.cores))
    total = size.memory_bytes >> 10
    memory = {"MemTotal": total, "MemFree": total, "MemAvailable": total}
    swap = {"SwapTotal": 0, "SwapFree": 0}
    shown = processors.read_text().split("\n\n")[:cores]
    return {
        "meminfo": "".join(f"{name + ':':<16}{kb:>8} kB\n" for name, kb in (memory | swap).items()),
        "cpuinfo": "".join(f"{each.strip()}\n\n" for each in shown),
        "online": f"0-{cores - 1}\n" if cores > 1 else "0\n",
    }
