"""Addresses that several groups answer for, with real namespaces and real packets."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from silo import engine
from silo.engine import links

from .net_probes import knock, knock_until_heard, listening

if os.geteuid() != 0:
    pytest.skip("namespaces need root", allow_module_level=True)

TCP80 = engine.Port("TCP", 80)
SUBNET = "10.0.0.0/24"
RULES = engine.RuleSet((SUBNET,), (engine.SubnetRules((SUBNET,)),))


@pytest.fixture
async def networks(tmp_path: Path) -> AsyncIterator[engine.Networks]:
    instance = f"b{secrets.token_hex(4)}"
    pools = engine.split_pools(*await asyncio.to_thread(engine.choose_pools, instance, tmp_path))
    made = engine.Networks(instance, pools, engine.Doors("127.0.0.1", 18443), tmp_path)
    await made.start()
    yield made
    await made.sweep(())
    await made.stop()
    await made.close()


def take_address(path: Path, address: str) -> None:
    """Have a group take an address for its own, as a node's proxy does."""
    with links.open_netlink(path) as netlink:
        netlink.addr("add", index=links.find_device("lo"), address=address, prefixlen=32)


async def test_balanced_address_leads_to_everybody_behind_it(networks: engine.Networks) -> None:
    public = str(networks.pools.public[7])
    groups = [
        await networks.attach(f"b.{n}", engine.NetworkPlan("vnet1", f"10.0.0.{n}", SUBNET))
        for n in (4, 5)
    ]
    await networks.apply_rules("vnet1", RULES)
    for at in groups:
        await asyncio.to_thread(take_address, at.netns_path, public)
    first, second = groups

    async def balance(*members: str) -> None:
        await networks.balance("vnet1", [engine.Balanced(public, (TCP80,), members)])

    async def reach(port: int = 80) -> str | None:
        return await asyncio.to_thread(knock, None, public, port)

    with listening(first.netns_path, 80) as one, listening(second.netns_path, 80) as two:
        await balance("b.4", "b.5")
        for _ in range(40):
            assert await reach()
        assert one
        assert two
        # Their clients are who they are.
        assert set(one) | set(two) == {str(networks.pools.host)}
        before = len(two)
        await balance("b.4")
        for _ in range(10):
            assert await reach()
        assert len(two) == before
        await networks.balance("vnet1", [])
        assert await reach() is None
    with listening(first.netns_path, 81) as came:
        await balance("b.4")
        assert await reach(81) is None
        assert came == []


async def test_a_group_that_was_half_detached_keeps_nothing_from_starting(
    networks: engine.Networks,
) -> None:
    public = str(networks.pools.public[7])
    gone, there = [
        await networks.attach(f"b.{n}", engine.NetworkPlan("vnet1", f"10.0.0.{n}", SUBNET))
        for n in (4, 5)
    ]
    await networks.apply_rules("vnet1", RULES)
    await asyncio.to_thread(take_address, there.netns_path, public)
    await networks.balance("vnet1", [engine.Balanced(public, (TCP80,), ("b.4", "b.5"))])
    # As a process leaves it that is killed before it has noted what it did.
    await asyncio.to_thread(links.remove_device, gone.door_device, gone.door_path)

    await networks.start()

    with listening(there.netns_path, 80):
        assert await asyncio.to_thread(knock, None, public, 80)
    await asyncio.to_thread(links.remove_device, there.door_device, there.door_path)
    await networks.start()
    assert await asyncio.to_thread(knock, None, public, 80) is None

    there = await networks.attach("b.5", engine.NetworkPlan("vnet1", "10.0.0.5", SUBNET))
    await asyncio.to_thread(take_address, there.netns_path, public)
    with listening(there.netns_path, 80):
        assert await asyncio.to_thread(knock, None, public, 80)


async def test_whoever_stays_is_reached_when_another_goes_or_comes_back(
    networks: engine.Networks,
) -> None:
    public = str(networks.pools.public[7])
    plan = engine.NetworkPlan("vnet1", "10.0.0.4", SUBNET)
    await networks.attach("b.4", plan)
    stays = await networks.attach("b.5", engine.NetworkPlan("vnet1", "10.0.0.5", SUBNET))
    await networks.apply_rules("vnet1", RULES)
    await asyncio.to_thread(take_address, stays.netns_path, public)
    await networks.balance("vnet1", [engine.Balanced(public, (TCP80,), ("b.4", "b.5"))])

    async def reach() -> str | None:
        return await asyncio.to_thread(knock, None, public, 80)

    with listening(stays.netns_path, 80):
        await networks.detach("b.4")
        for _ in range(10):
            assert await reach()
        back = await networks.attach("b.4", plan)
        await asyncio.to_thread(take_address, back.netns_path, public)
        with listening(back.netns_path, 80) as came:
            for _ in range(40):
                assert await reach()
            assert came


async def test_the_last_group_is_attached_anew_with_all_that_leads_to_it(
    networks: engine.Networks,
) -> None:
    public = str(networks.pools.public[7])
    plan = engine.NetworkPlan("vnet1", "10.0.0.4", SUBNET)
    at = await networks.attach("b.4", plan)
    await networks.apply_rules("vnet1", RULES)
    balanced = [engine.Balanced(public, (TCP80,), ("b.4",))]
    await networks.balance("vnet1", balanced)

    def cut() -> None:
        with links.open_netlink(at.door_path) as netlink:
            netlink.link("del", index=links.find_device(at.door_device))

    await asyncio.to_thread(cut)
    again = await networks.attach("b.4", plan)
    await asyncio.to_thread(take_address, again.netns_path, public)
    with listening(again.netns_path, 80):
        assert await asyncio.to_thread(knock_until_heard, None, public, 80)
        # Off and on again it has forgotten: who knows, says so once more.
        await networks.detach("b.4")
        again = await networks.attach("b.4", plan)
        await networks.apply_rules("vnet1", RULES)
    await asyncio.to_thread(take_address, again.netns_path, public)
    with listening(again.netns_path, 80):
        assert await asyncio.to_thread(knock, None, public, 80) is None
        await networks.balance("vnet1", balanced)
        assert await asyncio.to_thread(knock_until_heard, None, public, 80)
