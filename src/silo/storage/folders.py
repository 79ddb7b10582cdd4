"""Where the shares of an instance are on disk, with file systems of their own or without."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import structlog

from silo import core, engine

from .attributes import open_to_all
from .errors import QuotaNotBinding, ServerBusy
from .images import PARTS, Images, find_image
from .shares import GIB, FileShare

log = structlog.get_logger()

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
TRASH = ".trash"
STALE_S = 60.0
"""What is being made and older than this has nobody any more who makes it."""


class Folders:
    """Every share's folder of one instance."""

    def __init__(self, root: Path, images: Images | None = None) -> None:
        """Hold containers to quotas with ``images``, where there are any."""
        self._root = root
        self._images = images

    def ensure(self, share: FileShare) -> Path:
        """Return a share's folder, made and open to all groups if it is not there yet.

        Raises:
            ServerBusy: it has a file system of its own, which cannot be mounted.

        """
        path = self._root / share.folder
        if not find_image(path).exists() and not path.is_dir():
            # Everybody may write to a share: nobody else on the machine may come near it.
            for private in (self._root, path.parent):
                private.mkdir(mode=0o700, parents=True, exist_ok=True)
                private.chmod(0o700)
            return self._make(share, path)
        # Asked again: another worker may have made it meanwhile, and the folder holds more then.
        return self._open_image(path) if find_image(path).exists() else path

    def locate_for_group(self, share: FileShare, *, read_only: bool) -> Path:
        """Return what `open_for_group` is to open; a look only, as a transaction may take.

        Raises:
            QuotaNotBinding: as is known already.

        """
        path = self._root / share.folder
        if path.is_dir() and not read_only and not self._is_bound(share):
            raise QuotaNotBinding
        return path

    def open_for_group(self, share: FileShare, *, read_only: bool) -> Path:
        """Return where a share's content is for containers, who are held to its quota.

        Raises:
            QuotaNotBinding: they would not be, and want to write.

        """
        path = self.ensure(share)
        if not read_only and not self._is_bound(share):
            raise QuotaNotBinding
        return path

    def resize(self, share: FileShare) -> bool:
        """Make room for a quota that was raised; tell whether there is, for it may be in use."""
        path = self._root / share.folder
        if self._images is not None and find_image(path).exists():
            return self._images.grow(path, share.quota_gib * GIB)
        return True

    def discard(self, share: FileShare) -> None:
        """Take a share's content away; a group that has it mounted keeps an orphan."""
        self._remove(self._root / share.folder)

    def attach(self) -> None:
        """Mount what is to be mounted, before any group asks for it."""
        if self._images is not None:
            for folder in self._list_images():
                try:
                    self._images.open(folder)
                except ServerBusy as error:
                    log.warning("a share stays away", share=folder.name, reason=str(error))

    def release(self) -> None:
        """Unmount what no group uses."""
        if self._images is not None:
            for folder in self._list_images():
                self._images.release(folder)

    def sweep(self, list_known: Callable[[], set[str]], now: datetime) -> int:
        """Remove the folders of shares that are no more; return how many.

        What was being made when its process was killed goes too.

        Shares are in the database before their folders are made: what is asked for after the
        folders were listed has every share that one of them can belong to.
        """
        if not self._root.is_dir():
            return 0
        _remove(self._root / TRASH)
        folders = {path for path in self._root.glob("[!.]*/*") if path.name[0] != "."}
        folders |= set(self._list_images())
        for parts in (
            self._root / f".{PARTS}",
            *(folder / PARTS for folder in self._list_images()),
        ):
            _remove_stale(parts, now)
        for account in self._root.glob("[!.]*"):
            _remove_stale(account, now, prefix=".")
        known = list_known()
        gone = [path for path in folders if path.name not in known]
        for folder in gone:
            self._remove(folder)
        return len(gone)

    def _make(self, share: FileShare, path: Path) -> Path:
        if self._images is not None and self._is_less_than_disk(share):
            try:
                return self._images.make(path, share.quota_gib * GIB)
            except engine.MountFailed as error:
                log.warning("the quota of a share binds no containers", reason=str(error))
        made = path.with_name(f".{share.uid}.{uuid.uuid4().hex}")
        made.mkdir(mode=0o777)
        with closing(os.open(made, FOLDER)) as folder:
            open_to_all(folder)
        try:
            made.rename(path)  # over an empty folder that another worker just made, too
        except OSError:
            made.rmdir()
        sync(path.parent)
        return path

    def _open_image(self, path: Path) -> Path:
        if self._images is None:
            raise ServerBusy("The share has a file system of its own; Silo needs root to mount it.")
        return self._images.open(path)

    def _is_bound(self, share: FileShare) -> bool:
        image = find_image(self._root / share.folder)
        return image.exists() or not self._is_less_than_disk(share)

    def _is_less_than_disk(self, share: FileShare) -> bool:
        disk = os.statvfs(self._root)
        return share.quota_gib * GIB < disk.f_blocks * disk.f_frsize

    def _list_images(self) -> list[Path]:
        found = self._root.glob("[!.]*/.*.img")
        return [path.with_name(path.name[1 : -len(".img")]) for path in found]

    def _remove(self, folder: Path) -> None:
        if find_image(folder).exists():
            if self._images is not None:
                self._images.remove(folder)
            return
        with contextlib.suppress(FileNotFoundError):
            _throw(self._root, folder)

    @contextlib.contextmanager
    def open_parts(self, share: FileShare) -> Iterator[int]:
        """Open the folder of files in the making, on the file system that the share is on."""
        path = self._root / share.folder
        parts = path / PARTS if find_image(path).exists() else self._root / f".{PARTS}"
        parts.mkdir(mode=0o700, exist_ok=True)
        with closing(os.open(parts, FOLDER)) as folder:
            yield folder


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    with closing(os.open(folder, FOLDER)) as descriptor:
        os.fsync(descriptor)


@contextlib.contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close a descriptor in the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_stale(folder: Path, now: datetime, prefix: str = "") -> None:
    """Remove what a process that was killed had begun; images in use have their final names."""
    with contextlib.suppress(FileNotFoundError):
        for entry in list(os.scandir(folder)):
            found = Path(entry.path)
            age = now.timestamp() - entry.stat(follow_symlinks=False).st_mtime
            if entry.name.startswith(prefix) and found.suffix != ".img" and age > STALE_S:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(found, ignore_errors=True)
                else:
                    found.unlink()


def _throw(root: Path, folder: Path) -> None:
    trash = root / TRASH
    trash.mkdir(mode=0o700, exist_ok=True)
    target = trash / uuid.uuid4().hex
    folder.rename(target)
    _remove(target)


def _remove(folder: Path) -> None:
    """Remove what is in no share any more; what is left of it is tried again by the next sweep."""
    with contextlib.suppress(OSError):
        core.remove_tree(folder)
