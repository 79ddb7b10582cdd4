"""Folders that are removed with all that is in them, however strangers filled them."""

import errno
import os
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove a folder and everything in it; repeatable.

    However deep it is: neither paths nor calls get longer on the way down, as ``shutil.rmtree``'s
    do before Python 3.13. Links are not followed.

    Raises:
        OSError: it does not go, or something is mounted in it, which is left alone.

    """
    try:
        folder = os.open(path, _FLAGS)
    except FileNotFoundError:
        return
    top = here = _identify(folder)
    above: list[tuple[str, list[str], tuple[int, int]]] = []
    try:
        names = _remove_files(folder)
        while names or above:
            if names:
                name = names.pop()
                below = os.open(name, _FLAGS, dir_fd=folder)
                above.append((name, names, here))
                os.close(folder)
                folder, here = below, _identify(below)
                if here[0] != top[0]:
                    raise OSError(errno.EBUSY, "Something is mounted", name[:100])
                names = _remove_files(folder)
            else:
                name, names, here = above.pop()
                parent = os.open("..", _FLAGS, dir_fd=folder)
                os.close(folder)
                folder = parent
                if _identify(folder) != here:
                    raise OSError(errno.ESTALE, "Somebody moved a folder", name[:100])
                os.rmdir(name, dir_fd=folder)
    finally:
        os.close(folder)
    path.rmdir()


def _identify(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _remove_files(folder: int) -> list[str]:
    """Remove what is no folder; return the folders."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return folders
