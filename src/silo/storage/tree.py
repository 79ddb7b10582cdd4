"""Shares on disk: ordinary folders that containers write to at the same moment.

Whatever is below a share may be a stranger's work. So every path is walked name by name from an
open folder, never through a link, and only regular files are opened; nothing here can be led out
of its share. Everything blocks; the callers own the threads.
"""

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from silo import core

from .attributes import Attributes, open_to_all, read_attributes, write_attributes
from .errors import (
    DirectoryNotEmpty,
    ParentNotFound,
    ResourceAlreadyExists,
    ResourceNotFound,
    ResourceTypeMismatch,
    ShareSizeLimitReached,
)
from .folders import FOLDER, Folders, closing
from .shares import FileShare

_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Parts = Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory as it was found."""

    name: str
    is_directory: bool
    is_regular: bool
    """Neither a link nor a pipe nor anything else that only a container could have made."""
    size: int
    written: float
    etag: str
    number: int
    parent_number: int = 0
    attributes: Attributes = field(default_factory=Attributes)


class Tree(Folders):
    """What is in every share's folder of one instance."""

    @contextlib.contextmanager
    def open_folder(self, share: FileShare, parts: Parts) -> Iterator[int]:
        """Open a directory, the share's own for no parts.

        Raises:
            ResourceNotFound, ParentNotFound: there is none, though there may be a file.

        """
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(closing(os.open(self.ensure(share), FOLDER)))
            for depth, part in enumerate(parts, 1):
                try:
                    with _told(last=depth == len(parts)):
                        below = os.open(part, FOLDER, dir_fd=folder)
                except ResourceTypeMismatch:
                    raise ResourceNotFound from None
                folder = stack.enter_context(closing(below))
            yield folder

    @contextlib.contextmanager
    def open_parent(self, share: FileShare, parts: Parts) -> Iterator[tuple[int, str]]:
        """Open the directory that something lies in; its name comes with it."""
        with contextlib.ExitStack() as stack:
            try:
                folder = stack.enter_context(self.open_folder(share, parts[:-1]))
            except ResourceNotFound:
                raise ParentNotFound from None
            yield folder, parts[-1]

    @contextlib.contextmanager
    def open_file(self, share: FileShare, parts: Parts, *, write: bool = False) -> Iterator[int]:
        """Open a regular file.

        Raises:
            ResourceNotFound, ParentNotFound, ResourceTypeMismatch.

        """
        with self.open_parent(share, parts) as (folder, name):
            mode = os.O_RDWR if write else os.O_RDONLY
            with _told(last=True):
                opened = os.open(name, _FILE | mode, dir_fd=folder)
            with closing(opened) as file:
                found = os.fstat(file).st_mode
                if stat.S_ISDIR(found):
                    raise ResourceNotFound
                if not stat.S_ISREG(found):
                    raise ResourceTypeMismatch
                yield file

    def create_folder(self, share: FileShare, parts: Parts, attributes: Attributes) -> Entry:
        """Make a directory.

        Raises:
            ResourceAlreadyExists, ParentNotFound.

        """
        with self.open_parent(share, parts) as (folder, name):
            try:
                with _full_disk_told():
                    os.mkdir(name, 0o777, dir_fd=folder)
            except FileExistsError:
                raise ResourceAlreadyExists from None
            with _told(last=True):
                opened = os.open(name, FOLDER, dir_fd=folder)
            with closing(opened) as made:
                open_to_all(made)
                write_attributes(made, attributes)
                os.fsync(made)
                os.fsync(folder)
                return describe(name, made)

    def create_file(
        self,
        share: FileShare,
        parts: Parts,
        size: int,
        attributes: Attributes,
        fill: Callable[[int], None] = lambda _file: None,
    ) -> Entry:
        """Make a file of zeros, in the place of one that is there.

        ``fill`` writes what it is to hold instead; when it fails, nothing has changed.
        """
        with self.open_parent(share, parts) as (folder, name), self.open_parts(share) as aside:
            # Made aside and put in place: nobody sees half of it, and a link there is replaced.
            part = uuid.uuid4().hex
            _refuse_folder(folder, name)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FILE
            with _full_disk_told():
                opened = os.open(part, flags, 0o666, dir_fd=aside)
            with closing(opened) as file:
                try:
                    os.fchmod(file, 0o666)
                    with _full_disk_told():
                        os.ftruncate(file, size)
                    fill(file)
                    write_attributes(file, attributes)
                    os.fsync(file)
                    os.rename(part, name, src_dir_fd=aside, dst_dir_fd=folder)
                except BaseException:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(part, dir_fd=aside)
                    raise
                os.fsync(folder)
                return describe(name, file)

    def delete_folder(self, share: FileShare, parts: Parts) -> None:
        """Take an empty directory away.

        Raises:
            DirectoryNotEmpty, ResourceNotFound, ResourceTypeMismatch.

        """
        with self.open_parent(share, parts) as (folder, name):
            try:
                with _told(last=True):
                    os.rmdir(name, dir_fd=folder)
            except OSError as error:
                if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise DirectoryNotEmpty from None
                raise
            os.fsync(folder)

    def delete_file(self, share: FileShare, parts: Parts) -> None:
        """Take a file away; of a link that a container made, the link itself."""
        with self.open_parent(share, parts) as (folder, name):
            _refuse_folder(folder, name)
            with _told(last=True):
                os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def list_entries(self, share: FileShare, parts: Parts) -> list[Entry]:
        """Return what a directory holds, by name."""
        with self.open_folder(share, parts) as folder, os.scandir(folder) as found:
            parent = os.fstat(folder).st_ino
            entries = []
            for item in found:
                with contextlib.suppress(FileNotFoundError):
                    seen = item.stat(follow_symlinks=False)
                    entries.append(_make_entry(item.name, seen, parent))
        return sorted(entries, key=lambda entry: entry.name)

    def measure(self, share: FileShare) -> int:
        """Return how many bytes the files of a share take."""
        total = 0
        seen: set[int] = set()
        for folder, names in core.walk_tree(self.ensure(share)):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode) and found.st_ino not in seen:
                        total += found.st_size
                        if found.st_nlink > 1:
                            seen.add(found.st_ino)
        return total


def describe(name: str, descriptor: int, parent: int = 0) -> Entry:
    """Return what an open file or directory is and carries."""
    return _make_entry(name, os.fstat(descriptor), parent, read_attributes(descriptor))


@contextlib.contextmanager
def write_told() -> Iterator[None]:
    """Say in Azure's words that the disk is full."""
    with _full_disk_told():
        yield


def _make_entry(
    name: str, found: os.stat_result, parent: int, attributes: Attributes | None = None
) -> Entry:
    return Entry(
        name=name,
        is_directory=stat.S_ISDIR(found.st_mode),
        is_regular=stat.S_ISREG(found.st_mode),
        size=found.st_size if stat.S_ISREG(found.st_mode) else 0,
        written=found.st_mtime,
        # Of the change time: whatever is done to a file moves it.
        etag=f'"0x{found.st_ctime_ns:X}{found.st_size:X}"',
        number=found.st_ino,
        parent_number=parent,
        attributes=attributes or Attributes(),
    )


def _refuse_folder(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise ResourceTypeMismatch


@contextlib.contextmanager
def _told(*, last: bool) -> Iterator[None]:
    """Say in Azure's words what one step of a path came upon."""
    try:
        yield
    except FileNotFoundError:
        raise (ResourceNotFound if last else ParentNotFound) from None
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO}:
            raise (ResourceTypeMismatch if last else ParentNotFound) from None
        raise


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ShareSizeLimitReached("The disk under the share is full.") from None
        raise
