"""Load balancers: addresses given to services, led to nodes, and taken back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from silo import core, engine

from .api import Api
from .errors import StepFailed
from .plans import NODE_SPACE, ClusterPlan
from .services import (
    FINALIZER,
    Node,
    Service,
    Slice,
    list_behind,
    read_node,
    read_service,
    read_slice,
)
from .watching import Mirror

log = structlog.get_logger()

INNER_SPACE = list(NODE_SPACE.subnets(new_prefix=20))[14]
"""Where internal load balancers have their addresses: far from nodes and control plane."""
_GATHER_S = 0.05
_RETRY_S = 2.0
_COMPONENT = "service-controller"


class Addresses(Protocol):
    """Who gives addresses and names to services; an owner is ``CLUSTER.SERVICE``."""

    async def lease(self, owner: str, *, internal: bool, asked: str) -> str:
        """Return the owner's address, the same one every time."""

    async def name(self, owner: str, name: str, address: str) -> None:
        """Have this name and no other lead to the owner's address; nothing is none."""

    async def release(self, owner: str) -> None:
        """Take everything back."""

    async def list_owners(self, cluster: str) -> Sequence[str]:
        """Return who holds something."""


class Balancing:
    """Follows a cluster's services."""

    def __init__(
        self,
        plan: ClusterPlan,
        networks: engine.Networks,
        addresses: Addresses,
        clock: core.Clock,
        list_members: Callable[[], Mapping[str, str]],
    ) -> None:
        """Lead to these nodes, given by name and by what the network calls them."""
        self._list_members = list_members
        self._plan = plan
        self._networks = networks
        self._addresses = addresses
        self._clock = clock
        self._services = Mirror("/api/v1/services", read_service)
        self._nodes: Mirror[Node] = Mirror("/api/v1/nodes", read_node)
        self._slices: Mirror[Slice] = Mirror("/apis/discovery.k8s.io/v1/endpointslices", read_slice)
        self._changed = asyncio.Event()
        self._told: dict[str, str] = {}
        self._given: dict[str, engine.Balanced] = {}

    async def run(self, api: Api) -> None:
        """Follow the cluster for ever."""
        async with asyncio.TaskGroup() as tasks:
            for mirror in (self._services, self._nodes, self._slices):
                tasks.create_task(mirror.follow(api, self._changed.set))
            while True:
                await self._changed.wait()
                await asyncio.sleep(_GATHER_S)
                self._changed.clear()
                complete = self._services.complete and self._slices.complete
                if complete and self._nodes.complete and not await self._settle(api):
                    # A pool may have room again, or the API server take it.
                    await asyncio.sleep(_RETRY_S)
                    self._changed.set()

    async def _settle(self, api: Api) -> bool:
        """Give and take back; tell whether all went well."""
        services = list(self._services.items.values())
        wanted = [service for service in services if service.wanted]
        given = [await self._try_to_give(api, service) for service in wanted]
        await self._lead()
        shown = [await self._try_to_show(api, service) for service in services]
        known = {self._own(service.uid) for service in wanted}
        for owner in await self._addresses.list_owners(self._plan.uid):
            if owner not in known:
                await self._addresses.release(owner)
        return all(given) and all(shown)

    async def _try_to_give(self, api: Api, service: Service) -> bool:
        """Give a service what it asks for; where that fails it keeps what it has."""
        try:
            self._given[service.uid] = await self._give(api, service)
        except core.SiloError as error:
            await self._tell(api, service, "Warning", "SyncLoadBalancerFailed", str(error))
            return False
        return True

    async def _try_to_show(self, api: Api, service: Service) -> bool:
        try:
            if not service.wanted and service.is_held:
                await self._take_back(api, service)
            elif service.wanted and service.uid in self._given:
                await self._show(api, service, self._given[service.uid].address)
        except core.SiloError as error:
            log.info("service is tried again", service=service.path, why=str(error))
            return False
        return True

    async def _give(self, api: Api, service: Service) -> engine.Balanced:
        """Give a service its address, and see to it that it cannot go without giving it back."""
        ports = service.list_ports()
        if not service.is_held:
            await self._hold(api, service, [*service.finalizers, FINALIZER])
        owner = self._own(service.uid)
        asked, internal = service.asked, service.internal
        address = await self._addresses.lease(owner, internal=internal, asked=asked)
        name = self._plan.name_service(service.label) if service.label else ""
        await self._addresses.name(owner, name, address)
        behind = list_behind(service, self._nodes.items.values(), self._slices.items.values())
        places = await asyncio.to_thread(self._list_members)
        members = tuple(places[each] for each in behind if each in places)
        return engine.Balanced(address, ports, members)

    async def _lead(self) -> None:
        items = self._services.items
        wanted = {uid for uid, service in items.items() if service.wanted}
        self._given = {uid: each for uid, each in self._given.items() if uid in wanted}
        balanced = tuple(sorted(self._given.values(), key=lambda each: each.address))
        # It knows what is in force: a network that went with its last node has forgotten all.
        await self._networks.balance(self._plan.router, balanced)

    async def _show(self, api: Api, service: Service, address: str) -> None:
        if service.address == address:
            return
        shown = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
        await api.amend(f"{service.path}/status", shown)
        await self._tell(api, service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer")

    async def _take_back(self, api: Api, service: Service) -> None:
        """Let a service go, or be of another type; its address leads nowhere any more."""
        await self._addresses.release(self._own(service.uid))
        if service.address:
            shown = {"status": {"loadBalancer": None}}
            await api.amend(f"{service.path}/status", shown)
            # The object has changed by that, and is seen again.
            return
        await self._hold(api, service, [each for each in service.finalizers if each != FINALIZER])

    async def _hold(self, api: Api, service: Service, finalizers: list[str]) -> None:
        metadata = {"resourceVersion": service.version, "finalizers": finalizers}
        if not await api.amend(service.path, {"metadata": metadata}):
            raise StepFailed("The service has changed meanwhile.")

    async def _tell(self, api: Api, service: Service, kind: str, reason: str, text: str) -> None:
        """Write an event, once."""
        if self._told.get(service.uid) == text:
            return
        event = _describe_event(service, kind, reason, text, self._clock.now())
        try:
            await api.create(f"/api/v1/namespaces/{service.namespace}/events", event)
        except core.SiloError as error:
            log.info("event is not written", service=service.path, why=str(error))
        self._told[service.uid] = text

    def _own(self, uid: str) -> str:
        return f"{self._plan.uid}.{uid}"


def _describe_event(
    service: Service, kind: str, reason: str, text: str, now: datetime
) -> dict[str, Any]:
    seen = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{service.name}.", "namespace": service.namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Service",
            "name": service.name,
            "namespace": service.namespace,
            "uid": service.uid,
        },
        "type": kind,
        "reason": reason,
        "message": text,
        "source": {"component": _COMPONENT},
        "firstTimestamp": seen,
        "lastTimestamp": seen,
        "count": 1,
    }
