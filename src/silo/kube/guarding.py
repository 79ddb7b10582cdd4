"""A cluster's network policies, put in force on each of its nodes and kept so."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from silo import engine

from .api import Api
from .policies import Pod, Policy, close_policy, compile_guards, read_pod, read_policy
from .watching import Mirror

log = structlog.get_logger()

_GATHER_S = 0.02
"""Changes come in flocks."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace of the cluster's."""

    name: str
    labels: Mapping[str, str]


class Guarding:
    """Follows policies and those whom they are about."""

    def __init__(
        self, networks: engine.Networks, list_members: Callable[[], Mapping[str, str]]
    ) -> None:
        """Guard these nodes, given by name and by what the network calls them."""
        self._networks = networks
        self._list_members = list_members
        self._namespaces = Mirror("/api/v1/namespaces", _read_namespace)
        self._pods: Mirror[Pod | None] = Mirror("/api/v1/pods", read_pod)
        self._policies: Mirror[Policy] = Mirror(
            "/apis/networking.k8s.io/v1/networkpolicies", _read_policy
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

    async def close(self, node: str, member: str) -> None:
        """Close a node that has no guards yet, before its first pod."""
        await guard_node(self._networks, member, engine.GuardSet(), anew=False)
        # It may be another of the same name.
        self._in_force.pop(node, None)
        self._changed.set()

    async def _enforce(self) -> None:
        namespaces = {one.name: one.labels for one in self._namespaces.items.values()}
        pods = [pod for pod in self._pods.items.values() if pod is not None]
        policies = list(self._policies.items.values())
        members = await asyncio.to_thread(self._list_members)
        for node, member in members.items():
            # Its size is its tenant's choice: nobody else waits for it.
            guarded = await asyncio.to_thread(compile_guards, node, namespaces, pods, policies)
            if self._in_force.get(node) == guarded:
                continue
            try:
                await guard_node(self._networks, member, guarded)
            except engine.NetworkRefused as error:
                # On its way up, and closed when it comes; or gone.
                log.debug("policies wait for their node", node=node, why=str(error))
            else:
                self._in_force[node] = guarded


async def guard_node(
    networks: engine.Networks, member: str, guarded: engine.GuardSet | None, *, anew: bool = True
) -> None:
    """Put guards in force in a node's network."""
    await networks.run_inside(member, lambda: engine.put_guards(guarded, anew=anew))


def _read_namespace(document: Mapping[str, Any]) -> Namespace:
    metadata = document["metadata"]
    return Namespace(metadata["name"], metadata.get("labels") or {})


def _read_policy(document: Mapping[str, Any]) -> Policy:
    """Return a policy; one that cannot be read allows nothing, and holds up no other."""
    try:
        return read_policy(document)
    except ValueError as error:
        metadata = document["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}"
        log.warning("policy allows nothing", policy=name, why=str(error))
        return close_policy(document)
