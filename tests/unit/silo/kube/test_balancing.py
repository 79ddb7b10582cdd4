import asyncio
import contextlib

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import core, engine, kube
from silo.kube import balancing
from silo.kube.services import FINALIZER

NODE = {
    "metadata": {"uid": "n", "name": world.NODE.name, "resourceVersion": "1"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


class Api:
    """An API server with one service; whoever watches it is told of changes."""

    def __init__(self, **spec):
        self.spec = {"type": "LoadBalancer", "ports": [{"port": 80}], **spec}
        self.metadata = {"uid": "s", "namespace": "x", "name": "web", "finalizers": []}
        self.status = {}
        self.events = []
        self.version = 1
        self.changed = asyncio.Event()

    @property
    def service(self):
        metadata = {**self.metadata, "resourceVersion": str(self.version)}
        return {"metadata": metadata, "spec": self.spec, "status": self.status}

    async def pages(self, path):
        kind = path.rpartition("/")[2]
        found = {"services": [self.service], "nodes": [NODE]}
        yield found.get(kind, []), str(self.version)

    async def watch(self, path, _version):
        if not path.endswith("services"):
            await asyncio.Event().wait()
        await self.changed.wait()
        self.changed.clear()
        yield "MODIFIED", self.service

    async def create(self, _path, document):
        self.events.append((document["reason"], document["message"]))

    async def amend(self, path, document):
        if path.endswith("/status"):
            self.status = document["status"]
        else:
            if document["metadata"]["resourceVersion"] != str(self.version):
                return False
            self.metadata["finalizers"] = document["metadata"]["finalizers"]
        self.touch()
        return True

    def touch(self):
        self.version += 1
        self.changed.set()


class Networks:
    def __init__(self):
        self.balanced = ()

    async def balance(self, router, balanced):
        assert router == f"cluster-{world.UID}"
        self.balanced = balanced


class Addresses:
    def __init__(self):
        self.held, self.names, self.full = {f"{world.UID}.gone": "192.0.2.9"}, {}, False

    async def lease(self, owner, *, internal, asked):
        if self.full:
            raise engine.PoolExhausted("No address is free.")
        return self.held.setdefault(owner, asked or ("10.224.224.1" if internal else "192.0.2.1"))

    async def name(self, owner, name, address):
        self.names[owner] = (name, address)

    async def release(self, owner):
        self.held.pop(owner, None)

    async def list_owners(self, _cluster):
        return list(self.held)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(balancing, "_GATHER_S", 0)
    monkeypatch.setattr(balancing, "_RETRY_S", 0)


@contextlib.asynccontextmanager
async def balanced(api, networks, addresses):
    clock, members = core.SystemClock(), {world.NODE.name: f"{world.UID}.4"}
    made = balancing.Balancing(world.PLAN, networks, addresses, clock, lambda: members)
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        task = tasks.create_task(made.run(api))
        yield
        task.cancel()


async def until(true):
    while not true():
        await asyncio.sleep(0)


async def test_service_is_given_an_address_that_leads_to_the_nodes():
    api, networks, addresses = Api(), Networks(), Addresses()
    async with balanced(api, networks, addresses):
        await until(lambda: api.status and not addresses.held.get(f"{world.UID}.gone"))

    assert api.status == {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert api.metadata["finalizers"] == [FINALIZER]
    (found,) = networks.balanced
    assert found == engine.Balanced("192.0.2.1", (engine.Port("TCP", 80),), (f"{world.UID}.4",))


async def test_network_that_has_forgotten_is_told_again():
    api, networks, addresses = Api(), Networks(), Addresses()
    async with balanced(api, networks, addresses):
        await until(lambda: networks.balanced and api.status)
        networks.balanced = ()
        api.touch()
        await until(lambda: networks.balanced)


async def test_service_that_goes_gives_its_address_back():
    api, networks, addresses = Api(), Networks(), Addresses()
    async with balanced(api, networks, addresses):
        await until(lambda: api.status)
        api.metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        api.touch()
        await until(lambda: not api.metadata["finalizers"])

    assert addresses.held == {}
    assert networks.balanced == ()
    assert api.status == {"loadBalancer": None}


async def test_service_of_another_type_gives_its_address_back():
    api, networks, addresses = Api(), Networks(), Addresses()
    async with balanced(api, networks, addresses):
        await until(lambda: api.status)
        api.spec["type"] = "ClusterIP"
        api.touch()
        await until(lambda: not api.metadata["finalizers"])

    assert addresses.held == {}


async def test_full_pool_is_an_event_once_and_tried_again():
    api, networks, addresses = Api(), Networks(), Addresses()
    addresses.full = True
    async with balanced(api, networks, addresses):
        await until(lambda: api.events)
        for _ in range(50):
            await asyncio.sleep(0)
        assert api.events == [("SyncLoadBalancerFailed", "No address is free.")]
        assert api.status == {}
        addresses.full = False
        await until(lambda: api.status)


async def test_what_a_service_has_it_keeps_when_it_asks_for_too_much():
    api, networks, addresses = Api(), Networks(), Addresses()
    async with balanced(api, networks, addresses):
        await until(lambda: api.status)
        api.metadata["annotations"] = {"service.beta.kubernetes.io/azure-pip-name": "mine"}
        api.touch()
        await until(lambda: "SyncLoadBalancerFailed" in dict(api.events))

    assert len(networks.balanced) == 1
    assert f"{world.UID}.s" in addresses.held
    assert api.metadata["finalizers"] == [FINALIZER]


async def test_label_becomes_a_name_in_the_clusters_region():
    plan = world.PLAN
    named = kube.ClusterPlan(plan.uid, plan.version, "k.hcp.westeurope.azmk8s.silo.test", "")

    assert named.name_service("shop") == "shop.westeurope.cloudapp.silo.test"


def test_internal_addresses_are_nobody_elses():
    assert not {plan_address(place) for place in (4, 1000, 65_000)} & set(kube.INNER_SPACE)


def plan_address(place):
    return balancing.NODE_SPACE[place]
