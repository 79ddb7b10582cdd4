"""Disks for claims: made when a pod first asks, kept from pod to pod, removed as their class says.

A disk is a folder of the cluster that all its nodes see. Kubernetes' own controllers bind claims to
volumes and decide when one is released; this does what a provisioner does beside them.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, NoReturn

import structlog

from silo import core

from .api import Api
from .errors import StepFailed
from .paths import ClusterPaths
from .storage_classes import PROVISIONER
from .watching import Mirror

log = structlog.get_logger()

IN_NODE = Path("/mnt/disks")
"""Where nodes see the disks."""
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_VOLUMES = "/api/v1/persistentvolumes"
_RETRY_S = 5.0
_NAME = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ASKED_OF = "volume.kubernetes.io/storage-provisioner"
_MADE_BY = "pv.kubernetes.io/provisioned-by"
_MODES = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
_PARAMETERS = frozenset({"skuname", "storageaccounttype", "kind"})
"""What is said of a disk's price on Azure; the others ask for what a folder has not."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody asks for."""

    namespace: str
    name: str
    uid: str
    class_name: str
    size: str
    modes: tuple[str, ...]
    is_asked: bool
    """Whether a disk of ours is to be made for it now."""
    extra: str
    """What it asks for that disks here have not."""

    @property
    def volume(self) -> str:
        """What its disk is called."""
        return f"pvc-{self.uid}"


@dataclass(frozen=True, slots=True)
class Volume:
    """What there is."""

    name: str
    is_left: bool
    """Whether nobody needs it any more."""


class Disks:
    """Gives a cluster's claims their disks."""

    def __init__(self, paths: ClusterPaths, clock: core.Clock) -> None:
        self._folder, self._owner = paths.disks, paths.first_id
        self._clock = clock
        self._refused: set[tuple[str, str]] = set()
        """Claims that were told, and what."""

    async def run(self, api: Api) -> NoReturn:
        """Follow claims and volumes for ever.

        Raises:
            StepFailed: the API server does not answer.

        """
        claims = Mirror("/api/v1/persistentvolumeclaims", read_claim)
        volumes = Mirror(_VOLUMES, read_volume)
        changed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(claims.follow(api, changed.set))
            tasks.create_task(volumes.follow(api, changed.set))
            settled = True
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if settled else _RETRY_S):
                        await changed.wait()
                changed.clear()
                if claims.complete and volumes.complete:
                    settled = await self._settle(api, claims, volumes)

    async def _settle(self, api: Api, claims: Mirror[Claim], volumes: Mirror[Volume]) -> bool:
        """Make and remove what is to be; tell whether all went well."""
        known = {volume.name for volume in volumes.items.values()}
        asked = [claim for claim in claims.items.values() if claim.is_asked]
        left = [volume for volume in volumes.items.values() if volume.is_left]
        made = [await self._provide(api, one) for one in asked if one.volume not in known]
        removed = [await self._remove(api, volume) for volume in left]
        return all(made) and all(removed)

    async def _provide(self, api: Api, claim: Claim) -> bool:
        """Make a claim's disk; tell whether there is no more to do."""
        try:
            class_ = await api.find(f"{_CLASSES}/{claim.class_name}")
            reason = claim.extra or _find_reason(class_ or {})
            if class_ is None or reason:
                await self._refuse(api, claim, reason or "its storage class is gone")
                # A class may come; what it says, and what the claim asks for, stays.
                return class_ is not None or bool(claim.extra)
            await asyncio.to_thread(self._make, claim.volume)
            await api.put(f"{_VOLUMES}/{claim.volume}", describe_volume(claim, class_))
        except (StepFailed, OSError) as error:
            log.warning("disk cannot be made", volume=claim.volume, why=str(error))
            return False
        return True

    async def _remove(self, api: Api, volume: Volume) -> bool:
        try:
            # Data first: a volume that is gone tells nobody that some is left.
            await asyncio.to_thread(self._unmake, volume.name)
            await api.delete(f"{_VOLUMES}/{volume.name}")
        except (StepFailed, OSError) as error:
            log.warning("disk cannot be removed", volume=volume.name, why=str(error))
            return False
        return True

    def _make(self, name: str) -> None:
        path, owner = self._folder / name, int(self._owner.read_text())
        path.mkdir(mode=0o755, exist_ok=True)
        path.chmod(0o755)
        os.chown(path, owner, owner, follow_symlinks=False)

    def _unmake(self, name: str) -> None:
        core.remove_tree(self._folder / name)

    async def _refuse(self, api: Api, claim: Claim, reason: str) -> None:
        if (claim.uid, reason) in self._refused:
            return
        self._refused.add((claim.uid, reason))
        now = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "uid": claim.uid}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{claim.name}.", "namespace": claim.namespace},
            "involvedObject": {**about, "namespace": claim.namespace, "name": claim.name},
            "type": "Warning",
            "reason": "ProvisioningFailed",
            "message": f"no disk can be made: {reason}",
            "source": {"component": PROVISIONER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await api.create(f"/api/v1/namespaces/{claim.namespace}/events", event)


def read_claim(found: Mapping[str, Any]) -> Claim:
    """Return what a claim asks for."""
    meta, spec = found["metadata"], found["spec"]
    asked = (meta.get("annotations") or {}).get(_ASKED_OF) == PROVISIONER
    waits = (found.get("status") or {}).get("phase") == "Pending" and not spec.get("volumeName")
    return Claim(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        class_name=spec.get("storageClassName") or "",
        size=spec["resources"]["requests"]["storage"],
        modes=tuple(spec["accessModes"]),
        is_asked=asked and waits and not meta.get("deletionTimestamp"),
        extra=_find_extra(spec),
    )


def read_volume(found: Mapping[str, Any]) -> Volume:
    """Return what a volume is to us."""
    meta, spec = found["metadata"], found["spec"]
    ours = (meta.get("annotations") or {}).get(_MADE_BY) == PROVISIONER
    named = _NAME.fullmatch(meta["name"]) is not None
    released = (found.get("status") or {}).get("phase") == "Released"
    goes = spec.get("persistentVolumeReclaimPolicy") == "Delete"
    return Volume(meta["name"], is_left=ours and named and released and goes)


def describe_volume(claim: Claim, class_: Mapping[str, Any]) -> dict[str, Any]:
    """Return the volume that a disk is."""
    anywhere = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim.volume, "annotations": {_MADE_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": claim.size},
            "accessModes": list(claim.modes),
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": class_.get("reclaimPolicy", "Delete"),
            "storageClassName": claim.class_name,
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": claim.namespace,
                "name": claim.name,
                "uid": claim.uid,
            },
            "local": {"path": str(IN_NODE / claim.volume)},
            # A local volume has to say where it is: every node of the cluster sees it.
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [anywhere]}]}},
        },
    }


def _find_extra(spec: Mapping[str, Any]) -> str:
    wrong = sorted(set(spec["accessModes"]) - _MODES)
    if wrong:
        return f"the access mode {wrong[0]} needs a file share, which clusters here do not have"
    if spec.get("volumeMode") == "Block":
        return "there are no block devices here"
    for name in ("selector", "dataSource", "dataSourceRef"):
        if spec.get(name):
            return f"{name} is not supported"
    return ""


def _find_reason(class_: Mapping[str, Any]) -> str:
    for name in class_.get("parameters") or {}:
        if name.casefold() not in _PARAMETERS:
            return f"the parameter {name} of its storage class is not supported"
    if class_.get("mountOptions"):
        return "the mountOptions of its storage class are not supported"
    return ""
