"""Folders that are walked and removed with all that is in them, however strangers filled them."""

import errno
import os
from collections.abc import Iterator
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


def walk_tree(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield every folder below a path and the path's own, open, with the names of all in it.

    However deep it is: one folder is open at a time, and calls get no longer on the way down, as
    ``os.fwalk``'s do. Links and what is mounted are not entered, nor what has gone meanwhile.

    Raises:
        OSError: somebody moves folders meanwhile.

    """
    folder = os.open(path, _FLAGS)
    top = _identify(folder)
    above: list[tuple[tuple[int, int], list[str]]] = []
    try:
        folders, names = _list_names(folder)
        yield folder, names
        above.append((top, folders))
        while above:
            if above[-1][1]:
                try:
                    below = os.open(above[-1][1].pop(), _FLAGS, dir_fd=folder)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                os.close(folder)
                folder, here = below, _identify(below)
                folders, names = _list_names(folder) if here[0] == top[0] else ([], [])
                if here[0] == top[0]:
                    yield folder, names
                above.append((here, folders))
                continue
            above.pop()
            if above:
                parent = os.open("..", _FLAGS, dir_fd=folder)
                os.close(folder)
                folder = parent
                if _identify(folder) != above[-1][0]:
                    raise OSError(errno.ESTALE, "Somebody moved a folder")
    finally:
        os.close(folder)


def _list_names(folder: int) -> tuple[list[str], list[str]]:
    """Return the names of the folders in a folder, and of all that is in it."""
    with os.scandir(folder) as found:
        entries = list(found)
    folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return folders, [entry.name for entry in entries]


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
