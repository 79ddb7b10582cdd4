"""The classes of disks that a cluster has from the beginning, under AKS's names. Pure."""

from collections.abc import Mapping
from typing import Any

PROVISIONER = "disk.csi.azure.com"
"""As manifests name it that are written for AKS."""
DEFAULT = "default"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
ENSURE_EXISTS = {"addonmanager.kubernetes.io/mode": "EnsureExists"}
"""As on AKS: what its owner changes stays changed, what he deletes comes back."""


def list_objects() -> dict[str, Mapping[str, Any]]:
    """Return the classes by their paths."""
    return {f"{_CLASSES}/{name}": _describe(name) for name in (DEFAULT, "managed", "managed-csi")}


def _describe(name: str) -> dict[str, Any]:
    is_default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "labels": ENSURE_EXISTS,
            "annotations": is_default if name == DEFAULT else {},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        # A disk is a folder, as large as the machine's disk: there is nothing to expand.
        "allowVolumeExpansion": False,
    }
