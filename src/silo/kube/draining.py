"""Emptying a node: its pods are asked to go one by one, as the budgets over them allow.

As ``kubectl drain`` does it: through the Eviction API, which obeys PodDisruptionBudgets. What a
DaemonSet put there stays, for it would come back at once, and so does what has ended.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from .api import Api
from .errors import DrainFailed

log = structlog.get_logger()

_LOOK_S = 0.5
_MIRROR = "kubernetes.io/config.mirror"
_ENDED = frozenset({"Succeeded", "Failed"})
_NAMED = 5
"""How many of the pods that do not go are told."""


async def drain(api: Api, node: str, timeout_s: float) -> None:
    """Return once no pod that matters is left on a node, which takes none any more.

    Raises:
        DrainFailed: in time not all of them have gone, and which.

    """
    asked: set[str] = set()
    blocked: dict[str, str] = {}
    try:
        async with asyncio.timeout(timeout_s):
            while left := await list_movable(api, node):
                blocked = {}
                for pod in left:
                    await _ask_to_go(api, pod, asked, blocked)
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        names = sorted(blocked or asked)
        why = next(iter(blocked.values()), "They do not end.")
        log.warning("node is not drained", node=node, pods=names)
        told = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
        raise DrainFailed(
            f"The node {node} is not drained within {timeout_s:.0f} seconds. "
            f"Pods that stay: {told}. {why}"
        ) from None


async def forget(api: Api, node: str) -> None:
    """Take the pods of a node off the API that runs no more, and can tell of none that it ended."""
    pods, _ = await api.list("/api/v1/pods", f"spec.nodeName={node}")
    for pod in pods:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        await api.delete(f"{path}?gracePeriodSeconds=0")


async def list_movable(api: Api, node: str) -> Sequence[Mapping[str, Any]]:
    """Return the pods that have to go before a node may."""
    pods, _ = await api.list("/api/v1/pods", f"spec.nodeName={node}")
    return [pod for pod in pods if is_movable(pod)]


def is_movable(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod runs and could run elsewhere. Pure."""
    meta = pod["metadata"]
    owners = {one["kind"] for one in meta.get("ownerReferences") or () if one.get("controller")}
    return not (
        "DaemonSet" in owners
        or _MIRROR in (meta.get("annotations") or {})
        or (pod.get("status") or {}).get("phase") in _ENDED
    )


async def _ask_to_go(
    api: Api, pod: Mapping[str, Any], asked: set[str], blocked: dict[str, str]
) -> None:
    meta = pod["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    if meta.get("deletionTimestamp"):
        asked.add(name)
        return
    refusal = await api.evict(meta["namespace"], meta["name"])
    if refusal:
        blocked[name] = refusal
    else:
        asked.add(name)
