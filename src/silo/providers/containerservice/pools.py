"""Pools of nodes as they are asked for: held to what can be done, with Azure's defaults. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from silo import kube

from . import errors
from .parts import ANY, check_parts, is_empty, is_same
from .properties import AgentPool, UpgradeSettings
from .rollouts import check_rollout

MAX_POOLS = 100
SYSTEM, USER = "System", "User"
_SPOT = "Spot"
_TYPE = "VirtualMachineScaleSets"
_POOL: Mapping[str, Sequence[Any] | None] = {
    "name": ANY,
    "count": ANY,
    "vmSize": ANY,
    "maxPods": ANY,
    "orchestratorVersion": ANY,
    "currentOrchestratorVersion": ANY,
    "nodeImageVersion": ANY,
    "provisioningState": ANY,
    "powerState": ({"code": "Running"},),
    "mode": (SYSTEM, USER),
    "osType": ("Linux",),
    "type": (_TYPE,),
    "scaleSetPriority": ("Regular", _SPOT),
    "scaleSetEvictionPolicy": ("Delete",),
    "spotMaxPrice": (-1, -1.0),
    "scaleDownMode": ("Delete",),
    "enableAutoScaling": (True,),
    "minCount": ANY,
    "maxCount": ANY,
    "nodeLabels": ANY,
    "nodeTaints": ANY,
    "tags": ANY,
    "upgradeSettings": ANY,
}
_UPGRADE: Mapping[str, Sequence[Any] | None] = {
    "maxSurge": ANY,
    "maxUnavailable": ANY,
    "drainTimeoutInMinutes": ANY,
    "nodeSoakDurationInMinutes": ANY,
    "undrainableNodeBehavior": ("Schedule", "Cordon"),
}
_FIXED = ("vmSize", "maxPods", "osType", "scaleSetPriority")
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"([a-z0-9]([-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_WORD}")
_VALUE = re.compile(rf"({_WORD})?")
_TAINT = re.compile(r"([^=:]+)(?:=([^=:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)")
_RESERVED = ("kubernetes.io", "k8s.io", "kubernetes.azure.com")
"""What Kubernetes and AKS themselves say of nodes."""


def check_pools(given: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> None:
    """Hold the pools of a body to what can be done, beside those that are there.

    Raises:
        ArmError: which of them cannot be had.

    """
    kept = {pool["name"]: pool for pool in before}
    if not given and not kept:
        raise errors.PropertyRequired("properties.agentPoolProfiles")
    names = [str(pool.get("name") or "") for pool in given]
    for index, pool in enumerate(given):
        path = f"properties.agentPoolProfiles[{index}]"
        if names.count(names[index]) > 1:
            raise errors.PropertyInvalid(f"{path}.name", "two agent pools have the same name")
        check_pool(path, pool, kept.get(names[index]))
    after = [*given, *(pool for name, pool in kept.items() if name not in names)]
    if len(after) > MAX_POOLS:
        raise errors.PropertyNotSupported("properties.agentPoolProfiles", f"{len(after)} pools")
    require_system(after)


def require_system(pools: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a cluster without a pool for its own pods."""
    if not any(is_same(pool.get("mode") or SYSTEM, SYSTEM) for pool in pools):
        raise errors.SystemPoolRequired


def check_pool(path: str, given: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    """Hold one pool to what can be done."""
    check_parts(path, given, _POOL)
    upgrade = given.get("upgradeSettings") or {}
    check_parts(f"{path}.upgradeSettings", upgrade, _UPGRADE)
    check_rollout(f"{path}.upgradeSettings", UpgradeSettings.model_validate(upgrade))
    name = given.get("name")
    if not name:
        raise errors.PropertyRequired(f"{path}.name")
    if not _NAME.fullmatch(str(name)):
        raise errors.PropertyInvalid(
            f"{path}.name", "it must begin with a lowercase letter, and have at most 12 of a-z, 0-9"
        )
    for fixed in _FIXED if before is not None else ():
        wanted = given.get(fixed)
        if not is_empty(wanted) and not is_same(wanted, (before or {})[fixed]):
            raise errors.PropertyCannotChange(f"properties.agentPoolProfiles.{fixed}")
    pool = AgentPool.model_validate(dict(given))
    _check_counts(path, pool)
    _check_labels(path, pool)


def fill_pool(pool: AgentPool) -> AgentPool:
    """Return a pool with what AKS answers where nothing was said."""
    mode = USER if is_same(pool.mode, USER) else SYSTEM
    spot = is_same(pool.scale_set_priority, _SPOT)
    count = pool.count if pool.count is not None else 1
    if pool.enable_auto_scaling:
        count = min(max(count, pool.min_count or 0), pool.max_count or count)
    return pool.model_copy(
        update={
            "mode": mode,
            "count": count,
            "os_type": "Linux",
            "type": _TYPE,
            "scale_set_priority": _SPOT if spot else "Regular",
            "scale_set_eviction_policy": "Delete" if spot else None,
            "spot_max_price": -1.0 if spot else None,
            "max_pods": pool.max_pods or kube.MAX_PODS,
            "enable_auto_scaling": bool(pool.enable_auto_scaling),
        }
    )


def _check_counts(path: str, pool: AgentPool) -> None:
    least = 0 if is_same(pool.mode, USER) else 1
    if pool.count is not None and pool.count < least:
        raise errors.PropertyInvalid(f"{path}.count", "a system pool has at least one node")
    low, high = pool.min_count, pool.max_count
    if not pool.enable_auto_scaling:
        if low is not None or high is not None:
            raise errors.PropertyInvalid(
                f"{path}.minCount", "it is for pools with enableAutoScaling alone"
            )
        return
    if low is None or high is None:
        raise errors.PropertyRequired(f"{path}.{'minCount' if low is None else 'maxCount'}")
    if not least <= low <= high or high < 1:
        raise errors.PropertyInvalid(
            f"{path}.minCount", f"it has to be {least} at least, and maxCount at most"
        )


def _check_labels(path: str, pool: AgentPool) -> None:
    for key, value in (pool.node_labels or {}).items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value) or _is_reserved(key):
            raise errors.PropertyInvalid(f"{path}.nodeLabels", f"'{key}={value}' is no such label")
    for taint in pool.node_taints or ():
        found = _TAINT.fullmatch(taint)
        key, value = (found[1], found[2] or "") if found else ("", "")
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value) or _is_reserved(key):
            raise errors.PropertyInvalid(f"{path}.nodeTaints", f"'{taint}' is no such taint")


def _is_reserved(key: str) -> bool:
    domain = key.rpartition("/")[0]
    return any(domain == one or domain.endswith(f".{one}") for one in _RESERVED)
