"""The content store: immutable files named by their digest, and uploads on their way there.

``blobs/sha256/ab/<hex>`` is shared by every registry of the instance. ``uploads/<key>`` grows by
appending; its length is the truth about how much has come, so any worker can go on with it.
Everything here blocks; the callers own the threads.
"""

import contextlib
import errno
import fcntl
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import (
    BlobUploadUnknown,
    DigestInvalid,
    RangeInvalid,
    StorageFull,
    UploadBusy,
)
from .names import ALGORITHMS

REHASH_BYTES = 1 << 20
HASHERS = 1_024
"""Unfinished uploads whose running hash this process remembers; others are read again."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Content:
    """The files of one instance; every worker opens its own."""

    def __init__(self, root: Path) -> None:
        self.blobs = root / "blobs"
        self.uploads = root / "uploads"
        self.trash = root / "trash"
        self._hashers: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._prepare()

    def path(self, digest: str) -> str:
        """Return where the content of a digest is or would be."""
        algorithm, _, text = digest.partition(":")
        return f"{self.blobs}/{algorithm}/{text[:2]}/{text}"

    def has(self, digest: str) -> bool:
        """Tell whether the content of a digest is complete on disk."""
        return Path(self.path(digest)).exists()

    def create_upload(self, key: str) -> None:
        """Start an upload under a new key."""
        with _full_disk_told():
            os.close(os.open(self.uploads / key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def get_upload_size(self, key: str) -> int:
        """Return how many bytes of an upload have come.

        Raises:
            BlobUploadUnknown: there is no such upload.

        """
        try:
            return (self.uploads / key).stat().st_size
        except FileNotFoundError:
            raise BlobUploadUnknown("The upload is not known here.") from None

    def delete_upload(self, key: str) -> None:
        """Forget an upload and what has come of it."""
        with self._lock:
            self._hashers.pop(key, None)
        try:
            (self.uploads / key).unlink()
        except FileNotFoundError:
            raise BlobUploadUnknown("The upload is not known here.") from None

    def open_upload(self, key: str) -> "Upload":
        """Take an upload for writing; nobody else can until it is closed.

        Raises:
            BlobUploadUnknown: there is no such upload. UploadBusy: somebody else has it.

        """
        path = self.uploads / key
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobUploadUnknown("The upload is not known here.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been completed between the opening and the locking: then this
            # descriptor is a finished blob, which nobody may write to.
            is_blob = not os.path.samestat(path.stat(), os.fstat(descriptor))
        except BlockingIOError:
            os.close(descriptor)
            raise UploadBusy("Another request is writing to this upload.") from None
        except FileNotFoundError:
            is_blob = True
        if is_blob:
            os.close(descriptor)
            raise BlobUploadUnknown("The upload is not known here.")
        size = os.fstat(descriptor).st_size
        with self._lock:
            seen, hasher = self._hashers.pop(key, (0, ALGORITHMS["sha256"]()))
        return Upload(self, key, descriptor, size, hasher if seen == size else None)

    def keep_hasher(self, key: str, size: int, hasher: Any) -> None:
        """Remember the running hash of an upload that another request will go on with."""
        with self._lock:
            self._hashers[key] = (size, hasher)
            while len(self._hashers) > HASHERS:
                self._hashers.popitem(last=False)

    def _prepare(self) -> None:
        for folder in (self.uploads, self.trash):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for algorithm in ALGORITHMS:
            (self.blobs / algorithm).mkdir(parents=True, exist_ok=True, mode=0o700)


class Upload:
    """An upload taken for writing."""

    def __init__(self, content: Content, key: str, descriptor: int, size: int, hasher: Any) -> None:
        self._content = content
        self._key = key
        self._descriptor = descriptor
        self._hasher = hasher
        self.size = size

    def check_start(self, start: int) -> None:
        """Refuse a chunk that does not begin where the last one ended.

        Raises:
            RangeInvalid: with what has come so far in the ``Range`` header.

        """
        if start != self.size:
            raise RangeInvalid(
                "The chunk does not follow the last one.",
                {"start": start, "expected": self.size},
                [(b"range", render_range(self.size))],
            )

    def write(self, parts: Sequence[bytes]) -> None:
        """Append what has come.

        Raises:
            StorageFull: the disk is full; the upload is gone, so that its space is free again.

        """
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        try:
            with _full_disk_told():
                view = memoryview(data)
                while view:
                    view = view[os.write(self._descriptor, view) :]
        except StorageFull:
            self.discard()
            raise
        self.size += len(data)
        if self._hasher is not None:
            self._hasher.update(data)

    def truncate(self, size: int) -> None:
        """Take back what was appended beyond a size."""
        if size < self.size:
            os.ftruncate(self._descriptor, size)
            self.size, self._hasher = size, None

    def finish(self, digest: str) -> int:
        """Make the upload the blob of its digest, durably; return its size.

        Raises:
            DigestInvalid: it has another digest; the upload is gone.
            StorageFull: as ``write``.

        """
        found = self._compute_digest(digest.partition(":")[0])
        if found != digest:
            self.discard()
            raise DigestInvalid(
                "The digest is not that of the content.", {"expected": digest, "found": found}
            )
        path = self._content.path(digest)
        try:
            with _full_disk_told():
                # The clean-up spares young files: count from now, not from the last chunk.
                os.utime(self._descriptor)
                os.fsync(self._descriptor)
                self._rename(path)
                sync_folder(os.path.dirname(path))  # noqa: PTH120 - hot path
        except StorageFull:
            self.discard()
            raise
        self._hasher = None
        return self.size

    def discard(self) -> None:
        """Forget the upload."""
        self._hasher = None
        with contextlib.suppress(BlobUploadUnknown):
            self._content.delete_upload(self._key)

    def close(self) -> None:
        """Let others go on with the upload."""
        if self._hasher is not None:
            self._content.keep_hasher(self._key, self.size, self._hasher)
        os.close(self._descriptor)

    def _rename(self, path: str) -> None:
        source = self._content.uploads / self._key
        try:
            os.rename(source, path)  # noqa: PTH104 - hot path
        except FileNotFoundError:
            folder = Path(path).parent
            folder.mkdir(exist_ok=True, mode=0o700)
            sync_folder(folder.parent)
            source.rename(path)

    def _compute_digest(self, algorithm: str) -> str:
        if self._hasher is not None and self._hasher.name == algorithm:
            return f"{algorithm}:{self._hasher.hexdigest()}"
        hasher = ALGORITHMS[algorithm]()
        with (self._content.uploads / self._key).open("rb", buffering=0) as file:
            while data := file.read(REHASH_BYTES):
                hasher.update(data)
        return f"{algorithm}:{hasher.hexdigest()}"


def render_range(size: int) -> bytes:
    """Return the ``Range`` header of an upload; clients expect ``0-0`` of an empty one too."""
    return b"0-%d" % max(0, size - 1)


def sync_folder(folder: Path | str) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The registry's disk is full; nothing was kept.") from error
        raise
