"""Virtual networks with IPv6 beside IPv4, with real packets, both ways.

Two networks have the same addresses wherever that is not the point: nothing tells them apart but
what keeps them apart.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import struct
from pathlib import Path

import pytest
from tests.system.net_probes import ANYWHERE_6, knock, listening
from tests.system.test_ipv6 import ROUTER_ADVERTISEMENT, came, drop_rules, hearing, read_mac, send
from tests.system.test_network import list_traces, networks, unused_pools  # noqa: F401 - fixtures

from silo import engine
from silo.engine import dual_stack, links, netns
from silo.engine.routers import UPLINK

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(
        bool(dual_stack.find_ipv6_fault()), reason="this machine has no IPv6 to give"
    ),
]
SPACE = ("10.0.0.0/16", "fd00:db8::/48")
SUBNET = ("10.0.0.0/24", "fd00:db8:0:1::/64")
PREFIX = "fd00:db8:0:1::"
OPEN = engine.RuleSet(SPACE, (engine.SubnetRules(SUBNET),))
REST = engine.Rule("rest", 65000, allow=True)


def planned(number, router="vnet1", ipv6=None):
    return engine.NetworkPlan(
        router=router,
        address=f"10.0.0.{number}",
        subnet=SUBNET[0],
        ipv6=f"{PREFIX}{number:x}" if ipv6 is None else ipv6,
    )


async def attach(networks, *numbers, router="vnet1", rules=OPEN):  # noqa: F811
    found = [
        await networks.attach(f"{router}-{number}", planned(number, router)) for number in numbers
    ]
    await networks.apply_rules(router, rules)
    return found


async def ask(one, address, port=80, kind="tcp", **options):
    return await asyncio.to_thread(knock, one.netns_path, address, port, kind, **options)


async def meet(one, address, port=80, kind="tcp", **options):
    """Ask until somebody answers: on a busy machine that takes a while."""
    for _ in range(20):
        if found := await ask(one, address, port, kind, **options):
            return found
    return None


def hear(at, port=80, kind="tcp"):
    return listening(at.netns_path, port, kind, ANYWHERE_6)


def with_rules(*inbound, outbound=None):
    return engine.RuleSet(SPACE, (engine.SubnetRules(SUBNET, (*inbound, REST), outbound),))


async def test_groups_of_one_network_reach_each_other_by_both_versions(networks):  # noqa: F811
    one, two = await attach(networks, 4, 5)
    with hear(two), hear(one, 53, "udp"), listening(two.netns_path, 81):
        assert await meet(one, two.ipv6) == one.ipv6
        assert await meet(two, one.ipv6, 53, "udp") == two.ipv6
        assert await meet(one, two.address, 81) == one.address


async def test_a_network_without_rules_lets_nothing_through(networks):  # noqa: F811
    one, two = await attach(networks, 4, 5, rules=engine.RuleSet())
    with hear(two) as heard:
        assert await ask(one, two.ipv6) is None
    assert heard == []


async def test_two_networks_never_meet(networks):  # noqa: F811
    (one,) = await attach(networks, 4)
    two, three = await attach(networks, 5, 6, router="vnet2")
    with hear(two) as heard:
        assert await ask(one, two.ipv6) is None
        assert await meet(three, two.ipv6) == three.ipv6
    assert set(heard) == {three.ipv6}


async def test_who_has_no_address_of_version_6_stays_closed(networks):  # noqa: F811
    await attach(networks, 4)
    plain = await networks.attach("plain", planned(5, ipv6=""))
    with netns.entered(plain.netns_path):
        assert " eth0" not in Path("/proc/thread-self/net/if_inet6").read_text()
    assert plain.ipv6 == ""
    with pytest.raises(engine.NetworkRefused, match="in a virtual network"):
        await networks.attach("public", engine.NetworkPlan(ipv6=f"{PREFIX}9"))
    with pytest.raises(engine.NetworkRefused, match="taken"):
        await networks.attach("second", planned(7, ipv6=f"{PREFIX}4"))


async def test_a_machine_without_ipv6_gives_none_and_says_why(networks, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setattr(dual_stack, "_SWITCHES", tmp_path / "none")
    with pytest.raises(engine.NetworkRefused, match="has no IPv6"):
        await networks.attach("one", planned(4))
    (tmp_path / "off").write_text("1\n")
    monkeypatch.setattr(dual_stack, "_SWITCHES", tmp_path / "off")
    with pytest.raises(engine.NetworkRefused, match="switched off"):
        await networks.attach("one", planned(4))
    assert await networks.attach("one", planned(4, ipv6=""))


def list_addresses():
    """Return the machine's own."""
    with links.open_netlink() as netlink:
        return [each.get_attr("IFA_ADDRESS") for each in netlink.get_addr(family=socket.AF_INET6)]


async def test_nothing_of_the_machine_is_reached(networks):  # noqa: F811
    (one,) = await attach(networks, 4)
    door = await networks.open_socket("vnet1-4", "169.254.169.254", 80)
    places = [*await asyncio.to_thread(list_addresses), dual_stack.GATEWAY, "fd00:ec2::254"]
    with door, listening(None, 18443, address=ANYWHERE_6) as heard:
        for port in (80, 18443):
            for place in places:
                assert await ask(one, place, port, wait_s=0.3) is None
    assert heard == []


def lead_out(one, device):
    """Have the router's kernel carry packets of version 6 to the host: its rules are left."""
    for path, name in ((one.door_path, UPLINK), (None, device)):
        with netns.entered(path):
            netns.write_sysctls({f"ipv6/conf/{name}/disable_ipv6": "0"})
    with links.open_netlink() as netlink:
        _, mac = read_mac(netlink, device)
    with links.open_netlink(one.door_path) as netlink:
        up = links.find_device(UPLINK)
        way = {"lladdr": mac, "state": 0x80, "family": socket.AF_INET6}
        netlink.neigh("replace", dst="fe80::1", ifindex=up, **way)
        netlink.route("replace", dst="::/0", gateway="fe80::1", oif=up, family=socket.AF_INET6)


async def test_no_packet_leaves_the_router_though_its_kernel_would_carry_it(networks):  # noqa: F811
    (one,) = await attach(networks, 4)
    (device,), _ = await asyncio.to_thread(list_traces, networks.instance)
    await asyncio.to_thread(lead_out, one, device)

    def leaves(within_s):
        with hearing(None, device) as heard:
            for _ in range(20 if within_s > 1 else 3):
                send(one, "2001:db8::1")
                if came(heard, one.ipv6, 0.3):
                    return True
        return False

    assert not await asyncio.to_thread(leaves, 1)
    # Without the rules it would: the packets of this test are good ones.
    await asyncio.to_thread(drop_rules, one)
    assert await asyncio.to_thread(leaves, 20)


async def test_nobody_speaks_for_another(networks):  # noqa: F811
    one, two, _ = await attach(networks, 4, 5, 6)
    with hear(two, 80, "udp") as heard:
        for claimed in (f"{PREFIX}6", f"{PREFIX}99", "fd00:db8:0:2::4", "::1"):
            assert await ask(one, two.ipv6, 80, "udp", source=claimed, wait_s=0.3) is None
        assert await meet(one, two.ipv6, 80, "udp", source=one.ipv6) == one.ipv6
    assert set(heard) == {one.ipv6}


async def test_nobody_takes_the_place_of_another_by_what_it_advertises(networks):  # noqa: F811
    one, two, three = await attach(networks, 4, 5, 6)

    def claim():
        with links.open_netlink(one.netns_path) as netlink:
            _, mac = read_mac(netlink, "eth0")
        target = socket.inet_pton(socket.AF_INET6, two.ipv6)
        option = struct.pack("!BB6s", 2, 1, bytes.fromhex(mac.replace(":", "")))
        # An answer that nobody asked for, to override what is known (RFC 4861 section 4.4).
        claimed = struct.pack("!BBHI16s", 136, 0, 0, 0x20000000, target) + option
        with hearing(one.door_path, one.door_device) as left:
            for data in (claimed, ROUTER_ADVERTISEMENT):
                send(one, "ff02::1", protocol=socket.IPPROTO_ICMPV6, data=data)
            return came(left, one.ipv6, 10)

    assert await asyncio.to_thread(claim)
    with hear(two) as heard, hear(one) as stolen:
        assert await meet(three, two.ipv6) == three.ipv6
    assert (set(heard), stolen) == ({three.ipv6}, [])
    for path, own in ((two.netns_path, {two.ipv6}), (one.door_path, set())):
        assert set(await asyncio.to_thread(read_addresses, path)) == own


def read_addresses(path):
    with links.open_netlink(path) as netlink:
        lo = links.find_device("lo")
        found = netlink.get_addr(family=socket.AF_INET6)
        return [each.get_attr("IFA_ADDRESS") for each in found if each["index"] != lo]


async def test_rules_are_in_force_at_once_and_answers_need_none(networks):  # noqa: F811
    one, two = await attach(networks, 4, 5)
    closed = with_rules(
        engine.Rule("web", 100, False, "tcp", (f"{PREFIX}/64",), None, None, ((80, 80),)),
        engine.Rule("back", 110, False, None, ("::/0",), None, (f"{PREFIX}4/128",)),
    )
    other = with_rules(engine.Rule("web", 100, False, None, ("0.0.0.0/0",)))
    ways = ((one, two.ipv6), (one, two.ipv6, 81), (two, one.ipv6), (one, two.address, 82))
    with hear(two), hear(two, 81), hear(one), listening(two.netns_path, 82):
        for rules, wanted in (
            (OPEN, (True, True, True, True)),
            (closed, (False, True, False, True)),
            (other, (True, True, True, False)),
            (OPEN, (True, True, True, True)),
        ):
            await networks.apply_rules("vnet1", rules)
            for way, passes in zip(ways, wanted, strict=True):
                assert bool(await (meet if passes else ask)(*way)) is passes


async def test_outbound_rules_hold_too(networks):  # noqa: F811
    outbound = (engine.Rule("none", 100, False, None, None, None, (f"{PREFIX}5/128",)), REST)
    one, two = await attach(networks, 4, 5, rules=with_rules(outbound=outbound))
    with hear(two), hear(one):
        assert await ask(one, two.ipv6) is None
        assert await meet(two, one.ipv6) == two.ipv6


async def test_icmp_in_a_rule_is_that_of_either_version(networks):  # noqa: F811
    one, two = await attach(networks, 4, 5)
    assert await asyncio.to_thread(ping, one, two.ipv6, 20)
    await networks.apply_rules("vnet1", with_rules(engine.Rule("none", 100, False, "icmp")))
    assert not await asyncio.to_thread(ping, one, two.ipv6, 2)
    with hear(two):
        assert await meet(one, two.ipv6)


def ping(one, address, tries):
    with netns.entered(one.netns_path):
        made = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    with made:
        made.settimeout(1)
        for _ in range(tries):
            # Another question each time: what is open stays open, whatever the rules.
            made.sendto(struct.pack("!BBHHH", 128, 0, 0, secrets.randbits(16), 1), (address, 0))
            with contextlib.suppress(TimeoutError):
                while True:
                    data, peer = made.recvfrom(1024)
                    if data[0] == 129 and peer[0] == address:
                        return True
    return False


async def test_all_of_it_survives_a_restart_and_ends_with_the_group(networks, tmp_path):  # noqa: F811
    one, two = await attach(networks, 4, 5)
    again = engine.Networks(
        networks.instance, networks.pools, engine.Doors("127.0.0.1", 18443), tmp_path
    )
    with hear(two), hear(one):
        await again.start()
        await again.sweep({"vnet1-4", "vnet1-5"})
        assert await again.find("vnet1-4") == one
        assert await meet(one, two.ipv6) == one.ipv6
        # Attached once more it is left where it is.
        assert await again.attach("vnet1-5", planned(5)) == two
        assert await meet(one, two.ipv6) == one.ipv6
        assert await ask(one, two.ipv6, 80, "udp", source=f"{PREFIX}9", wait_s=0.3) is None
        await again.detach("vnet1-4")
        (back,) = await attach(again, 4)
        assert await meet(back, two.ipv6) == one.ipv6
    await networks.start()
    await again.close()


async def test_what_a_dead_sandbox_took_along_is_put_back(networks):  # noqa: F811
    one, two = await attach(networks, 4, 5)

    def take():
        """Do what a sandbox does when it starts."""
        with links.open_netlink(two.netns_path) as netlink:
            eth = links.find_device("eth0")
            for address, length in ((two.address, 24), (two.ipv6, 128)):
                netlink.addr("del", index=eth, address=address, prefixlen=length)

    await asyncio.to_thread(take)
    with netns.entered(two.netns_path):
        living = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)
    seen = []
    with hear(two):
        with living:
            assert await networks.attach("vnet1-5", planned(5)) == two
            seen.append(await ask(one, two.ipv6))
        await networks.attach("vnet1-5", planned(5))
        seen.append(await meet(one, two.ipv6))
    assert seen == [None, one.ipv6]


async def join(networks, **peers):  # noqa: F811
    """Put a group into each of three networks that have no address in common."""
    found = {}
    for number, name in enumerate(("a", "b", "c"), 1):
        plan = engine.NetworkPlan(
            router=name,
            address=f"10.{number}.0.4",
            subnet=f"10.{number}.0.0/24",
            ipv6=f"fd00:{number}::4",
        )
        found[name] = await networks.attach(f"in-{name}", plan)
    for name, others in peers.items():
        await networks.apply_rules(name, peering(name, *others))
    return found


def space_of(name):
    number = "abc".index(name) + 1
    return (f"10.{number}.0.0/16", f"fd00:{number}::/32")


def peering(name, *others):
    number = "abc".index(name) + 1
    subnet = engine.SubnetRules((f"10.{number}.0.0/24", f"fd00:{number}::/64"))
    peers = tuple(engine.Peer(other, space_of(other)) for other in others)
    return engine.RuleSet(space_of(name), (subnet,), peers)


async def test_joined_networks_reach_each_other_and_nobody_behind(networks):  # noqa: F811
    at = await join(networks, a="b", b="ac", c="b")
    with hear(at["a"]), hear(at["b"]), hear(at["c"]) as third:
        assert await meet(at["a"], at["b"].ipv6) == at["a"].ipv6
        assert await meet(at["b"], at["a"].ipv6) == at["b"].ipv6
        assert await ask(at["a"], at["c"].ipv6) is None
        assert third == []
        # The other side lets only other addresses of the first in ...
        narrow = engine.Peer("a", ("10.1.0.0/16", "fd00:1:0:9::/64"))
        rules = peering("b")
        await networks.apply_rules("b", engine.RuleSet(rules.space, rules.subnets, (narrow,)))
        assert await ask(at["a"], at["b"].ipv6) is None
        # ... none of version 6 ...
        narrow = engine.Peer("a", ("10.1.0.0/16",))
        await networks.apply_rules("b", engine.RuleSet(rules.space, rules.subnets, (narrow,)))
        assert await ask(at["a"], at["b"].ipv6) is None
        # ... all of them, or is not joined at all.
        await networks.apply_rules("b", peering("b", "a"))
        assert await meet(at["a"], at["b"].ipv6) == at["a"].ipv6
        await networks.apply_rules("b", peering("b"))
        assert await ask(at["a"], at["b"].ipv6) is None


async def test_nothing_is_left_of_a_detached_group(networks):  # noqa: F811
    before = await asyncio.to_thread(list_traces, networks.instance)
    await attach(networks, 4, 5)
    await networks.detach("vnet1-4")
    await networks.detach("vnet1-5")
    assert await asyncio.to_thread(list_traces, networks.instance) == before
