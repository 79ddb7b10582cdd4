"""Disks on this machine: file systems in images, each as large as what was asked for.

Who fills one is told that there is no space, and nobody else notices. An image is sparse: what is
not written costs nothing. Disks of before there were images are folders, and stay folders; they
hold what the machine's disk does.
"""

from pathlib import Path

from silo import core, engine

from . import attaching
from .attaching import Source
from .errors import StepFailed
from .paths import ClusterPaths
from .plans import GIB
from .tending import Tending


class Disks:
    """The disks of one cluster."""

    is_exclusive = True

    def __init__(self, paths: ClusterPaths, tending: Tending) -> None:
        self._folder = paths.disks
        self._tending = tending

    async def make(self, name: str, gib: int) -> None:
        """Have a disk; repeatable."""
        await self._tending.do(_make, self._locate(name), gib * GIB)

    async def open(self, name: str) -> Source:
        """Return what a node is given.

        Raises:
            StepFailed: it is gone.

        """
        image = self._locate(name)
        if image.exists():
            return Source(image, is_image=True)
        if (self._folder / name).is_dir():
            return Source(self._folder / name, is_mapped=False)
        raise StepFailed(f"the disk {name} is gone")

    async def grow(self, name: str, gib: int) -> bool:
        """Make a disk larger, as soon as nobody uses it where it must be; tell whether it is."""
        image = self._locate(name)
        if not image.exists():
            return (self._folder / name).is_dir()
        return await self._tending.do(_grow, image, gib * GIB)

    async def remove(self, name: str) -> None:
        """Have a disk go with all that is in it; repeatable."""
        self._locate(name).unlink(missing_ok=True)
        await self._tending.do(core.remove_tree, self._folder / name)

    def _locate(self, name: str) -> Path:
        return self._folder / f"{name}.img"


def _make(image: Path, size: int) -> None:
    if image.exists():
        return
    made = image.with_suffix(".part")
    made.unlink(missing_ok=True)
    engine.KernelMounts().make_image(made, size)
    made.rename(image)


def _grow(image: Path, size: int) -> bool:
    if image.stat().st_size < size:
        with image.open("r+b") as file:
            file.truncate(size)
    return engine.KernelMounts().fit_image(image) or attaching.grow_in_use(image)
