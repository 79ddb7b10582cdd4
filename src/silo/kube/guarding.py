"""A cluster's network policies, put in force on each of its nodes and kept so."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from silo import core, engine

from .api import Api
from .plans import ClusterPlan, NodePlan
from .policies import Pod, Policy, compile_guards, read_pod, read_policy
from .watching import Mirror

log = structlog.get_logger()

_GATHER_S = 0.02
"""Changes come in flocks."""
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace of the cluster's."""

    name: str
    labels: Mapping[str, str]


class Guarding:
    """Follows policies and those whom they are about."""

    def __init__(self, plan: ClusterPlan, networks: engine.Networks) -> None:
        self._plan = plan
        self._networks = networks
        self._namespaces = Mirror("/api/v1/namespaces", _read_namespace)
        self._pods: Mirror[Pod | None] = Mirror("/api/v1/pods", read_pod)
        self._policies: Mirror[Policy] = Mirror(
            "/apis/networking.k8s.io/v1/networkpolicies", read_policy
        )
        self._changed = asyncio.Event()
        self._in_force: dict[str, engine.GuardSet] = {}

    async def run(self, api: Api) -> None:
        """Follow the cluster for ever."""
        async with asyncio.TaskGroup() as tasks:
            for mirror in (self._namespaces, self._pods, self._policies):
                tasks.create_task(mirror.follow(api, self._changed.set))
            while True:
                await self._changed.wait()
                await asyncio.sleep(_GATHER_S)
                self._changed.clear()
                if all(m.complete for m in (self._namespaces, self._pods, self._policies)):
                    await self._enforce()

    async def _enforce(self) -> None:
        namespaces = {one.name: one.labels for one in self._namespaces.items.values()}
        pods = [pod for pod in self._pods.items.values() if pod is not None]
        policies = list(self._policies.items.values())
        for node in self._plan.nodes:
            guarded = compile_guards(node.name, namespaces, pods, policies)
            if self._in_force.get(node.name) == guarded:
                continue
            try:
                await _guard_node(self._networks, self._plan, node, guarded)
            except (core.SiloError, OSError) as error:
                log.warning("policies are not in force", node=node.name, why=str(error))
                await asyncio.sleep(_RETRY_S)
                self._changed.set()
            else:
                self._in_force[node.name] = guarded


async def prepare_node(networks: engine.Networks, plan: ClusterPlan, node: NodePlan) -> None:
    """Close a node before its first pod, until its policies are known; open one without any."""
    guarded = engine.GuardSet() if plan.policies else None
    await _guard_node(networks, plan, node, guarded, anew=False)


async def _guard_node(
    networks: engine.Networks,
    plan: ClusterPlan,
    node: NodePlan,
    guarded: engine.GuardSet | None,
    *,
    anew: bool = True,
) -> None:
    """Put guards in force in a node's network."""
    await networks.run_inside(plan.name_member(node), lambda: engine.put_guards(guarded, anew=anew))


def _read_namespace(document: Mapping[str, Any]) -> Namespace:
    metadata = document["metadata"]
    return Namespace(metadata["name"], metadata.get("labels") or {})
