"""How the nodes of a pool are replaced, as its ``upgradeSettings`` say it. Pure.

Source: https://learn.microsoft.com/azure/aks/upgrade-aks-cluster (customize node surge upgrade);
azure-mgmt-containerservice, ``AgentPoolUpgradeSettings``.
"""

import math

from silo import kube

from . import errors
from .parts import is_same
from .properties import UpgradeSettings

_SURGE = "10%"
"""AKS's default."""
_CORDON = "Cordon"


def check_rollout(path: str, settings: UpgradeSettings) -> None:
    """Refuse a pool whose nodes could not be replaced, or in two ways at once.

    Raises:
        PropertyInvalid: and why.

    """
    surge = _is_some(settings.max_surge or _SURGE)
    if surge and _is_some(settings.max_unavailable or "0"):
        raise errors.PropertyInvalid(
            f"{path}.maxUnavailable",
            "maxSurge has to be 0 where nodes may be unavailable during an upgrade",
        )
    if not surge and not _is_some(settings.max_unavailable or "0"):
        raise errors.PropertyInvalid(
            f"{path}.maxSurge", "maxSurge and maxUnavailable are both 0: no node could be replaced"
        )


def plan_rollout(settings: UpgradeSettings, count: int) -> kube.Rollout:
    """Return how a pool of so many nodes is renewed."""
    return kube.Rollout(
        surge=_count(settings.max_surge or _SURGE, count),
        unavailable=_count(settings.max_unavailable or "0", count),
        soak_s=(settings.node_soak_duration_in_minutes or 0) * 60.0,
        quarantine=is_same(settings.undrainable_node_behavior, _CORDON),
    )


def _is_some(text: str) -> bool:
    return int(text.rstrip("%")) > 0


def _count(text: str, count: int) -> int:
    """Return a number, or so many of a hundred: a part of a node is a whole one."""
    if text.endswith("%"):
        return math.ceil(count * int(text[:-1]) / 100)
    return int(text)
