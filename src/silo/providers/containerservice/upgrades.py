"""Which versions a cluster or a pool can be brought to, and which it cannot. Pure.

Source: https://learn.microsoft.com/azure/aks/upgrade-aks-cluster: minors are not skipped, nothing
goes back, no pool is newer than its control plane, and none is older by more than three minors.
"""

from collections.abc import Iterable
from typing import Any

from .versions import count_version, sort_versions


def list_upgrades(current: str, known: Iterable[str]) -> list[str]:
    """Return what a control plane of this version can be brought to, the newest first."""
    now = count_version(current)
    return [
        one
        for one in sort_versions(known)
        if count_version(one) > now and _is_near(now, count_version(one))
    ]


def list_pool_upgrades(current: str, control: str, known: Iterable[str]) -> list[str]:
    """Return what a pool can be brought to: never past its control plane."""
    now, limit = count_version(current), count_version(control)
    return [one for one in sort_versions(known) if now < count_version(one) <= limit]


def render_cluster_profile(id_: str, current: str, known: Iterable[str]) -> dict[str, Any]:
    """Return the answer of ``upgradeProfiles/default`` of a cluster."""
    upgrades = [{"kubernetesVersion": one} for one in list_upgrades(current, known)]
    profile = {"kubernetesVersion": current, "osType": "Linux", "upgrades": upgrades or None}
    return {
        "id": f"{id_}/upgradeprofiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/upgradeprofiles",
        "properties": {"controlPlaneProfile": profile, "agentPoolProfiles": None},
    }


def render_pool_profile(
    id_: str, current: str, control: str, known: Iterable[str], image: str | None
) -> dict[str, Any]:
    """Return the answer of ``upgradeProfiles/default`` of a pool."""
    upgrades = [{"kubernetesVersion": one} for one in list_pool_upgrades(current, control, known)]
    return {
        "id": f"{id_}/upgradeProfiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
        "properties": {
            "kubernetesVersion": current,
            "osType": "Linux",
            "latestNodeImageVersion": image,
            "upgrades": upgrades or None,
        },
    }


def _is_near(now: tuple[int, ...], then: tuple[int, ...]) -> bool:
    return now[0] == then[0] and then[1] - now[1] <= 1
