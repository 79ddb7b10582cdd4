"""Guards of what lives inside one group's namespace, as pods do in a node's: real packets."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from silo import engine
from silo.engine import links, netns

from .net_probes import knock, listening

if os.geteuid() != 0:
    pytest.skip("namespaces need root", allow_module_level=True)

GATEWAY = "10.244.0.1"
NODE = "node"
QUIET_S = 0.4
"""How long nothing has to come before nothing comes."""


@dataclass(frozen=True, slots=True)
class Pod:
    path: Path
    address: str


@dataclass(frozen=True, slots=True)
class World:
    networks: engine.Networks
    node: Path
    pods: tuple[Pod, ...]

    async def guard(self, *guards: engine.Guard, closed: bool = True, anew: bool = True) -> None:
        guarded = engine.GuardSet(guards, closed=closed)
        await self.networks.run_inside(NODE, lambda: engine.put_guards(guarded, anew=anew))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    instance = f"g{secrets.token_hex(4)}"
    pools = engine.split_pools(*await asyncio.to_thread(engine.choose_pools, instance, tmp_path))
    networks = engine.Networks(instance, pools, engine.Doors("127.0.0.1", 18443), tmp_path)
    await networks.start()
    at = await networks.attach(NODE, engine.NetworkPlan())
    names = [f"silo-{instance}-pod-{number}" for number in range(3)]
    try:
        pods = [
            await asyncio.to_thread(add_pod, at.netns_path, name, f"10.244.0.{number + 2}")
            for number, name in enumerate(names)
        ]
        yield World(networks, at.netns_path, tuple(pods))
    finally:
        for name in names:
            await asyncio.to_thread(netns.remove_namespace, name)
        await networks.detach(NODE)
        await networks.stop()
        await networks.close()


def add_pod(node: Path, name: str, address: str) -> Pod:
    """Give a pod a device of its own, as the ptp plugin does."""
    path, device = netns.make_namespace(name), f"veth{address.rpartition('.')[2]}"
    with netns.entered(node):
        netns.write_sysctls({"ipv4/ip_forward": "1", "ipv4/conf/all/rp_filter": "0"})
        netns.write_sysctls({"ipv4/conf/default/rp_filter": "0"})
    with links.open_netlink(node) as netlink, path.open("rb") as target:
        peer = {"ifname": "eth0", "net_ns_fd": target.fileno()}
        netlink.link("add", ifname=device, kind="veth", peer=peer)
        index = links.find_device(device)
        netlink.addr("add", index=index, address=GATEWAY, prefixlen=32)
        netlink.link("set", index=index, state="up")
        netlink.route("replace", dst=f"{address}/32", oif=index, scope=253)
    with links.open_netlink(path) as netlink:
        index = links.find_device("eth0")
        netlink.addr("add", index=index, address=address, prefixlen=32)
        netlink.link("set", index=index, state="up")
        netlink.route("replace", dst="default", gateway=GATEWAY, oif=index, flags=4)
    return Pod(path, address)


def take_address(path: Path, address: str) -> None:
    with links.open_netlink(path) as netlink:
        netlink.addr("add", index=links.find_device("lo"), address=address, prefixlen=32)


def allow(*sources: Pod, port: int = 80, protocol: engine.Transport = "tcp") -> engine.Rule:
    prefixes = tuple(f"{pod.address}/32" for pod in sources)
    ports = ((port, port),)
    return engine.Rule(
        "", 0, allow=True, protocol=protocol, sources=prefixes, destination_ports=ports
    )


async def reach(source: Path, target: Pod, port: int = 80) -> bool:
    heard = await asyncio.to_thread(knock, source, target.address, port, wait_s=3.0)
    return heard is not None


async def miss(source: Path, target: Pod, port: int = 80) -> bool:
    heard = await asyncio.to_thread(knock, source, target.address, port, wait_s=QUIET_S)
    return heard is None


async def test_pods_that_are_not_known_get_nothing_but_from_their_node(world: World) -> None:
    one, two, _ = world.pods
    with listening(two.path, 80):
        assert await reach(one.path, two)
        await world.guard()
        assert await miss(one.path, two)
        assert await reach(world.node, two)
        await world.guard(engine.Guard(one.address), engine.Guard(two.address))
        assert await reach(one.path, two)
        await world.guard(engine.Guard(two.address))
        assert await miss(one.path, two)
        await world.guard(closed=False)
        assert await reach(one.path, two)


async def test_only_what_rules_allow_comes_in(world: World) -> None:
    one, two, three = world.pods
    guards = [engine.Guard(one.address), engine.Guard(two.address)]
    with listening(three.path, 80), listening(three.path, 81):
        await world.guard(*guards, engine.Guard(three.address, inbound=(allow(one),)))
        assert await reach(one.path, three)
        assert await miss(two.path, three)
        assert await miss(one.path, three, 81)
        assert await reach(world.node, three, 81)


async def test_only_what_rules_allow_goes_out(world: World) -> None:
    one, two, three = world.pods
    out = engine.Rule("", 0, allow=True, destinations=(f"{two.address}/32",))
    guards = [engine.Guard(pod.address) for pod in (two, three)]
    node_address = next(iter(await list_addresses(world)))
    with listening(two.path, 80), listening(three.path, 80), listening(world.node, 80):
        node = Pod(world.node, node_address)
        await world.guard(*guards, engine.Guard(one.address))
        assert await reach(one.path, node)
        await world.guard(*guards, engine.Guard(one.address, outbound=(out,)))
        assert await reach(one.path, two)
        assert await miss(one.path, three)
        assert await miss(one.path, node)
        assert await reach(three.path, two)


async def list_addresses(world: World) -> list[str]:
    found = await world.networks.find(NODE)
    assert found is not None
    return [found.address]


async def test_nobody_speaks_in_anothers_name(world: World) -> None:
    one, two, three = world.pods
    only_two = allow(two, port=53, protocol="udp")
    guards = [engine.Guard(one.address), engine.Guard(two.address)]
    await asyncio.to_thread(take_address, one.path, two.address)
    with listening(three.path, 53, "udp") as came:
        # Without guards a forged packet comes through: else this test could not fail.
        await asyncio.to_thread(
            knock, one.path, three.address, 53, "udp", source=two.address, wait_s=QUIET_S
        )
        assert came == [two.address]
        await world.guard(*guards, engine.Guard(three.address, inbound=(only_two,)))
        await asyncio.to_thread(
            knock, one.path, three.address, 53, "udp", source=two.address, wait_s=QUIET_S
        )
        assert came == [two.address]
        heard = await asyncio.to_thread(knock, two.path, three.address, 53, "udp", wait_s=3.0)
        assert heard == two.address


async def test_guards_that_are_there_stay_unless_made_anew(world: World) -> None:
    one, two, _ = world.pods
    with listening(two.path, 80):
        await world.guard(engine.Guard(one.address), engine.Guard(two.address))
        await world.guard(anew=False)
        assert await reach(one.path, two)
        await world.networks.run_inside(NODE, lambda: engine.put_guards(None))
        await world.guard(anew=False)
        assert await miss(one.path, two)
