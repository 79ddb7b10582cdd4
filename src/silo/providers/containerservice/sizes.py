"""Azure's sizes of virtual machines, as far as nodes have them. Pure.

Source: https://learn.microsoft.com/azure/virtual-machines/sizes (vCPUs, GiB of memory).
"""

from collections.abc import Mapping

from silo import kube

GIB = 1 << 30
_CORES_AND_GIB: Mapping[str, tuple[int, float]] = {
    "Standard_B2s": (2, 4),
    "Standard_B2ms": (2, 8),
    "Standard_B2s_v2": (2, 8),
    "Standard_B4ms": (4, 16),
    "Standard_A2_v2": (2, 4),
    "Standard_A2m_v2": (2, 16),
    "Standard_A4_v2": (4, 8),
    "Standard_DS2_v2": (2, 7),
    "Standard_DS3_v2": (4, 14),
    "Standard_D2s_v3": (2, 8),
    "Standard_D4s_v3": (4, 16),
    "Standard_D8s_v3": (8, 32),
    "Standard_D2s_v5": (2, 8),
    "Standard_D4s_v5": (4, 16),
    "Standard_D8s_v5": (8, 32),
    "Standard_D2ds_v5": (2, 8),
    "Standard_D4ds_v5": (4, 16),
    "Standard_D8ds_v5": (8, 32),
    "Standard_E2s_v5": (2, 16),
    "Standard_E4s_v5": (4, 32),
    "Standard_F2s_v2": (2, 4),
    "Standard_F4s_v2": (4, 8),
    "Standard_F8s_v2": (8, 16),
}
_CHOICE = ("Standard_D4s_v5", "Standard_D2s_v5", "Standard_B2s")
"""What AKS's default comes nearest to, the largest first that there is room for."""


def find_size(name: str) -> tuple[str, kube.Size] | None:
    """Return a size in Azure's own casing and what it is; None when there is no such size."""
    key = name.casefold()
    for known, (cores, gib) in _CORES_AND_GIB.items():
        if known.casefold() == key:
            return known, kube.Size(float(cores), int(gib * GIB))
    return None


def list_fitting(room: kube.Size) -> list[str]:
    """Return the sizes that there is room for."""
    return [
        name
        for name, (cores, gib) in _CORES_AND_GIB.items()
        if cores <= room.cores and gib * GIB <= room.memory_bytes
    ]


def choose_size(room: kube.Size) -> str:
    """Return the size that a node has when nobody says."""
    fitting = list_fitting(room)
    return next((name for name in _CHOICE if name in fitting), _CHOICE[-1])
