"""Groups in subnets with IPv6 beside IPv4."""

from silo import engine

from .group_world import WEB

SUBNET = {"subnetIds": [{"id": "/subscriptions/s/subnets/one"}]}


async def test_a_group_keeps_the_addresses_that_it_came_with(world):
    at = {"address": "10.0.0.4", "ipv6": None}

    def place(_conn, _call, _subnet, _group, _uid):
        return engine.NetworkPlan("vnet", subnet="10.0.0.0/24", **at)

    async def write(path=WEB, **changes):
        status, _, body = await world.put(path, **SUBNET, **changes)
        assert status in {200, 201}, body
        plans = {each.plan.name: each.plan.network for each in await world.plans()}
        return plans[path.rpartition("/")[2]].ipv6

    object.__setattr__(world.around, "place", place)
    assert await write() is None
    # Its subnet has a prefix now: whoever comes has an address, programs that run lose no network.
    at["ipv6"] = "fd00::4"
    assert await write(tags={"a": "b"}) is None
    assert await write(f"{WEB}2") == "fd00::4"
    async with world.running():
        await world.wait_state()
        await world.act("stop")
    assert await write() == "fd00::4"
