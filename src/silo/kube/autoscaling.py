"""When a pool of nodes grows and shrinks by itself, as upstream's cluster autoscaler decides. Pure.

It grows for pods that no node has room for and a new one would; it shrinks by nodes that are little
used for long enough and whose pods could run elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from . import fitting
from .draining import is_movable
from .fitting import CPU, MEMORY, Object, Space
from .node_objects import parse_taint
from .plans import NodePlan

_POOL = "agentpool"
_SIZE = "node.kubernetes.io/instance-type"
_SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_KEPT = "cluster-autoscaler.kubernetes.io/scale-down-disabled"
_SYSTEM = "kube-system"
_OVERHEAD_BYTES = 200 << 20
"""What a new node keeps for itself, as far as is known before there is one like it."""
_LOCAL = ("emptyDir", "hostPath")
_EMPTIES = 10
"""How many nodes without any pod may go at once."""
_WEIGHED = 300
"""For how many pods one look finds room: the others have their turn once these run."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly pools change."""

    scan_s: float = 10.0
    pending_s: float = 0.0
    after_growth_s: float = 600.0
    unneeded_s: float = 600.0
    threshold: float = 0.5
    keep_local: bool = False
    keep_system: bool = True


@dataclass(frozen=True, slots=True)
class ScalablePool:
    """A pool that may change, and what a node more of it would be."""

    name: str
    count: int
    least: int
    most: int
    sample: NodePlan


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a cluster's API says."""

    nodes: Sequence[Object]
    pods: Sequence[Object]
    budgets: Sequence[Object]


@dataclass(frozen=True, slots=True)
class Grow:
    """So many nodes more."""

    pool: str
    by: int


@dataclass(frozen=True, slots=True)
class Shrink:
    """These nodes less."""

    pool: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """When a pool grew, from how many nodes, and for which pods."""

    at: float
    count: int
    pods: frozenset[str]


@dataclass(slots=True)
class History:
    """What is remembered of one cluster between two looks; lost without harm."""

    grown_at: float | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    """The last one of each pool."""
    pending: dict[str, float] = field(default_factory=dict)
    unneeded: dict[str, float] = field(default_factory=dict)


def decide(
    seen: Snapshot, pools: Sequence[ScalablePool], history: History, pace: Pace, now: float
) -> Grow | Shrink | None:
    """Return what is to be done now, if anything."""
    spaces = {
        space.name: space
        for node in seen.nodes
        if _takes_pods(node)
        for space in (fitting.open_space(node, _list_on(seen, node)),)
    }
    fresh = {pool.name: _imagine(pool, seen) for pool in pools}
    waiting = [
        pod
        for pod in _list_waiting(seen, history, pace, now)
        if any(fitting.fits(pod, space) for space in fresh.values())
    ][:_WEIGHED]
    # What would fit is only on its way.
    lost = fitting.place_all(waiting, list(spaces.values()))
    hopes = {pool.name: _list_hopeful(pool, lost, history, pace, now) for pool in pools}
    growth = _find_growth(hopes, pools, fresh)
    if growth is not None:
        step, pool, helped = growth
        history.grown_at = now
        history.attempts[pool.name] = Attempt(now, pool.count, helped)
        return step
    rested = history.grown_at is None or now - history.grown_at >= pace.after_growth_s
    found = _find_unneeded(seen, pools, spaces, pace)
    history.unneeded = {name: history.unneeded.get(name, now) for name in found}
    if not rested:
        return None
    ripe = [name for name, since in history.unneeded.items() if now - since >= pace.unneeded_s]
    return _find_shrinkage(ripe, seen, pools, spaces)


def _list_waiting(seen: Snapshot, history: History, pace: Pace, now: float) -> list[Object]:
    """Return the pods that the scheduler found no node for, for long enough."""
    found = {
        pod["metadata"]["uid"]: pod
        for pod in seen.pods
        if not pod["spec"].get("nodeName")
        and not pod["metadata"].get("deletionTimestamp")
        and any(
            one["type"] == "PodScheduled"
            and one["status"] == "False"
            and one.get("reason") == "Unschedulable"
            for one in (pod.get("status") or {}).get("conditions") or ()
        )
    }
    history.pending = {uid: history.pending.get(uid, now) for uid in found}
    return [pod for uid, pod in found.items() if now - history.pending[uid] >= pace.pending_s]


def _list_hopeful(
    pool: ScalablePool, lost: Sequence[Object], history: History, pace: Pace, now: float
) -> list[Object]:
    """Return the pods a pool may grow for: for a while not those that its last growth did not help.

    What keeps a pod off a node is more than is known here; another one would be in vain, too.
    """
    last = history.attempts.get(pool.name)
    if last is None or pool.count <= last.count or now - last.at >= pace.after_growth_s:
        return list(lost)
    in_vain = last.pods <= {pod["metadata"]["uid"] for pod in lost}
    return [pod for pod in lost if not (in_vain and pod["metadata"]["uid"] in last.pods)]


def _find_growth(
    hopes: Mapping[str, Sequence[Object]],
    pools: Sequence[ScalablePool],
    fresh: Mapping[str, Space],
) -> tuple[Grow, ScalablePool, frozenset[str]] | None:
    """Return the pool that helps most pods with the fewest nodes, and which pods."""
    choices = []
    for pool in pools:
        added: list[Space] = []
        helped = set()
        for pod in hopes[pool.name]:
            index = next((i for i, one in enumerate(added) if fitting.fits(pod, one)), None)
            if index is not None:
                added[index] = added[index].put(pod)
            elif pool.count + len(added) < pool.most and fitting.fits(pod, fresh[pool.name]):
                added.append(fresh[pool.name].put(pod))
            else:
                continue
            helped.add(pod["metadata"]["uid"])
        if added:
            choices.append((Grow(pool.name, len(added)), pool, frozenset(helped)))
    return min(choices, key=lambda one: (-len(one[2]), one[0].by, one[0].pool), default=None)


def _imagine(pool: ScalablePool, seen: Snapshot) -> Space:
    """Return the space of a node that the pool would have more."""
    plan = pool.sample
    free = {CPU: plan.size.cores, MEMORY: plan.size.memory_bytes - _OVERHEAD_BYTES}
    for node in seen.nodes:
        if _is_of(node, pool) or _read_label(node, _SIZE) == dict(plan.labels).get(_SIZE):
            # A node of the same size says it exactly.
            free = {k: v for k, v in fitting.open_space(node, ()).free.items() if k in free}
            break
    labels = {
        "kubernetes.io/os": "linux",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/hostname": plan.name,
        **dict(plan.labels),
    }
    taints = [parse_taint(text) for text in plan.taints]
    space = Space(plan.name, labels, taints, {**free, fitting.PODS: float(plan.max_pods)})
    # What runs on each node of the pool would run there, too; on one that comes it may not yet.
    daemons: list[Object] = max(
        (
            [pod for pod in _list_on(seen, node) if not is_movable(pod)]
            for node in seen.nodes
            if _is_of(node, pool)
        ),
        key=len,
        default=[],
    )
    for pod in daemons:
        space = space.put(pod)
    return space


def _is_of(node: Object, pool: ScalablePool) -> bool:
    return _read_label(node, _POOL) == pool.name


def _read_label(node: Object, name: str) -> str:
    return str((node["metadata"].get("labels") or {}).get(name, ""))


def _find_unneeded(
    seen: Snapshot,
    pools: Sequence[ScalablePool],
    spaces: Mapping[str, Space],
    pace: Pace,
) -> list[str]:
    """Return the nodes that are little used and whose pods could run elsewhere."""
    names = {pool.name for pool in pools}
    found = []
    for node in seen.nodes:
        name, meta = node["metadata"]["name"], node["metadata"]
        notes = meta.get("annotations") or {}
        mine = (meta.get("labels") or {}).get(_POOL) in names
        if not mine or name not in spaces or notes.get(_KEPT) == "true":
            continue
        if _measure_use(node, spaces[name]) >= pace.threshold:
            continue
        pods = [pod for pod in _list_on(seen, node) if is_movable(pod)]
        held = any(_is_held(pod, seen, pace) for pod in pods)
        if not held and not _list_homeless(pods, name, spaces):
            found.append(name)
    return found


def _find_shrinkage(
    ripe: Sequence[str],
    seen: Snapshot,
    pools: Sequence[ScalablePool],
    spaces: Mapping[str, Space],
) -> Shrink | None:
    nodes = {node["metadata"]["name"]: node for node in seen.nodes}
    for pool in pools:
        mine = [name for name in ripe if nodes[name]["metadata"]["labels"].get(_POOL) == pool.name]
        spare = pool.count - pool.least
        empty = [name for name in mine if not any(map(is_movable, _list_on(seen, nodes[name])))]
        if empty and spare > 0:
            return Shrink(pool.name, tuple(empty[: min(spare, _EMPTIES)]))
        if mine and spare > 0:
            emptiest = min(mine, key=lambda name: _measure_use(nodes[name], spaces[name]))
            return Shrink(pool.name, (emptiest,))
    return None


def _list_homeless(
    pods: Sequence[Object], leaving: str, spaces: Mapping[str, Space]
) -> list[Object]:
    others = [space for name, space in spaces.items() if name != leaving]
    return fitting.place_all(pods, others)


def _measure_use(node: Object, space: Space) -> float:
    """Return how much of a node is asked for, of cores or memory, whichever is more."""
    whole = fitting.open_space(node, ()).free
    return max(
        (1 - space.free[name] / whole[name] for name in (CPU, MEMORY) if whole.get(name)),
        default=1.0,
    )


def _is_held(pod: Object, seen: Snapshot, pace: Pace) -> bool:
    """Tell whether a pod keeps its node from going."""
    meta, spec = pod["metadata"], pod["spec"]
    safe: str | None = (meta.get("annotations") or {}).get(_SAFE)
    if safe is not None:
        return safe != "true"
    owned = any(one.get("controller") for one in meta.get("ownerReferences") or ())
    local = any(kind in volume for volume in spec.get("volumes") or () for kind in _LOCAL)
    system = meta.get("namespace") == _SYSTEM
    return (
        not owned
        or (pace.keep_local and local)
        or (pace.keep_system and system)
        or any(_guards(budget, pod) for budget in seen.budgets)
    )


def _guards(budget: Object, pod: Object) -> bool:
    """Tell whether a budget lets a pod go by no means now."""
    if budget["metadata"].get("namespace") != pod["metadata"].get("namespace"):
        return False
    selector = (budget.get("spec") or {}).get("selector")
    labels = pod["metadata"].get("labels") or {}
    allowed = int((budget.get("status") or {}).get("disruptionsAllowed", 0))
    return allowed < 1 and selector is not None and fitting.is_meant(selector, labels)


def _list_on(seen: Snapshot, node: Object) -> list[Object]:
    name = node["metadata"]["name"]
    return [
        pod for pod in seen.pods if pod["spec"].get("nodeName") == name and fitting.is_bound(pod)
    ]


def _takes_pods(node: Object) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and not bool((node.get("spec") or {}).get("unschedulable"))
