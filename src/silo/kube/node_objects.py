"""A node as its cluster's API has it: what Silo gives it, and nothing that others gave. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from .plans import NodePlan

GIVEN = "silo/given"
"""Annotation: which labels and taints are Silo's to take away again."""
LEAVING = "silo/leaving"
"""Annotation: cordoned because it is to go; its value says whether somebody had done so before."""
APART = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Label: load balancers do not lead here; ours has a value of its own."""
IMAGE = "kubernetes.azure.com/node-image-version"
"""Label: what it was made from."""
_STATUS = "kubernetes.azure.com/upgrade-status"
_QUARANTINED = "Quarantined"
"""Label of Azure's: pods do not leave it, so it was not replaced."""
_OURS = "silo"
_BY_OTHERS = "cordoned-before"


def find_path(name: str) -> str:
    """Return where the object is."""
    return f"/api/v1/nodes/{name}"


def parse_taint(text: str) -> dict[str, str]:
    """Return a taint as the API has it, from ``key=value:effect`` or ``key:effect``."""
    pair, _, effect = text.rpartition(":")
    key, given, value = pair.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if given else {})}


def describe(node: Mapping[str, Any], plan: NodePlan) -> dict[str, Any]:
    """Return the patch by which a node has the labels and taints that it is to have.

    Nothing when it has them. What others gave it stays, and so does their cordon.
    """
    meta, spec = node["metadata"], node.get("spec") or {}
    notes = meta.get("annotations") or {}
    before = json.loads(notes.get(GIVEN) or "{}")
    labels: dict[str, str | None] = {
        key: None for key in before.get("labels", ()) if key in (meta.get("labels") or {})
    }
    labels.update(plan.labels)
    has = meta.get("labels") or {}
    labels = {key: value for key, value in labels.items() if has.get(key) != value}
    given = json.dumps({"labels": sorted(dict(plan.labels)), "taints": sorted(plan.taints)})
    taints = _merge_taints(spec.get("taints") or [], before.get("taints", ()), plan)
    annotations = {GIVEN: given} if notes.get(GIVEN) != given else {}
    parts: dict[str, Any] = {}
    if labels or annotations:
        parts["metadata"] = {"labels": labels, "annotations": annotations}
    if taints != (spec.get("taints") or []):
        parts["spec"] = {"taints": taints}
    return _hold(node, parts)


def cordon(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch by which a node that is to go takes no more pods."""
    if LEAVING in (node["metadata"].get("annotations") or {}):
        return {}
    others = bool((node.get("spec") or {}).get("unschedulable"))
    note = {LEAVING: _BY_OTHERS if others else "true"}
    return _hold(node, {"metadata": {"annotations": note}, "spec": {"unschedulable": True}})


def uncordon(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch by which a node that may stay after all is as it was before."""
    note = (node["metadata"].get("annotations") or {}).get(LEAVING)
    if note is None:
        return {}
    parts: dict[str, Any] = {"metadata": {"annotations": {LEAVING: None}}}
    if _STATUS in (node["metadata"].get("labels") or {}):
        parts["metadata"]["labels"] = {_STATUS: None}
    if note != _BY_OTHERS:
        parts["spec"] = {"unschedulable": None}
    return _hold(node, parts)


def quarantine(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch by which it is told of a cordoned node that it was to be replaced."""
    return _hold(node, {"metadata": {"labels": {_STATUS: _QUARANTINED}}})


def set_apart(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch by which load balancers do not lead to a node."""
    if APART in (node["metadata"].get("labels") or {}):
        return {}
    return _hold(node, {"metadata": {"labels": {APART: _OURS}}})


def join(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the patch by which they lead to it again, unless somebody else set it apart."""
    if (node["metadata"].get("labels") or {}).get(APART) != _OURS:
        return {}
    return _hold(node, {"metadata": {"labels": {APART: None}}})


def _merge_taints(
    has: list[dict[str, Any]], before: list[str] | tuple[str, ...], plan: NodePlan
) -> list[dict[str, Any]]:
    wanted = [parse_taint(text) for text in plan.taints]
    ours = {_key(one) for one in (*wanted, *(parse_taint(text) for text in before))}
    # What is there as it is to be keeps its place, and the time that Kubernetes noted with it.
    stay = [
        one
        for one in has
        if _key(one) not in ours
        or any(_key(new) == _key(one) and new.get("value") == one.get("value") for new in wanted)
    ]
    stayed = {_key(one) for one in stay}
    return [*stay, *(new for new in wanted if _key(new) not in stayed)]


def _key(taint: Mapping[str, Any]) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _hold(node: Mapping[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Have a patch apply to the object as it was read and to no later one."""
    if not parts:
        return {}
    version = {"resourceVersion": node["metadata"].get("resourceVersion")}
    return {**parts, "metadata": {**parts.get("metadata", {}), **version}}
