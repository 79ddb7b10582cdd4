"""Layers of images: several are fetched while one is unpacked on the other, within bounds.

Nobody knows what a layer holds until it is unpacked: a few bytes may stand for gigabytes.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from grpc import aio

from silo import core

from . import content
from .api import descriptor_pb2, diff_pb2, leases_pb2, mount_pb2, snapshots_pb2
from .client import SNAPSHOTTER, Client, is_missing, render_metadata
from .containers import Progress
from .errors import ImageInaccessible
from .registries import Repository

log = structlog.get_logger()

RESERVED_BYTES = 512 * 1024**2
"""What unpacking leaves free on the disk, however large a layer says it is."""
RESERVED_FILES = 10_000
PLAIN_BYTES = 1024**3
"""What any image may unpack to; beyond it counts how much of its archives is here."""
MOST_TIMES = 100
"""Programs and data pack to a third or a tenth of their size, zeros to a thousandth."""
UNPACK_S = 1800.0
_CHUNK = 1024 * 1024
_FIRST_LOOK_S = 0.005
_LOOK_S = 0.25
_AT_ONCE = 3
_BLOCK = 512
"""Bytes of a block as stat counts them."""
Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer and its place in the stack."""

    blob: descriptor_pb2.Descriptor
    parent: str
    chain: str
    diff_id: str


@dataclass(slots=True)
class Pull:
    """One image on its way, and how far it is."""

    repository: Repository
    reference: str
    lease: str
    report: Report
    total: int = field(default=0, init=False)
    done: int = field(default=0, init=False)
    here: int = field(default=0, init=False)
    """Bytes of archives that are on this machine, whatever the manifest says there are."""
    unpacked: int = field(default=0, init=False)

    def add(self, count: int) -> None:
        """Count bytes that have come."""
        self.here += count
        self.skip(count)

    def skip(self, count: int) -> None:
        """Count bytes that need not come."""
        self.done += count
        self.report(Progress(self.done, self.total))

    @property
    def room(self) -> int:
        """Bytes that the image may still unpack to."""
        return max(PLAIN_BYTES, MOST_TIMES * self.here) - self.unpacked


class Layers:
    """The layers on this machine."""

    def __init__(self, client: Client, disk: Path) -> None:
        self._client = client
        self._disk = disk
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._downloads = asyncio.Semaphore(_AT_ONCE)

    async def ensure(self, pull: Pull, stack: Sequence[Layer]) -> None:
        """Have an image's layers unpacked, lowest first.

        Raises:
            ImageInaccessible: with the reason.

        """
        pull.total = sum(layer.blob.size for layer in stack)
        try:
            async with asyncio.TaskGroup() as tasks:
                coming = [tasks.create_task(self._fetch(pull, layer)) for layer in stack]
                for layer, fetched in zip(stack, coming, strict=True):
                    await fetched
                    await self._unpack(pull, layer)
        except ExceptionGroup as problems:
            # The first is why the others were given up.
            raise problems.exceptions[0] from None

    async def _fetch(self, pull: Pull, layer: Layer) -> None:
        """Have the archive of a layer here, unless what is in it is."""
        blob = layer.blob
        # One at a time, whoever pulls it; the second finds it done.
        async with self._lock(blob.digest):
            if await self._is_unpacked(layer, pull.lease):
                pull.skip(blob.size)
                return
            stored = await content.find_size(self._client, blob.digest, pull.lease)
            if stored is not None:
                pull.add(stored)
                return
            async with self._downloads:
                await self._download(pull, blob)

    async def _download(self, pull: Pull, blob: descriptor_pb2.Descriptor) -> None:
        try:
            async with pull.repository.open_blob(blob.digest) as answer:
                chunks = answer.aiter_raw(_CHUNK)
                await content.write(self._client, chunks, blob, pull.lease, count=pull.add)
        except aio.AioRpcError as error:
            said = _tell(error, blob.digest)
            raise ImageInaccessible(
                pull.reference, f"layer {blob.digest} is not what the manifest says{said}"
            ) from error

    async def _unpack(self, pull: Pull, layer: Layer) -> None:
        async with self._lock(layer.chain):
            if not await self._is_unpacked(layer, pull.lease):
                await self._apply(pull, layer)

    async def _is_unpacked(self, layer: Layer, lease: str) -> bool:
        # Held first and looked for afterwards: containerd's clean-up comes not between the two.
        held = leases_pb2.Resource(id=layer.chain, type=f"snapshots/{SNAPSHOTTER}")
        add = leases_pb2.AddResourceRequest(id=lease, resource=held)
        await self._client.call(self._client.leases.add_resource, add)
        return await has_snapshot(self._client, layer.chain)

    async def _apply(self, pull: Pull, layer: Layer) -> None:
        snapshots, key = self._client.snapshots, f"unpack-{uuid4().hex}"
        prepare = snapshots_pb2.PrepareSnapshotRequest(
            snapshotter=SNAPSHOTTER, key=key, parent=layer.parent
        )
        prepared = await self._client.call(snapshots.prepare, prepare, lease=pull.lease)
        try:
            await self._extract(pull, layer, list(prepared.mounts))
            commit = snapshots_pb2.CommitSnapshotRequest(
                snapshotter=SNAPSHOTTER, name=layer.chain, key=key
            )
            await self._client.call(snapshots.commit, commit, lease=pull.lease)
        except BaseException:
            remove = snapshots_pb2.RemoveSnapshotRequest(snapshotter=SNAPSHOTTER, key=key)
            await asyncio.shield(self._client.call(snapshots.remove, remove))
            raise

    async def _extract(self, pull: Pull, layer: Layer, mounts: list[mount_pb2.Mount]) -> None:
        request = diff_pb2.ApplyRequest(diff=layer.blob, mounts=mounts)
        free = self._check_disk(pull.reference)
        call = self._client.diff.apply(
            request, metadata=render_metadata(pull.lease), timeout=UNPACK_S
        )
        pause = _FIRST_LOOK_S
        try:
            while not call.done():
                grown = free - self._check_disk(pull.reference)
                # Others write to the disk too: only if it may be this one is it measured.
                if grown > pull.room:
                    await self._check_size(pull, mounts[0])
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LOOK_S)
            answer = await call
        except aio.AioRpcError as error:
            said = _tell(error, layer.blob.digest)
            raise ImageInaccessible(
                pull.reference, f"layer {layer.blob.digest} cannot be unpacked{said}"
            ) from error
        finally:
            call.cancel()
        if answer.applied.digest != layer.diff_id:
            raise ImageInaccessible(pull.reference, "a layer is not what the configuration says")
        if answer.applied.size > pull.room:
            raise ImageInaccessible(pull.reference, _TOO_MUCH)
        pull.unpacked += answer.applied.size

    def _check_disk(self, reference: str) -> int:
        """Refuse to go on before the disk is full; return how much is free."""
        status = os.statvfs(self._disk)
        free = status.f_bavail * status.f_frsize
        if free < RESERVED_BYTES or (status.f_files and status.f_favail < RESERVED_FILES):
            raise ImageInaccessible(reference, "there is no room on the disk to unpack it")
        return free

    async def _check_size(self, pull: Pull, mount: mount_pb2.Mount) -> None:
        if await asyncio.to_thread(measure, find_upper(mount)) > pull.room:
            raise ImageInaccessible(pull.reference, _TOO_MUCH)

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


_TOO_MUCH = "it unpacks to far more than an image of its size holds"


async def has_snapshot(client: Client, chain: str) -> bool:
    """Return whether a stack of layers is unpacked here."""
    request = snapshots_pb2.StatSnapshotRequest(snapshotter=SNAPSHOTTER, key=chain)
    try:
        await client.call(client.snapshots.stat, request)
    except aio.AioRpcError as error:
        if is_missing(error):
            return False
        raise
    return True


def find_upper(mount: mount_pb2.Mount) -> Path:
    """Return the folder that what is written to a mount ends in."""
    options = dict(option.partition("=")[::2] for option in mount.options)
    return Path(options.get("upperdir", mount.source))


def measure(folder: Path) -> int:
    """Return what everything below a folder takes on the disk."""
    size = 0
    for descriptor, names in core.walk_tree(folder):
        for name in names:
            try:
                size += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * _BLOCK
            except FileNotFoundError:
                continue
    return size


def _tell(error: aio.AioRpcError, digest: str) -> str:
    """Return the last of containerd's words, unless they name folders of this machine."""
    details = error.details() or ""
    log.warning("layer refused", layer=digest, reason=details)
    last = details.rpartition(": ")[2].strip()
    return f": {last}" if last and "/" not in last else ""
