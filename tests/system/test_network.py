"""The networks of groups, with real namespaces and real packets."""

import asyncio
import hashlib
import os
import secrets
import socket
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from silo import engine
from silo.engine import links, netns, nft

from .net_probes import answering, knock, knock_until_heard, listening, look_up

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

TCP80 = engine.Port("TCP", 80)
SPACE = ("10.0.0.0/16",)
EVERYTHING = engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24", "10.0.1.0/24")),))


@pytest.fixture
async def networks(tmp_path, unused_pools):
    made = engine.Networks(
        secrets.token_hex(6), unused_pools, engine.Doors("127.0.0.1", 18443), tmp_path
    )
    await made.start()
    yield made
    await made.sweep(())
    await made.stop()
    await made.close()


@pytest.fixture
def unused_pools():
    taken = engine.list_taken()
    for number in range(200, 250):
        network = IPv4Network(f"10.{number}.0.0/16")
        if not any(network.overlaps(other) for other in taken):
            low, high = network.subnets()
            return engine.split_pools(str(low), str(high))
    raise AssertionError("no free pool")


def list_traces(instance):
    prefix = f"si{hashlib.sha256(instance.encode()).hexdigest()[:6]}"
    return links.list_devices(prefix), netns.list_namespaces(f"silo-{instance}")


def find_name(name):
    if not name.endswith(".silo.test"):
        return None
    return ["10.9.9.9"] if name == "web.silo.test" else []


def in_vnet(address, router="vnet1", **parts):
    subnet = str(IPv4Network(f"{address}/24", strict=False))
    return engine.NetworkPlan(router=router, address=address, subnet=subnet, **parts)


async def test_groups_without_a_virtual_network_do_not_reach_each_other(networks):
    one = await networks.attach("one", engine.NetworkPlan())
    two = await networks.attach("two", engine.NetworkPlan())

    with listening(two.netns_path, 80) as came:
        assert await asyncio.to_thread(knock, one.netns_path, two.address, 80) is None
        assert await asyncio.to_thread(knock, two.netns_path, two.address, 80)
    with listening(two.netns_path, 80, "udp") as came:
        assert await asyncio.to_thread(knock, one.netns_path, two.address, 80, "udp") is None
    assert came == []


async def test_a_public_address_leads_to_the_listed_ports_alone(networks):
    public = [str(networks.pools.public[number]) for number in (5, 6)]
    one = await networks.attach("one", engine.NetworkPlan(public_address=public[0], ports=(TCP80,)))
    two = await networks.attach("two", engine.NetworkPlan(public_address=public[1], ports=(TCP80,)))

    with (
        listening(one.netns_path, 80),
        listening(one.netns_path, 81),
        listening(two.netns_path, 80),
    ):
        from_host = [await asyncio.to_thread(knock, None, each, 80) for each in public]
        from_group = await asyncio.to_thread(knock, two.netns_path, public[0], 80)
        from_itself = await asyncio.to_thread(knock, one.netns_path, public[0], 80)
        unlisted = await asyncio.to_thread(knock, None, public[0], 81)
        direct = await asyncio.to_thread(knock, None, one.address, 80)

    assert from_host == [str(networks.pools.host)] * 2
    assert from_group == two.address
    assert from_itself
    assert unlisted is None
    assert direct is None


async def test_a_group_of_a_virtual_network_reaches_public_addresses_and_nothing_behind(networks):
    public = str(networks.pools.public[5])
    plan = engine.NetworkPlan(public_address=public, ports=(TCP80,))
    one = await networks.attach("one", plan)
    two = await networks.attach("two", in_vnet("10.0.0.4"))
    await networks.apply_rules(
        "vnet1", engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24",)),))
    )

    with listening(one.netns_path, 80), listening(one.netns_path, 81):
        assert await asyncio.to_thread(knock, two.netns_path, public, 80)
        assert await asyncio.to_thread(knock, two.netns_path, public, 81) is None
        assert await asyncio.to_thread(knock, two.netns_path, one.address, 80) is None
        assert await asyncio.to_thread(knock, one.netns_path, two.address, 80) is None


async def test_udp_is_published_too(networks):
    public = str(networks.pools.public[5])
    plan = engine.NetworkPlan(public_address=public, ports=(engine.Port("UDP", 53),))
    one = await networks.attach("one", plan)

    with listening(one.netns_path, 53, "udp"):
        assert await asyncio.to_thread(knock, None, public, 53, "udp")


async def test_a_group_reaches_silos_doors_and_nothing_else_of_the_machine(networks):
    one = await networks.attach("one", engine.NetworkPlan())
    host = str(networks.pools.host)

    with listening(None, 18443, address="127.0.0.1"), listening(None, 18444):
        assert await asyncio.to_thread(knock, one.netns_path, host, 18443)
        assert await asyncio.to_thread(knock, one.netns_path, host, 443)
        for address in (host, "127.0.0.1", "192.0.2.2", str(one.gateway)):
            assert await asyncio.to_thread(knock, one.netns_path, address, 18444) is None


async def test_groups_of_one_virtual_network_reach_each_other(networks):
    await networks.attach("zero", in_vnet("10.0.0.9"))
    await networks.apply_rules("vnet1", EVERYTHING)
    one = await networks.attach("one", in_vnet("10.0.0.4"))
    two = await networks.attach("two", in_vnet("10.0.0.5"))
    far = await networks.attach("far", in_vnet("10.0.1.4"))

    with listening(two.netns_path, 80), listening(far.netns_path, 80):
        assert await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 80) == "10.0.0.4"
        assert await asyncio.to_thread(knock, one.netns_path, "10.0.1.4", 80) == "10.0.0.4"


async def test_a_virtual_network_without_rules_lets_nothing_through(networks):
    one = await networks.attach("one", in_vnet("10.0.0.4"))
    two = await networks.attach("two", in_vnet("10.0.0.5"))

    with listening(two.netns_path, 80) as came:
        assert await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 80) is None
    assert came == []


async def test_two_virtual_networks_have_the_same_addresses_and_never_meet(networks):
    found = {}
    for router in ("vnet1", "vnet2"):
        await networks.attach(f"zero-{router}", in_vnet("10.0.0.9", router))
        await networks.apply_rules(router, EVERYTHING)
        found[router] = await networks.attach(f"one-{router}", in_vnet("10.0.0.4", router))
    other = await networks.attach("only", in_vnet("10.0.0.7", "vnet2"))

    with listening(other.netns_path, 80) as came:
        assert await asyncio.to_thread(knock, found["vnet1"].netns_path, "10.0.0.7", 80) is None
        assert await asyncio.to_thread(knock, found["vnet2"].netns_path, "10.0.0.7", 80)
    assert came == ["10.0.0.4"]


async def test_a_rule_is_in_force_as_soon_as_it_is_applied(networks):
    def rules(*, allow):
        inbound = (
            engine.Rule("web", 100, allow, "tcp", destination_ports=((80, 80),)),
            engine.Rule("rest", 65000, True),
        )
        return engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24",), inbound, None),))

    one = await networks.attach("one", in_vnet("10.0.0.4"))
    two = await networks.attach("two", in_vnet("10.0.0.5"))
    seen = []
    with (
        listening(two.netns_path, 80),
        listening(two.netns_path, 81),
        listening(one.netns_path, 80),
    ):
        for allow in (True, False, True):
            await networks.apply_rules("vnet1", rules(allow=allow))
            seen.append(
                (
                    bool(await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 80)),
                    bool(await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 81)),
                    bool(await asyncio.to_thread(knock, two.netns_path, "10.0.0.4", 80)),
                )
            )

    assert seen == [(True, True, True), (False, True, False), (True, True, True)]


async def test_outbound_rules_hold_too(networks):
    outbound = (
        engine.Rule("none", 100, False, None, destinations=("10.0.0.5/32",)),
        engine.Rule("rest", 200, True),
    )
    rules = engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24",), None, outbound),))
    one = await networks.attach("one", in_vnet("10.0.0.4"))
    two = await networks.attach("two", in_vnet("10.0.0.5"))
    await networks.apply_rules("vnet1", rules)

    with listening(two.netns_path, 80), listening(one.netns_path, 80):
        assert await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 80) is None
        assert await asyncio.to_thread(knock, two.netns_path, "10.0.0.4", 80) == "10.0.0.5"


async def test_a_group_cannot_speak_for_another(networks):
    await networks.attach("zero", in_vnet("10.0.0.9"))
    await networks.apply_rules("vnet1", EVERYTHING)
    one = await networks.attach("one", in_vnet("10.0.0.4"))
    two = await networks.attach("two", in_vnet("10.0.0.5"))

    with listening(two.netns_path, 80, "udp") as came:
        await asyncio.to_thread(knock, one.netns_path, "10.0.0.5", 80, "udp", source="10.0.0.9")
    assert came == []


async def test_a_metadata_socket_hears_its_own_group_alone(networks):
    one = await networks.attach("one", engine.NetworkPlan())
    two = await networks.attach("two", engine.NetworkPlan())
    heard = await networks.open_socket("one", "169.254.169.254", 80)
    heard.settimeout(30)

    def answer():
        accepted, peer = heard.accept()
        with accepted:
            accepted.sendall(peer[0].encode())

    with heard:
        assert await asyncio.to_thread(knock, two.netns_path, "169.254.169.254", 80) is None
        at = (one.netns_path, "169.254.169.254", 80)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(answer))
            asked = tasks.create_task(asyncio.to_thread(knock_until_heard, *at, wait_s=30))
    assert asked.result() == one.address


async def test_a_probe_reaches_a_port_whatever_the_rules(networks):
    one = await networks.attach("one", in_vnet("10.0.0.4"))

    with listening(one.netns_path, 80):
        connection = await networks.connect("one", 80, timeout_s=30)
        with connection:
            loop = asyncio.get_running_loop()
            assert await asyncio.wait_for(loop.sock_recv(connection, 64), 30)
    with pytest.raises(OSError):
        await networks.connect("one", 81)


async def test_rules_and_groups_survive_a_restart(networks, tmp_path):
    public = str(networks.pools.public[5])
    one = await networks.attach("one", engine.NetworkPlan(public_address=public, ports=(TCP80,)))
    again = engine.Networks(
        networks.instance, networks.pools, engine.Doors("127.0.0.1", 18443), tmp_path
    )
    with listening(one.netns_path, 80):
        await again.start()
        await again.sweep({"one"})

        assert await again.find("one") == one
        assert await asyncio.to_thread(knock, None, public, 80)
    await again.close()


async def test_nothing_is_left_of_a_detached_group(networks):
    before = await asyncio.to_thread(list_traces, networks.instance)
    public = str(networks.pools.public[5])
    await networks.attach("one", in_vnet("10.0.0.4", public_address=public, ports=(TCP80,)))
    await networks.detach("one")
    await networks.detach("one")

    assert await asyncio.to_thread(list_traces, networks.instance) == before
    assert await asyncio.to_thread(knock, None, public, 80) is None


async def test_without_groups_nothing_is_left_of_an_instance_that_ends(unused_pools, tmp_path):
    doors = engine.Doors("127.0.0.1", 18443)
    made = engine.Networks(secrets.token_hex(6), unused_pools, doors, tmp_path)
    await made.start()
    await made.attach("one", engine.NetworkPlan())
    await made.detach("one")
    await made.close()

    assert await asyncio.to_thread(list_traces, made.instance) == ([], [])
    tables = nft.run([{"list": {"tables": None}}])["nftables"]
    assert f"silo-{made.instance}" not in {item.get("table", {}).get("name") for item in tables}
    assert unused_pools.public not in await asyncio.to_thread(engine.list_taken)


async def test_a_sweep_removes_what_a_crash_left(networks):
    one = await networks.attach("one", engine.NetworkPlan())
    stray = netns.make_namespace(f"silo-{networks.instance}-g-stray")
    await networks.sweep({"one"})

    assert not stray.exists()
    assert Path(one.netns_path).exists()
    await networks.sweep(())
    assert not Path(one.netns_path).exists()


async def test_traffic_is_counted(networks):
    one = await networks.attach("one", engine.NetworkPlan())
    before = await networks.counters("one")
    await asyncio.to_thread(knock, one.netns_path, "168.63.129.16", 53, "udp")
    after = await networks.counters("one")

    assert after.sent > before.sent


async def test_a_group_finds_our_names_and_those_of_the_world(networks, tmp_path):
    world = tmp_path / "resolv.conf"
    world.write_text("nameserver 127.0.0.77\n")
    resolver = engine.Resolver(networks.open_socket, find_name, world)
    one = await networks.attach("one", engine.NetworkPlan())
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(resolver.run())
        await resolver.open("one")
        with answering("127.0.0.77", "192.0.2.99"):
            asked = [
                await asyncio.to_thread(look_up, one.netns_path, name, kind)
                for name in ("web.silo.test", "missing.silo.test", "example.com")
                for kind in ("udp", "tcp")
            ]
        await resolver.close_all()
        serving.cancel()

    assert asked == ["10.9.9.9", "10.9.9.9", None, None, "192.0.2.99", "192.0.2.99"]


def take_address(path, address):
    """Do what a sandbox does when it starts."""
    with links.open_netlink(path) as netlink:
        netlink.addr("del", index=links.find_device("eth0"), address=address, prefixlen=24)


async def test_what_a_dead_sandbox_took_along_is_put_back_and_a_living_one_is_left_alone(networks):
    await networks.attach("zero", in_vnet("10.0.0.9"))
    await networks.apply_rules("vnet1", EVERYTHING)
    one = await networks.attach("one", in_vnet("10.0.0.4"))
    zero = await networks.find("zero")
    await asyncio.to_thread(take_address, one.netns_path, "10.0.0.4")
    seen = []
    with netns.entered(one.netns_path):
        living = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
    with listening(one.netns_path, 80):
        with living:
            assert await networks.attach("one", in_vnet("10.0.0.4")) == one
            seen.append(await asyncio.to_thread(knock, zero.netns_path, "10.0.0.4", 80))
        await networks.attach("one", in_vnet("10.0.0.4"))
        seen.append(await asyncio.to_thread(knock_until_heard, zero.netns_path, "10.0.0.4", 80))

    assert seen == [None, "10.0.0.9"]


@pytest.fixture
def docker():
    """Be the firewall that Docker sets up."""
    table = {"family": "ip", "name": "filter"}
    inside = {"family": "ip", "table": "filter"}
    jump = [{"jump": {"target": "DOCKER-USER"}}]
    hook = {"type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
    present = nft.run([{"list": {"tables": None}}])["nftables"]
    if any(item.get("table", {}).get("name") == "filter" for item in present):
        pytest.skip("this machine has a table ip filter of its own")
    nft.run(
        [
            {"add": {"table": table}},
            {"add": {"chain": {**inside, "name": "DOCKER-USER"}}},
            {"add": {"chain": {**inside, "name": "FORWARD", **hook}}},
            {"add": {"rule": {**inside, "chain": "FORWARD", "expr": jump}}},
        ]
    )
    yield
    nft.run([{"delete": {"table": table}}])


@pytest.mark.usefixtures("docker")
async def test_dockers_firewall_lets_groups_pass(networks):
    public = str(networks.pools.public[5])
    one = await networks.attach("one", engine.NetworkPlan(public_address=public, ports=(TCP80,)))
    two = await networks.attach("two", in_vnet("10.0.0.4"))
    await networks.apply_rules(
        "vnet1", engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24",)),))
    )
    await networks.start()

    with listening(one.netns_path, 80):
        assert await asyncio.to_thread(knock, two.netns_path, public, 80)
    chain = {"family": "ip", "table": "filter", "name": "DOCKER-USER"}
    rules = nft.run([{"list": {"chain": chain}}])["nftables"]
    assert len([item for item in rules if "rule" in item]) == 2
