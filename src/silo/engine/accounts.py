"""Read small files out of an image's layers without mounting them or trusting their links."""

import os
import stat
from pathlib import Path

LARGEST_BYTES = 1024 * 1024
"""Of a user list; more is not read."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_file(layers: list[Path], folder: str, name: str) -> str:
    """Return a file as the stack of layers shows it, or nothing.

    Shape: ``layers`` uppermost first, as overlayfs lists them. A link in a layer is not followed:
    it would lead out of the image into this machine.
    """
    for layer in layers:
        try:
            inside = _open_folder(layer, folder)
        except FileNotFoundError:
            continue
        except OSError:
            return ""  # a link, or removed by this layer: nothing below is seen
        try:
            return _read(inside, name)
        except FileNotFoundError:
            if _is_opaque(inside):
                return ""
        except OSError:
            return ""
        finally:
            os.close(inside)
    return ""


def _open_folder(layer: Path, folder: str) -> int:
    root = os.open(layer, _FOLDER)
    try:
        return os.open(folder, _FOLDER, dir_fd=root)
    finally:
        os.close(root)


def _read(folder: int, name: str) -> str:
    # Looked at before it is opened: to open a device may already do something.
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise OSError("not a plain file")
    descriptor = os.open(name, _FILE, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(LARGEST_BYTES).decode(errors="replace")


def _is_opaque(folder: int) -> bool:
    try:
        return os.getxattr(folder, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False
