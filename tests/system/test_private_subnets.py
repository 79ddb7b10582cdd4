"""Subnets without a way out (``defaultOutboundAccess: false``), with real packets."""

import asyncio

import pytest
from tests.system.net_probes import knock, listening
from tests.system.test_network import networks, unused_pools  # noqa: F401 - fixtures

from silo import engine

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="namespaces need root")
TCP80 = engine.Port("TCP", 80)


def rules(*, has_way_out):
    subnet = engine.SubnetRules(("10.0.0.0/24",), has_way_out=has_way_out)
    return engine.RuleSet(("10.0.0.0/16",), (subnet,))


def in_subnet(address, **parts):
    return engine.NetworkPlan(router="vnet", address=address, subnet="10.0.0.0/24", **parts)


async def reach(one, address, port=80, *, expected=True):
    for _ in range(20 if expected else 3):
        if await asyncio.to_thread(knock, one.netns_path, address, port):
            return True
    return False


async def test_who_has_no_public_address_stays_inside(networks):  # noqa: F811
    public = [str(networks.pools.public[number]) for number in (5, 6)]
    plan = engine.NetworkPlan(public_address=public[0], ports=(TCP80,))
    outside = await networks.attach("outside", plan)
    one = await networks.attach("one", in_subnet("10.0.0.4"))
    other = in_subnet("10.0.0.5", public_address=public[1], ports=(TCP80,))
    two = await networks.attach("two", other)
    host = str(networks.pools.host)
    seen = []
    with (
        listening(outside.netns_path, 80),
        listening(two.netns_path, 80),
        listening(None, 18443, address="127.0.0.1"),
    ):
        for has_way_out in (True, False, True):
            await networks.apply_rules("vnet", rules(has_way_out=has_way_out))
            seen.append(
                (
                    await reach(one, public[0], expected=has_way_out),
                    await reach(one, host, 18443, expected=has_way_out),
                    await reach(one, "10.0.0.5"),
                    await reach(two, public[0]),
                    await reach(outside, public[1]),
                )
            )

    assert seen == [(True,) * 5, (False, False, True, True, True), (True,) * 5]
