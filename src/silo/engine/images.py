"""Images on this machine: what is missing is fetched, layers are unpacked once and shared.

The registry is always asked for the manifest: who may not pull an image does not start a copy
that another customer's pull left here. Layers are applied by containerd, inside a chroot.
Source: OCI image-spec 1.1 (manifest, config, layer) · containerd, docs/garbage-collection.md.
"""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from silo import core

from . import accounts, content, manifests
from .api import descriptor_pb2, mount_pb2, snapshots_pb2
from .client import SNAPSHOTTER, Client
from .containers import Credentials, Image
from .image_sweep import OFTEN, note_use, record_image
from .references import parse_reference
from .registries import Registries, Repository
from .unpack import Layer, Layers, Pull, Report, has_snapshot

LARGEST_CONFIG = 1024 * 1024
_MOST_READY = 64


class Images:
    """Pulls and unpacks."""

    def __init__(
        self, client: Client, registries: Registries, disk: Path, clock: core.Clock
    ) -> None:
        self._client = client
        self._clock = clock
        self._registries = registries
        self._layers = Layers(client, disk)
        self._ready: dict[str, tuple[Image, datetime]] = {}
        """By digest: whole, recorded, and noted then as used; containerd's clean-up leaves it."""

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
        if ready := await self._find_ready(digest):
            return replace(ready, reference=reference)
        layers, config_digest = manifests.read_layers(reference, manifest)
        config_bytes = await repository.get_small_blob(config_digest, LARGEST_CONFIG)
        config = manifests.read_config(reference, config_bytes, len(layers))
        diff_ids = config["rootfs"]["diff_ids"]
        chains = manifests.chain_ids(diff_ids)
        stack = [Layer(*one) for one in zip(layers, ["", *chains], chains, diff_ids, strict=False)]
        now = self._clock.now()
        async with self._client.lease() as lease:
            await self._layers.ensure(Pull(repository, reference, lease, report), stack)
            await self._record(digest, raw, (config_digest, config_bytes), chains[-1], lease)
            files = await self._read_accounts(chains[-1], lease)
        image = manifests.describe_image(reference, digest, chains[-1], config, files)
        self._keep_ready(digest, image, now)
        return image

    def _keep_ready(self, digest: str, image: Image, noted: datetime) -> None:
        """Remember an image, and forget the one that was not wanted for longest."""
        self._ready.pop(digest, None)
        self._ready[digest] = image, noted
        if len(self._ready) > _MOST_READY:
            del self._ready[next(iter(self._ready))]

    async def _find_ready(self, digest: str) -> Image | None:
        """Return an image that is here, and stays here as long as it is used."""
        if digest not in self._ready:
            return None
        image, noted = self._ready[digest]
        now = self._clock.now()
        if now - noted > OFTEN:
            if not await note_use(self._client, digest, now):
                return None
            noted = now
        self._keep_ready(digest, image, noted)
        return image if await has_snapshot(self._client, image.chain) else None

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

    async def _record(
        self, digest: str, raw: bytes, config: tuple[str, bytes], chain: str, lease: str
    ) -> None:
        """Write down what belongs together, or containerd's clean-up takes it.

        Layers are not named: once they are unpacked their archives are only a second copy.
        """
        config_digest, config_bytes = config
        await content.write(
            self._client,
            _once(config_bytes),
            descriptor_pb2.Descriptor(digest=config_digest, size=len(config_bytes)),
            lease,
            labels={f"containerd.io/gc.ref.snapshot.{SNAPSHOTTER}": chain},
        )
        manifest = descriptor_pb2.Descriptor(
            digest=digest, size=len(raw), media_type="application/vnd.oci.image.manifest.v1+json"
        )
        labels = {"containerd.io/gc.ref.content.config": config_digest}
        await content.write(self._client, _once(raw), manifest, lease, labels=labels)
        await record_image(self._client, digest, manifest, lease, self._clock.now())

    async def _read_accounts(self, chain: str, lease: str) -> tuple[str, str]:
        key = f"view-{uuid4().hex}"
        snapshots = self._client.snapshots
        view = snapshots_pb2.ViewSnapshotRequest(snapshotter=SNAPSHOTTER, key=key, parent=chain)
        mounts = await self._client.call(snapshots.view, view, lease=lease)
        try:
            layers = _list_folders(mounts.mounts[0])
            return (
                accounts.read_file(layers, "etc", "passwd"),
                accounts.read_file(layers, "etc", "group"),
            )
        finally:
            remove = snapshots_pb2.RemoveSnapshotRequest(snapshotter=SNAPSHOTTER, key=key)
            await self._client.call(snapshots.remove, remove)


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
