"""Whether a pod can run on a node, as far as the scheduler's main rules go. Pure.

Requests, selectors, required node affinity, taints, and pods that want a node without their like.
What else a scheduler weighs is left to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import quantities

CPU, MEMORY, PODS = "cpu", "memory", "pods"
_HOST = "kubernetes.io/hostname"
_HARD = frozenset({"NoSchedule", "NoExecute"})
_ENDED = frozenset({"Succeeded", "Failed"})

Object = Mapping[str, Any]
Amounts = dict[str, float]


@dataclass(frozen=True, slots=True)
class Space:
    """What of a node is free, and for whom."""

    name: str
    labels: Mapping[str, str]
    taints: Sequence[Object]
    free: Mapping[str, float]
    pods: Sequence[Object] = field(default=())

    def put(self, pod: Object) -> "Space":
        """Return what is left once a pod runs there."""
        asked = sum_requests(pod)
        free = {name: amount - asked.get(name, 0.0) for name, amount in self.free.items()}
        return replace(self, free=free, pods=(*self.pods, pod))


def is_bound(pod: Object) -> bool:
    """Tell whether a pod takes something of a node."""
    ended = (pod.get("status") or {}).get("phase") in _ENDED
    return bool(pod["spec"].get("nodeName")) and not ended


def open_space(node: Object, pods: Iterable[Object]) -> Space:
    """Return what is free of a node where these pods run."""
    spec, given = node.get("spec") or {}, (node.get("status") or {}).get("allocatable") or {}
    space = Space(
        node["metadata"]["name"],
        node["metadata"].get("labels") or {},
        spec.get("taints") or (),
        {name: quantities.parse(amount) for name, amount in given.items()},
    )
    for pod in pods:
        space = space.put(pod)
    return space


def sum_requests(pod: Object) -> Amounts:
    """Return what a pod asks for: its containers together, or the largest before them."""
    spec = pod["spec"]
    together: Amounts = {PODS: 1.0}
    for container in spec.get("containers") or ():
        for name, amount in _read_requests(container).items():
            together[name] = together.get(name, 0.0) + amount
    for container in spec.get("initContainers") or ():
        stays = container.get("restartPolicy") == "Always"
        for name, amount in _read_requests(container).items():
            before = together.get(name, 0.0)
            together[name] = before + amount if stays else max(before, amount)
    for name, text in (spec.get("overhead") or {}).items():
        together[name] = together.get(name, 0.0) + quantities.parse(text)
    return together


def fits(pod: Object, space: Space) -> bool:
    """Tell whether a pod can run there."""
    asked = sum_requests(pod)
    return (
        all(amount <= space.free.get(name, 0.0) for name, amount in asked.items() if amount > 0)
        and _is_tolerated(pod, space.taints)
        and _is_selected(pod, space.labels)
        and not any(_keeps_off(pod, other) for other in space.pods)
    )


def place_all(pods: Sequence[Object], spaces: Sequence[Space]) -> list[Object]:
    """Put pods where they fit, one after the other; return those that fit nowhere."""
    left, now = [], list(spaces)
    for pod in pods:
        index = next((i for i, space in enumerate(now) if fits(pod, space)), None)
        if index is None:
            left.append(pod)
        else:
            now[index] = now[index].put(pod)
    return left


def _read_requests(container: Object) -> Amounts:
    requests = (container.get("resources") or {}).get("requests") or {}
    return {name: quantities.parse(text) for name, text in requests.items()}


def _is_tolerated(pod: Object, taints: Iterable[Object]) -> bool:
    tolerations = pod["spec"].get("tolerations") or ()
    return all(
        any(_tolerates(one, taint) for one in tolerations)
        for taint in taints
        if taint["effect"] in _HARD
    )


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in {None, "", taint["effect"]}:
        return False
    key, exists = toleration.get("key"), toleration.get("operator") == "Exists"
    if not key:
        return exists
    return key == taint["key"] and (
        exists or (toleration.get("value") or "") == (taint.get("value") or "")
    )


def _is_selected(pod: Object, labels: Mapping[str, str]) -> bool:
    spec = pod["spec"]
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if not required:
        return True
    return any(
        term.get("matchExpressions")
        and all(_matches(one, labels) for one in term["matchExpressions"])
        for term in required.get("nodeSelectorTerms") or ()
    )


def _matches(expression: Object, labels: Mapping[str, str]) -> bool:
    value: str | None = labels.get(expression["key"])
    operator: str = expression["operator"]
    values = list(expression.get("values") or ())
    if operator in {"In", "NotIn"}:
        return (value in values) is (operator == "In")
    if operator in {"Exists", "DoesNotExist"}:
        return (value is not None) is (operator == "Exists")
    try:
        difference = int(value or "") - int(values[0])
    except (ValueError, IndexError):
        return False
    return difference > 0 if operator == "Gt" else difference < 0


def _keeps_off(pod: Object, other: Object) -> bool:
    """Tell whether a pod must not be on one node with another of its namespace."""
    if pod["metadata"].get("namespace") != other["metadata"].get("namespace"):
        return False
    affinity = (pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}
    labels = other["metadata"].get("labels") or {}
    return any(
        term.get("topologyKey") == _HOST and is_meant(term.get("labelSelector") or {}, labels)
        for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    )


def is_meant(selector: Object, labels: Mapping[str, str]) -> bool:
    """Tell whether a selector of labels means these."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _matches(one, labels) for one in selector.get("matchExpressions") or ()
    )
