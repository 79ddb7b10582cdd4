"""The road of one request, pinned: a new hop has to be added here on purpose.

``docs/a-request.md`` tells the same road in words.
"""

import sys
import threading

import pytest
from inline_snapshot import snapshot
from tests.unit.silo.arm import world as arms

from silo import arm, core
from silo.providers import containerregistry

REGISTRY = f"{arms.GROUP}/providers/Microsoft.ContainerRegistry/registries/pinned"
BODY = {"location": "westeurope", "sku": {"name": "Basic"}, "properties": {}}


FOLLOWED = ("silo.arm", "silo.providers")


class Footprints:
    """Records every hop inside the block, once, in order: modules of arm, rooms besides.

    New threads are followed from their start, so the store's writer must start inside.
    """

    def __init__(self):
        self.hops = []

    def __enter__(self):
        threading.setprofile(self._step)
        sys.setprofile(self._step)
        return self

    def __exit__(self, *_exc):
        sys.setprofile(None)
        threading.setprofile(None)

    def _step(self, frame, event, _arg):
        name = frame.f_globals.get("__name__", "")
        if event == "call" and name.startswith("silo."):
            hop = name if name.startswith(FOLLOWED) else ".".join(name.split(".")[:2])
            if hop not in self.hops:
                self.hops.append(hop)


class World(arms.World):
    """The gateway with one real provider in it, and a group to put a registry into."""

    def __init__(self, folder):
        self._vault = core.Vault(folder / "vault.key")
        super().__init__(folder)

    def _declare(self):
        return (containerregistry.provider(self.resources, self._vault),)

    def _seed(self, conn):
        super()._seed(conn)
        stamp = arm.make_stamp(self.clock.now())
        self.resources.put(conn, self.resources.make(arm.parse_resource_id(arms.GROUP), {}, stamp))


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.store.close()


async def test_the_road_of_put_registry(world):
    with Footprints() as road:
        status, _, body = await world.ask("PUT", REGISTRY, BODY)

    assert (status, body["properties"]["provisioningState"]) == (201, "Succeeded")
    assert road.hops == snapshot(
        [
            "silo.front",
            "silo.arm.gateway",
            "silo.arm.wire",
            "silo.arm.metadata",
            "silo.arm.authentication",
            "silo.access",
            "silo.arm.routes",
            "silo.arm.resource_id",
            "silo.arm.provider",
            "silo.arm.throttle",
            "silo.core",
            "silo.arm.recorder",
            "silo.arm.scopes",
            "silo.arm.verbs",
            "silo.arm.documents",
            "silo.arm.locations",
            "silo.arm.resources",
            "silo.providers.containerregistry.operations",
            "silo.registry",
            "silo.audit",
            "silo.arm.long_running",
        ]
    )


async def test_the_road_of_get_registry(world):
    await world.ask("PUT", REGISTRY, BODY)
    with Footprints() as road:
        status, _, _ = await world.ask("GET", REGISTRY)

    assert status == 200
    assert road.hops == snapshot(
        [
            "silo.front",
            "silo.arm.gateway",
            "silo.arm.wire",
            "silo.arm.metadata",
            "silo.arm.authentication",
            "silo.access",
            "silo.arm.routes",
            "silo.arm.resource_id",
            "silo.arm.provider",
            "silo.arm.throttle",
            "silo.core",
            "silo.arm.recorder",
            "silo.arm.verbs",
            "silo.arm.resources",
            "silo.arm.documents",
            "silo.providers.containerregistry.operations",
            "silo.arm.long_running",
        ]
    )
