"""Which versions a cluster or a pool can be brought to, and which it cannot. Pure.

Source: https://learn.microsoft.com/azure/aks/upgrade-aks-cluster: minors are not skipped, nothing
goes back, no pool is newer than its control plane, and none is older by more than three minors.
"""

from collections.abc import Iterable
from typing import Any

from . import errors
from .versions import count_version, find_version, sort_versions

_POOL_LAG = 3
"""How many minors a pool may be behind its control plane (Kubernetes' version skew policy)."""


def choose_version(cluster: str, wanted: str, before: str | None, known: Iterable[str]) -> str:
    """Return the version that a control plane is to have: the wanted one, or what it has.

    Raises:
        VersionNotSupported, UpgradeNotAllowed.

    """
    found = find_version(wanted or before or "", known)
    if found is None:
        raise errors.VersionNotSupported(cluster, wanted)
    if before is not None and found != before:
        allowed = list_upgrades(before, known)
        if found not in allowed:
            raise errors.UpgradeNotAllowed(before, found, allowed)
    return found


def choose_pool_version(
    cluster: str, wanted: str, before: str | None, control: str, known: Iterable[str]
) -> str:
    """Return the version that a pool's nodes are to have, given their control plane's.

    Raises:
        VersionNotSupported, UpgradeNotAllowed, VersionsIncompatible.

    """
    found = find_version(wanted or before or control, known)
    if found is None:
        raise errors.VersionNotSupported(cluster, wanted)
    ahead = count_version(found) > count_version(control)
    if ahead or count_version(control)[1] - count_version(found)[1] > _POOL_LAG:
        raise errors.VersionsIncompatible(found, control)
    if before is not None and count_version(found) < count_version(before):
        raise errors.UpgradeNotAllowed(before, found, list_pool_upgrades(before, control, known))
    return found


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
