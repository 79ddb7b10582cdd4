"""What somebody asks for, what there is of it, and who uses it. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import quantities
from .attaching import IN_NODE
from .plans import GIB
from .storage_classes import DISKS, SHARES

_NAME = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ASKED_OF = "volume.kubernetes.io/storage-provisioner"
_MADE_BY = "pv.kubernetes.io/provisioned-by"
_SHOWN = 64
"""Letters of a stranger's word that are told again."""
_MOST_GIB = 16 << 10
"""Larger file systems, and files, there are not on most machines; Azure has disks of 32 TiB."""
_MODES = {
    DISKS: frozenset({"ReadWriteOnce", "ReadWriteOncePod"}),
    SHARES: frozenset({"ReadWriteOnce", "ReadWriteOncePod", "ReadOnlyMany", "ReadWriteMany"}),
}
_PARAMETERS = {
    DISKS: frozenset({"skuname", "storageaccounttype", "kind", "cachingmode"}),
    SHARES: frozenset({"skuname", "storageaccounttype", "protocol"}),
}
"""What is said of a volume's price and way on Azure; the others ask for what there is not."""
_OPTIONS = frozenset({"mfsymlinks", "nosharesock", "nobrl", "serverino", "cache", "actimeo"})
_MASKS = frozenset({"dir_mode=0777", "file_mode=0777"})
"""What manifests ask of the SMB client, which is not between a pod and its share here; and that
everybody may write, as everybody may."""
RESIZING = frozenset({"Resizing", "FileSystemResizePending"})
_WAITS_FOR_PODS = "Waiting for the pods that use the volume to end: its file system grows then."


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody asks for."""

    namespace: str
    name: str
    uid: str
    class_name: str
    gib: int
    modes: tuple[str, ...]
    asked_of: str
    """Who is to make a volume for it now; nothing when none is to be made."""
    extra: str
    """What it asks for that there is not."""
    volume: str
    """The volume that it has; nothing while it has none."""
    waits_for_pods: bool
    """Whether it is told that its volume grows once no pod uses it."""

    @property
    def name_to_be(self) -> str:
        """What its volume is called."""
        return f"pvc-{self.uid}"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/api/v1/namespaces/{self.namespace}/persistentvolumeclaims/{self.name}"


@dataclass(frozen=True, slots=True)
class Volume:
    """What there is."""

    name: str
    made_by: str
    """Who made it; nothing when it is none of ours."""
    gib: int
    claim: str
    """The uid of the claim that has it."""
    is_left: bool
    """Whether nobody needs it any more."""


@dataclass(frozen=True, slots=True)
class Use:
    """A pod on a node, and the claims that it uses."""

    namespace: str
    name: str
    uid: str
    node: str
    created: str
    runs: bool
    claims: frozenset[str]


def read_claim(found: Mapping[str, Any]) -> Claim:
    """Return what a claim asks for."""
    meta, spec, status = found["metadata"], found["spec"], found.get("status") or {}
    asked_of = (meta.get("annotations") or {}).get(_ASKED_OF, "")
    volume = spec.get("volumeName") or ""
    waits = status.get("phase") == "Pending" and not volume and not meta.get("deletionTimestamp")
    conditions = {one.get("type") for one in status.get("conditions") or ()}
    return Claim(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        class_name=spec.get("storageClassName") or "",
        gib=_count_gib(spec["resources"]["requests"]["storage"]),
        modes=tuple(spec["accessModes"]),
        asked_of=asked_of if waits and asked_of in _MODES else "",
        extra=_find_extra(spec, asked_of),
        volume=volume,
        waits_for_pods=not conditions.isdisjoint(RESIZING),
    )


def read_volume(found: Mapping[str, Any]) -> Volume:
    """Return what a volume is to us."""
    meta, spec = found["metadata"], found["spec"]
    made_by = (meta.get("annotations") or {}).get(_MADE_BY, "")
    ours = made_by in _MODES and _NAME.fullmatch(meta["name"]) is not None
    released = (found.get("status") or {}).get("phase") == "Released"
    goes = spec.get("persistentVolumeReclaimPolicy") == "Delete"
    return Volume(
        meta["name"],
        made_by if ours else "",
        _count_gib(spec["capacity"]["storage"]),
        (spec.get("claimRef") or {}).get("uid", ""),
        is_left=ours and released and goes,
    )


def read_use(found: Mapping[str, Any]) -> Use:
    """Return what a pod uses; one that has ended uses nothing."""
    meta, spec = found["metadata"], found["spec"]
    phase = (found.get("status") or {}).get("phase", "")
    node = spec.get("nodeName") or ""
    names: set[str] = set()
    if node and phase not in {"Succeeded", "Failed"}:
        for volume in spec.get("volumes") or ():
            if "persistentVolumeClaim" in volume:
                names.add(volume["persistentVolumeClaim"]["claimName"])
            elif "ephemeral" in volume:
                names.add(f"{meta['name']}-{volume['name']}")
    return Use(
        meta["namespace"],
        meta["name"],
        meta["uid"],
        node,
        meta.get("creationTimestamp") or "",
        phase == "Running",
        frozenset(names),
    )


def describe_volume(claim: Claim, class_: Mapping[str, Any]) -> dict[str, Any]:
    """Return the volume that a claim gets."""
    anywhere = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim.name_to_be, "annotations": {_MADE_BY: claim.asked_of}},
        "spec": {
            "capacity": {"storage": f"{claim.gib}Gi"},
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
            "local": {"path": str(IN_NODE / claim.name_to_be)},
            # A local volume has to say where it is: it is brought to the node that a pod is on.
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [anywhere]}]}},
        },
    }


def find_reason(claim: Claim, class_: Mapping[str, Any]) -> str:
    """Return why a class makes no volume here; nothing when it does."""
    if class_.get("provisioner") != claim.asked_of:
        return "its storage class is another one by now"
    for name, value in (class_.get("parameters") or {}).items():
        known = name.casefold() in _PARAMETERS[claim.asked_of]
        if not known or (name.casefold() == "protocol" and value.casefold() != "smb"):
            return f"the parameter {name[:_SHOWN]} of its storage class is not supported"
    for option in class_.get("mountOptions") or ():
        passes = option.partition("=")[0] in _OPTIONS or option in _MASKS
        if claim.asked_of == DISKS or not passes:
            return f"the mount option {option[:_SHOWN]} of its storage class is not supported"
    return ""


def describe_refusal(claim: Claim, reason: str, now: str) -> dict[str, Any]:
    """Return the event that tells why a claim has no volume."""
    about = {"kind": "PersistentVolumeClaim", "uid": claim.uid, "name": claim.name}
    return {
        **_describe_warning(claim.namespace, about, now),
        "reason": "ProvisioningFailed",
        "message": f"no volume can be made: {reason}",
        "source": {"component": claim.asked_of},
    }


def describe_busy(volume: Volume, use: Use, now: str) -> dict[str, Any]:
    """Return the event that tells a pod that another node has its volume, as upstream does."""
    about = {"kind": "Pod", "uid": use.uid, "name": use.name}
    return {
        **_describe_warning(use.namespace, about, now),
        "reason": "FailedAttachVolume",
        "message": f'Multi-Attach error for volume "{volume.name}" Volume is already exclusively '
        "attached to one node and can't be attached to another",
        "source": {"component": "attachdetach-controller"},
    }


def describe_waiting(now: str) -> dict[str, Any]:
    """Return the status of a claim whose volume grows once no pod uses it."""
    waits = {"type": "FileSystemResizePending", "status": "True", "message": _WAITS_FOR_PODS}
    return {"conditions": [{**waits, "lastTransitionTime": now}]}


def _describe_warning(namespace: str, about: Mapping[str, str], now: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{about['name']}.", "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "namespace": namespace, **about},
        "type": "Warning",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _find_extra(spec: Mapping[str, Any], asked_of: str) -> str:
    wrong = sorted(set(spec["accessModes"]) - _MODES.get(asked_of, frozenset()))
    if wrong:
        return f"the access mode {wrong[0]} needs a file share, such as the class azurefile makes"
    if spec.get("volumeMode") == "Block":
        return "there are no block devices here"
    for name in ("selector", "dataSource", "dataSourceRef"):
        if spec.get(name):
            return f"{name} is not supported"
    if _count_gib(spec["resources"]["requests"]["storage"]) > _MOST_GIB:
        return f"a volume holds {_MOST_GIB} GiB at most"
    return ""


def _count_gib(size: str) -> int:
    """Return a size as Azure sells it, in whole GiB."""
    return max(1, math.ceil(quantities.parse(size) / GIB))
