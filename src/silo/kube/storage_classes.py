"""The classes of volumes that a cluster has from the beginning, under AKS's names. Pure."""

from collections.abc import Mapping
from typing import Any

DISKS = "disk.csi.azure.com"
SHARES = "file.csi.azure.com"
"""As manifests name them that are written for AKS."""
DEFAULT = "default"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
ENSURE_EXISTS = {"addonmanager.kubernetes.io/mode": "EnsureExists"}
"""As on AKS: what its owner changes stays changed, what he deletes comes back."""
_SKUS = {
    DISKS: {
        **dict.fromkeys((DEFAULT, "managed", "managed-csi"), "StandardSSD_LRS"),
        **dict.fromkeys(("managed-premium", "managed-csi-premium"), "Premium_LRS"),
    },
    SHARES: {
        **dict.fromkeys(("azurefile", "azurefile-csi"), "Standard_LRS"),
        **dict.fromkeys(("azurefile-premium", "azurefile-csi-premium"), "Premium_LRS"),
    },
}


def list_objects() -> dict[str, Mapping[str, Any]]:
    """Return the classes by their paths."""
    return {
        f"{_CLASSES}/{name}": _describe(name, provisioner, sku)
        for provisioner, classes in _SKUS.items()
        for name, sku in classes.items()
    }


def _describe(name: str, provisioner: str, sku: str) -> dict[str, Any]:
    is_default = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "labels": ENSURE_EXISTS,
            "annotations": is_default if name == DEFAULT else {},
        },
        "provisioner": provisioner,
        "parameters": {"skuname" if provisioner == DISKS else "skuName": sku},
        "reclaimPolicy": "Delete",
        # A share is reached from every node, a disk from one: that of the first pod.
        "volumeBindingMode": "WaitForFirstConsumer" if provisioner == DISKS else "Immediate",
        "allowVolumeExpansion": True,
    }
