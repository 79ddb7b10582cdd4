"""Virtual networks that are joined, with real packets; nothing else passes between them."""

import asyncio

import pytest
from tests.system.net_probes import knock, knock_until_heard, listening
from tests.system.test_network import networks, unused_pools  # noqa: F401 - fixtures

from silo import engine

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="namespaces need root")
SPACES = {"one": "10.1.0.0/16", "two": "10.2.0.0/16", "three": "10.3.0.0/16"}


def rules(name, *peers, subnet=None):
    prefix = SPACES[name].replace("0.0/16", "0.0/24")
    return engine.RuleSet(
        (SPACES[name],),
        (subnet or engine.SubnetRules((prefix,)),),
        tuple(engine.Peer(peer, (SPACES[peer],)) for peer in peers),
    )


async def join(networks, **peers):  # noqa: F811
    """Put one group into each network; return them by network."""
    found = {}
    for name, space in SPACES.items():
        address = space.replace("0.0/16", "0.4")
        plan = engine.NetworkPlan(
            router=name, address=address, subnet=address.replace(".4", ".0/24")
        )
        found[name] = await networks.attach(f"in-{name}", plan)
    for name in SPACES:
        await networks.apply_rules(name, rules(name, *peers.get(name, ())))
    return found


async def ask(one, other, **options):
    return await asyncio.to_thread(knock, one.netns_path, other.address, 80, **options)


async def hear(one, other):
    return await asyncio.to_thread(knock_until_heard, one.netns_path, other.address, 80)


async def test_joined_networks_reach_each_other_and_nobody_behind(networks):  # noqa: F811
    at = await join(networks, one=["two"], two=["one", "three"], three=["two"])
    with (
        listening(at["one"].netns_path, 80),
        listening(at["two"].netns_path, 80),
        listening(at["three"].netns_path, 80) as came,
    ):
        assert await hear(at["one"], at["two"]) == "10.1.0.4"
        assert await hear(at["two"], at["one"]) == "10.2.0.4"
        assert await ask(at["one"], at["three"]) is None
    assert came == []


async def test_one_side_alone_joins_nothing(networks):  # noqa: F811
    at = await join(networks, one=["two"])
    with listening(at["one"].netns_path, 80), listening(at["two"].netns_path, 80):
        assert await ask(at["one"], at["two"]) is None
        assert await ask(at["two"], at["one"]) is None


async def test_rules_of_both_sides_hold_between_joined_networks(networks):  # noqa: F811
    at = await join(networks, one=["two"], two=["one"])
    deny = engine.Rule("deny", 100, False, None, ("10.1.0.0/16",))
    allow = engine.Rule("rest", 200, True)
    closed = engine.SubnetRules(("10.2.0.0/24",), (deny, allow), None)
    with listening(at["one"].netns_path, 80), listening(at["two"].netns_path, 80):
        assert await hear(at["one"], at["two"])
        await networks.apply_rules("two", rules("two", "one", subnet=closed))
        assert await ask(at["one"], at["two"]) is None
        assert await hear(at["two"], at["one"])
        away = engine.Rule("deny", 100, False, None, None, None, ("10.2.0.0/16",))
        silent = engine.SubnetRules(("10.1.0.0/24",), None, (away, allow))
        await networks.apply_rules("two", rules("two", "one"))
        await networks.apply_rules("one", rules("one", "two", subnet=silent))
        assert await ask(at["one"], at["two"]) is None


async def test_a_network_does_not_speak_for_others_to_its_peer(networks):  # noqa: F811
    at = await join(networks, one=["two"], two=["one"])
    claims = engine.RuleSet(
        ("10.1.0.0/16",),
        (engine.SubnetRules(("10.1.0.0/24",)),),
        (engine.Peer("two", ("10.2.0.0/16",)),),
    )
    await networks.apply_rules("one", claims)
    # What the second network knows of the first no longer holds its group.
    narrowed = engine.RuleSet(
        ("10.2.0.0/16",),
        (engine.SubnetRules(("10.2.0.0/24",)),),
        (engine.Peer("one", ("10.1.9.0/24",)),),
    )
    await networks.apply_rules("two", narrowed)
    with listening(at["two"].netns_path, 80, "udp") as came:
        await ask(at["one"], at["two"], kind="udp")
    assert came == []


async def test_a_peering_that_ends_parts_them_at_once_and_a_restart_keeps_it(
    networks,  # noqa: F811
    tmp_path,
):
    at = await join(networks, one=["two"], two=["one"])
    again = engine.Networks(
        networks.instance, networks.pools, engine.Doors("127.0.0.1", 18443), tmp_path
    )
    await again.start()
    with listening(at["two"].netns_path, 80):
        assert await hear(at["one"], at["two"])
        await again.apply_rules("one", rules("one"))
        assert await ask(at["one"], at["two"]) is None
        await again.apply_rules("one", rules("one", "two"))
        assert await hear(at["one"], at["two"])
        await again.detach("in-one")
        plan = engine.NetworkPlan(router="one", address="10.1.0.4", subnet="10.1.0.0/24")
        back = await again.attach("in-one", plan)
        await again.apply_rules("one", rules("one", "two"))
        assert await hear(back, at["two"])
    await networks.start()
    await again.close()
