"""Shares that are file systems of their own, so that their quota binds containers too.

A container writes to a share as to any folder, and nobody is asked. So a share whose quota is less
than the disk is an image on it, as large as the quota: who writes more is told that there is no
space. The image is sparse; what is not written costs nothing.

Beside the share's folder lies ``.<uid>.img``; in the folder, once mounted, what ``open`` returns.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from silo import engine

from .attributes import open_to_all
from .errors import ServerBusy

CONTENT = "content"
PARTS = "parts"
"""Files in the making, on the same file system as the content that they become."""
_OVERHEAD = 1.03
_JOURNAL_BYTES = 64 << 20
"""What the file system itself takes, about; a share holds its quota, and hardly more."""


class Kernel(Protocol):
    """Somebody who can mount images; the kernel, or a fake in tests."""

    def make_image(self, image: Path, size: int) -> None:
        """Make a file system of this size."""
        ...

    def mount_image(self, image: Path, path: Path) -> None:
        """Mount it; one that is mounted elsewhere too is the same file system there."""
        ...

    def grow_image(self, image: Path, path: Path, size: int) -> bool:
        """Make one that is mounted larger; tell whether it is."""
        ...

    def unmount(self, path: Path) -> None:
        """Take away what is mounted there."""
        ...

    def is_mounted_elsewhere(self, path: Path) -> bool:
        """Tell whether what is mounted there is in other places too."""
        ...


class Images:
    """The images of one instance."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def open(self, folder: Path) -> Path:
        """Return where a share's content is, mounted if it was not.

        Raises:
            ServerBusy: the machine does not let us.

        """
        content = folder / CONTENT
        if not content.is_dir():
            with _turn(folder.parent):
                try:
                    self._mount(folder)
                except engine.MountFailed as error:
                    raise ServerBusy(f"The share cannot be mounted: {error}") from None
        return content

    def make(self, folder: Path, size: int) -> Path:
        """Make a share that holds so many bytes; return where its content is.

        Raises:
            MountFailed: this machine has no images.

        """
        image = find_image(folder)
        with _turn(folder.parent):
            if not image.exists():
                made = image.with_name(f"{image.name}.{uuid.uuid4().hex}")
                try:
                    self._kernel.make_image(made, _add_overhead(size))
                    made.rename(image)
                    self._mount(folder)
                except engine.MountFailed:
                    image.unlink(missing_ok=True)
                    raise
                finally:
                    made.unlink(missing_ok=True)
        return self.open(folder)

    def grow(self, folder: Path, size: int) -> bool:
        """Make a share larger; tell whether it is, for it may be in use.

        It never gets smaller, for what is in it may be in use.

        Raises:
            ServerBusy: the machine does not let us.

        """
        image, wanted = find_image(folder), _add_overhead(size)
        with suppress(FileNotFoundError):  # it may be deleted meanwhile
            if image.stat().st_size > wanted:
                return True
            self.open(folder)
            with _turn(folder.parent):
                try:
                    return self._kernel.grow_image(image, folder, wanted)
                except engine.MountFailed as error:
                    raise ServerBusy(f"The share cannot grow: {error}") from None
        return True

    def remove(self, folder: Path) -> None:
        """Take a share away; a group that has it mounted keeps an orphan."""
        with _turn(folder.parent):
            self._kernel.unmount(folder)
            find_image(folder).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                folder.rmdir()

    def release(self, folder: Path) -> None:
        """Leave a share alone until it is opened again, unless a group has it."""
        if (folder / CONTENT).is_dir() and not self._kernel.is_mounted_elsewhere(folder):
            self._kernel.unmount(folder)

    def _mount(self, folder: Path) -> None:
        content = folder / CONTENT
        if not content.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            self._kernel.mount_image(find_image(folder), folder)
            (folder / PARTS).mkdir(mode=0o700, exist_ok=True)
            if not content.is_dir():
                _make_content(content)


def open_images() -> Images | None:
    """Return the machine's own, or None for who may not mount."""
    return Images(engine.KernelMounts()) if os.geteuid() == 0 else None


def find_image(folder: Path) -> Path:
    """Return where the image of a share would be."""
    return folder.with_name(f".{folder.name}.img")


def _add_overhead(size: int) -> int:
    return int(size * _OVERHEAD) + _JOURNAL_BYTES


def _make_content(content: Path) -> None:
    made = content.with_name(f".{content.name}.{uuid.uuid4().hex}")
    made.mkdir(mode=0o700)
    folder = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        open_to_all(folder)
        os.fsync(folder)
    finally:
        os.close(folder)
    made.rename(content)


@contextmanager
def _turn(account: Path) -> Iterator[None]:
    """Keep other workers from mounting and making meanwhile."""
    folder = os.open(account, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
