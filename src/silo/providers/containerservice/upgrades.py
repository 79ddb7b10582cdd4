"""Which versions a cluster or a pool can be brought to, and which it cannot. Pure.

Source: https://learn.microsoft.com/azure/aks/upgrade-aks-cluster: minors are not skipped, nothing
goes back, no pool is newer than its control plane, and none is older by more than three minors.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from silo import core, kube

from . import errors
from .versions import count_version, find_version, list_upgrades, sort_versions

_RECENT = 5
"""How much of a pool's past is kept."""
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
    cluster: str,
    wanted: str,
    before: str | None,
    control: str,
    known: Iterable[str],
    *,
    recent: Collection[str] = (),
) -> str:
    """Return the version that a pool's nodes are to have, given their control plane's.

    It goes back to those alone that it had recently.

    Raises:
        VersionNotSupported, UpgradeNotAllowed, VersionsIncompatible.

    """
    found = find_version(wanted or before or control, known)
    if found is None:
        raise errors.VersionNotSupported(cluster, wanted)
    ahead = count_version(found) > count_version(control)
    if ahead or count_version(control)[1] - count_version(found)[1] > _POOL_LAG:
        raise errors.VersionsIncompatible(found, control)
    back = before is not None and count_version(found) < count_version(before)
    if before is not None and back and found not in recent:
        raise errors.UpgradeNotAllowed(before, found, list_pool_upgrades(before, control, known))
    return found


def choose_image(
    wanted: str | None, before: str | None, version: str, kits: Mapping[str, kube.Kit], *, new: bool
) -> str | None:
    """Return what nodes are to be made from: what they are, unless they get another version.

    Raises:
        PropertyNotSupported: the wanted one is not here.

    """
    latest = kits[version].image
    if wanted and wanted not in {before, latest}:
        raise errors.PropertyNotSupported("properties.nodeImageVersion", wanted)
    return latest if new or wanted == latest else before


def remember(
    history: Mapping[str, Any], pool: str, before: tuple[str, str], until: datetime
) -> dict[str, Any]:
    """Return the history with what a pool had until now."""
    entry = [*before, core.render_time(until)]
    return {**history, pool: [*history.get(pool, ()), entry][-_RECENT:]}


def list_recent(
    history: Mapping[str, Any], pool: str, now: tuple[str, str], kits: Mapping[str, kube.Kit]
) -> list[dict[str, str]]:
    """Return what a pool can be brought back to: what it had, as far as it is still here."""
    return [
        {"orchestratorVersion": version, "nodeImageVersion": image, "timestamp": until}
        for version, image, until in history.get(pool, ())
        if (version, image) != now and version in kits and kits[version].image == image
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
    id_: str,
    current: str,
    control: str,
    kits: Mapping[str, kube.Kit],
    recent: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Return the answer of ``upgradeProfiles/default`` of a pool."""
    known = kits.keys()
    upgrades = [{"kubernetesVersion": one} for one in list_pool_upgrades(current, control, known)]
    return {
        "id": f"{id_}/upgradeProfiles/default",
        "name": "default",
        "type": "Microsoft.ContainerService/managedClusters/agentPools/upgradeProfiles",
        "properties": {
            "kubernetesVersion": current,
            "osType": "Linux",
            "latestNodeImageVersion": kits[current].image if current in kits else None,
            "upgrades": upgrades or None,
            "recentlyUsedVersions": list(recent),
        },
    }
