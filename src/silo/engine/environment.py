"""Environment variables that are never on disk: a file in memory that silo-init reads.

Shape: ``NAME=value`` ended by NUL, as in /proc/PID/environ. In the container's specification, and
with it in containerd's database, stands the path only.
"""

import os
import threading
from pathlib import Path

from .mounts import KernelMounts

_FOLDER = "secrets"
_SIZE_BYTES = 64 * 1024 * 1024
_mounting = threading.Lock()
"""Two mounts, one upon the other, would hide what the first to write has written."""


def write(run: Path, container_id: str, pairs: tuple[tuple[str, str], ...], reader: int) -> Path:
    """Write one container's secret environment, for its own user to read; blocks."""
    folder, mounts = run / _FOLDER, KernelMounts()
    folder.mkdir(exist_ok=True)
    with _mounting:
        if not mounts.is_mount(folder):
            mounts.mount_memory(folder, _SIZE_BYTES)
    # Silo's own umask lets nobody pass; the container's user has to.
    folder.chmod(0o711)
    path = folder / container_id
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        os.fchown(descriptor, reader, 0)
        file.write(render(pairs))
    return path


def remove(run: Path, container_id: str) -> None:
    """Forget one container's secrets."""
    (run / _FOLDER / container_id).unlink(missing_ok=True)


def list_ids(run: Path) -> list[str]:
    """Return the containers that there are secrets of."""
    folder = run / _FOLDER
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def render(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """Return the file; what cannot be in an environment is left out by the door long before."""
    return b"".join(f"{name}={value}\0".encode() for name, value in pairs)
