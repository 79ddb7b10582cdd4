"""Images on this machine: what is missing is fetched, layers are unpacked once and shared.

The registry is always asked for the manifest: who may not pull an image does not start a copy
that another customer's pull left here. Layers are applied by containerd, inside a chroot.
Source: OCI image-spec 1.1 (manifest, config, layer) · containerd, docs/garbage-collection.md.
"""

import asyncio
import hashlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from grpc import aio

from . import accounts, manifests
from .api import (
    content_pb2,
    descriptor_pb2,
    diff_pb2,
    images_pb2,
    leases_pb2,
    mount_pb2,
    snapshots_pb2,
)
from .client import Client, is_missing, is_present, render_metadata
from .containers import Credentials, Image, Progress
from .errors import ImageInaccessible
from .references import parse_reference
from .registries import Registries, Repository

SNAPSHOTTER = "overlayfs"
LARGEST_CONFIG = 8 * 1024 * 1024
RESERVED_BYTES = 512 * 1024**2
"""What unpacking leaves free on the disk, however large a layer says it is."""
RESERVED_FILES = 10_000
UNPACK_S = 1800.0
_CHUNK = 1024 * 1024
_FIRST_LOOK_S = 0.005
_LOOK_S = 0.25
_AT_ONCE = 3
Report = Callable[[Progress], None]


@dataclass(slots=True)
class _Tally:
    """How far one pull is."""

    report: Report
    total: int = 0
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.report(Progress(self.done, self.total))


class Images:
    """Pulls and unpacks."""

    def __init__(self, client: Client, registries: Registries, disk: Path) -> None:
        self._client = client
        self._registries = registries
        self._disk = disk
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._accounts: dict[str, tuple[str, str]] = {}
        self._ready: dict[str, Image] = {}
        """By digest: whole and recorded, so that containerd's clean-up leaves them alone."""
        self._downloads = asyncio.Semaphore(_AT_ONCE)

    async def ensure(
        self, reference: str, credentials: Credentials, report: Report = lambda _progress: None
    ) -> Image:
        """Make an image ready to start.

        Raises:
            ImageInaccessible: with the reason, in words for whoever named the image.

        """
        parsed = parse_reference(reference)
        repository = Repository(self._registries, reference, parsed, credentials)
        digest, manifest, raw = await self._resolve(reference, repository, parsed.wanted)
        if (ready := self._ready.get(digest)) and await self._has_snapshot(ready.chain):
            return replace(ready, reference=reference)
        layers, config_digest = manifests.read_layers(reference, manifest)
        config_bytes = await repository.get_small_blob(config_digest, LARGEST_CONFIG)
        config = manifests.read_config(reference, config_bytes, len(layers))
        chains = manifests.chain_ids(config["rootfs"]["diff_ids"])
        tally = _Tally(report, sum(layer.size for layer in layers))
        async with self._client.lease() as lease:
            for index, layer in enumerate(layers):
                parent = chains[index - 1] if index else ""
                diff_id = config["rootfs"]["diff_ids"][index]
                pull = _Layer(layer, parent, chains[index], diff_id)
                await self._ensure_layer(repository, reference, pull, tally, lease)
            await self._record(digest, raw, (config_digest, config_bytes), chains[-1], lease)
            files = await self._read_accounts(chains[-1], lease)
        image = manifests.describe_image(reference, digest, chains[-1], config, files)
        self._ready[digest] = image
        return image

    async def _resolve(
        self, reference: str, repository: Repository, wanted: str
    ) -> tuple[str, dict[str, Any], bytes]:
        raw, kind = await repository.get_manifest(wanted)
        document = manifests.parse_document(reference, raw)
        if kind in manifests.INDEX_KINDS or "manifests" in document:
            wanted = manifests.choose_manifest(reference, document)
            raw, _ = await repository.get_manifest(wanted)
            document = manifests.parse_document(reference, raw)
        return f"sha256:{hashlib.sha256(raw).hexdigest()}", document, raw

    async def _ensure_layer(
        self, repository: Repository, reference: str, layer: "_Layer", tally: _Tally, lease: str
    ) -> None:
        # One at a time for the same layer, whoever pulls it; the second finds it done.
        async with self._locks[layer.chain]:
            if not await self._is_unpacked(layer.chain, lease):
                async with self._downloads:
                    await self._download(repository, reference, layer.blob, tally, lease)
                await self._unpack(reference, layer, lease)
            else:
                tally.add(layer.blob.size)

    async def _is_unpacked(self, chain: str, lease: str) -> bool:
        # Held first and looked for afterwards: containerd's clean-up comes not between the two.
        held = leases_pb2.Resource(id=chain, type=f"snapshots/{SNAPSHOTTER}")
        add = leases_pb2.AddResourceRequest(id=lease, resource=held)
        await self._client.call(self._client.leases.add_resource, add)
        return await self._has_snapshot(chain)

    async def _has_snapshot(self, chain: str) -> bool:
        request = snapshots_pb2.StatSnapshotRequest(snapshotter=SNAPSHOTTER, key=chain)
        try:
            await self._client.call(self._client.snapshots.stat, request)
        except aio.AioRpcError as error:
            if is_missing(error):
                return False
            raise
        return True

    async def _download(
        self,
        repository: Repository,
        reference: str,
        blob: descriptor_pb2.Descriptor,
        tally: _Tally,
        lease: str,
    ) -> None:
        try:
            async with repository.open_blob(blob.digest) as answer:
                chunks = answer.aiter_raw(_CHUNK)
                await self._write(chunks, blob, {}, lease, tally.add)
        except aio.AioRpcError as error:
            raise ImageInaccessible(
                reference, f"layer {blob.digest} is not what the manifest says: {error.details()}"
            ) from error

    async def _write(
        self,
        chunks: AsyncIterator[bytes],
        blob: descriptor_pb2.Descriptor,
        labels: Mapping[str, str],
        lease: str,
        count: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Put bytes into the content store; containerd checks size and digest at the end."""
        write = content_pb2.WriteContentRequest
        stream = self._client.content.write(None, metadata=render_metadata(lease))
        ref = f"silo-{uuid4().hex}"
        offset = 0
        try:
            async for chunk in chunks:
                await stream.write(
                    write(
                        action=content_pb2.WRITE,
                        ref=ref,
                        total=blob.size,
                        offset=offset,
                        expected=blob.digest,
                        data=chunk,
                    )
                )
                await stream.read()
                offset += len(chunk)
                if offset > blob.size:
                    break
                count(len(chunk))
            await stream.write(
                write(
                    action=content_pb2.COMMIT,
                    ref=ref,
                    total=blob.size,
                    offset=offset,
                    expected=blob.digest,
                    labels=labels,
                )
            )
            await stream.read()
            await stream.done_writing()
        except aio.AioRpcError as error:
            if not is_present(error):
                raise

    async def _unpack(self, reference: str, layer: "_Layer", lease: str) -> None:
        snapshots, key = self._client.snapshots, f"unpack-{uuid4().hex}"
        prepared = await self._client.call(
            snapshots.prepare,
            snapshots_pb2.PrepareSnapshotRequest(
                snapshotter=SNAPSHOTTER, key=key, parent=layer.parent
            ),
            lease=lease,
        )
        try:
            await self._apply(reference, layer, list(prepared.mounts), lease)
            commit = snapshots_pb2.CommitSnapshotRequest(
                snapshotter=SNAPSHOTTER, name=layer.chain, key=key
            )
            await self._client.call(snapshots.commit, commit, lease=lease)
        except BaseException:
            remove = snapshots_pb2.RemoveSnapshotRequest(snapshotter=SNAPSHOTTER, key=key)
            await asyncio.shield(self._client.call(snapshots.remove, remove))
            raise

    async def _apply(
        self, reference: str, layer: "_Layer", mounts: list[mount_pb2.Mount], lease: str
    ) -> None:
        request = diff_pb2.ApplyRequest(diff=layer.blob, mounts=mounts)
        call = self._client.diff.apply(request, metadata=render_metadata(lease), timeout=UNPACK_S)
        pause = _FIRST_LOOK_S
        try:
            while not call.done():
                self._check_disk(reference)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LOOK_S)
            answer = await call
        except aio.AioRpcError as error:
            raise ImageInaccessible(
                reference, f"a layer cannot be unpacked: {error.details()}"
            ) from error
        finally:
            call.cancel()
        if answer.applied.digest != layer.diff_id:
            raise ImageInaccessible(reference, "a layer is not what the configuration says")

    def _check_disk(self, reference: str) -> None:
        """Refuse to go on before a layer fills the disk, whatever size it claims to have."""
        status = os.statvfs(self._disk)
        if status.f_bavail * status.f_frsize < RESERVED_BYTES or (
            status.f_files and status.f_favail < RESERVED_FILES
        ):
            raise ImageInaccessible(reference, "there is no room on the disk to unpack it")

    async def _record(
        self, digest: str, raw: bytes, config: tuple[str, bytes], chain: str, lease: str
    ) -> None:
        """Write down what belongs together, or containerd's clean-up takes it.

        Layers are not named: once they are unpacked their archives are only a second copy.
        """
        config_digest, config_bytes = config
        await self._write(
            _once(config_bytes),
            descriptor_pb2.Descriptor(digest=config_digest, size=len(config_bytes)),
            {f"containerd.io/gc.ref.snapshot.{SNAPSHOTTER}": chain},
            lease,
        )
        manifest = descriptor_pb2.Descriptor(
            digest=digest, size=len(raw), media_type="application/vnd.oci.image.manifest.v1+json"
        )
        labels = {"containerd.io/gc.ref.content.config": config_digest}
        await self._write(_once(raw), manifest, labels, lease)
        image = images_pb2.Image(name=digest, target=manifest)
        try:
            await self._client.call(
                self._client.images.create,
                images_pb2.CreateImageRequest(image=image),
                lease=lease,
            )
        except aio.AioRpcError as error:
            if not is_present(error):
                raise

    async def _read_accounts(self, chain: str, lease: str) -> tuple[str, str]:
        if chain not in self._accounts:
            key = f"view-{uuid4().hex}"
            snapshots = self._client.snapshots
            view = snapshots_pb2.ViewSnapshotRequest(snapshotter=SNAPSHOTTER, key=key, parent=chain)
            mounts = await self._client.call(snapshots.view, view, lease=lease)
            try:
                layers = _list_folders(mounts.mounts[0])
                self._accounts[chain] = (
                    accounts.read_file(layers, "etc", "passwd"),
                    accounts.read_file(layers, "etc", "group"),
                )
            finally:
                remove = snapshots_pb2.RemoveSnapshotRequest(snapshotter=SNAPSHOTTER, key=key)
                await self._client.call(snapshots.remove, remove)
        return self._accounts[chain]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer and its place in the stack."""

    blob: descriptor_pb2.Descriptor
    parent: str
    chain: str
    diff_id: str


def _list_folders(mount: mount_pb2.Mount) -> list[Path]:
    """Return the folders of the layers, uppermost first."""
    if mount.type == "bind":
        return [Path(mount.source)]
    for option in mount.options:
        name, _, value = option.partition("=")
        if name == "lowerdir":
            return [Path(folder) for folder in value.split(":")]
    return []


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
