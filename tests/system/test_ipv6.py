"""Without addresses of it IPv6 is closed, at two doors: no router speaks it, and its rules drop it.

Groups are given addresses here that they never have, as somebody would who broke out of one.
"""

import asyncio
import contextlib
import os
import socket
import struct
import time
from pathlib import Path

import pytest
from tests.system.test_network import list_traces, networks, unused_pools  # noqa: F401 - fixtures

from silo import engine
from silo.engine import links, netns, nft
from silo.engine.rules import TABLE

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
    pytest.mark.skipif(
        not Path("/proc/net/if_inet6").exists(), reason="this kernel has no IPv6 to keep out"
    ),
]
SPACE = ("10.0.0.0/16",)
EVERYTHING = engine.RuleSet(SPACE, (engine.SubnetRules(("10.0.0.0/24",)),))
ROUTER_ADVERTISEMENT = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + struct.pack(
    "!BBBBIII16s", 3, 4, 64, 0xC0, 1800, 1800, 0, socket.inet_pton(socket.AF_INET6, "fd66::")
)
"""With a prefix to take an address of (RFC 4861 section 4.2)."""


def plans(kind):
    if kind == "default":
        return [engine.NetworkPlan(), engine.NetworkPlan()]
    parts = {"router": "vnet1", "subnet": "10.0.0.0/24"}
    return [engine.NetworkPlan(address=f"10.0.0.{number}", **parts) for number in (4, 5)]


async def attach_two(networks, kind):  # noqa: F811
    one, two = [
        await networks.attach(name, plan)
        for name, plan in zip(("one", "two"), plans(kind), strict=True)
    ]
    if kind != "default":
        await networks.apply_rules("vnet1", EVERYTHING)
    return one, two


def read_mac(netlink, device):
    index = links.find_device(device)
    return index, netlink.get_links(index)[0].get_attr("IFLA_ADDRESS")


def speak_ipv6(at, number):
    """Give a group an address of version 6, and let its end of the veth take packets of it."""
    address = f"fd00:{number}::2"
    with netns.entered(at.netns_path):
        netns.write_sysctls({"ipv6/conf/eth0/disable_ipv6": "0"})
    with links.open_netlink(at.door_path) as netlink:
        _, router_mac = read_mac(netlink, at.door_device)
    with links.open_netlink(at.netns_path) as netlink:
        eth, mac = read_mac(netlink, "eth0")
        netlink.addr("add", index=eth, address=address, prefixlen=64, flags=0x02)  # IFA_F_NODAD
        way = {"lladdr": router_mac, "state": 0x80, "family": socket.AF_INET6}
        netlink.neigh("replace", dst=f"fd00:{number}::1", ifindex=eth, **way)
        gateway = {"gateway": f"fd00:{number}::1", "oif": eth, "family": socket.AF_INET6}
        netlink.route("replace", dst="fd00::/16", **gateway)
    return address, mac


def carry_ipv6(at, address, mac):
    """Have the router's kernel carry packets to a group: its rules are what is left."""
    with netns.entered(at.door_path):
        netns.write_sysctls(
            {
                "ipv6/conf/all/disable_ipv6": "0",
                f"ipv6/conf/{at.door_device}/disable_ipv6": "0",
                "ipv6/conf/all/forwarding": "1",
            }
        )
    with links.open_netlink(at.door_path) as netlink:
        index = links.find_device(at.door_device)
        way = {"lladdr": mac, "state": 0x80, "family": socket.AF_INET6}
        netlink.neigh("replace", dst=address, ifindex=index, **way)
        netlink.route("replace", dst=f"{address}/128", oif=index, family=socket.AF_INET6)


def drop_rules(at):
    with netns.entered(at.door_path):
        nft.run(nft.remove_table(TABLE))


def send(at, address, *, protocol=socket.IPPROTO_UDP, data=b"?"):
    with netns.entered(at.netns_path):
        raw = protocol == socket.IPPROTO_ICMPV6
        kind = socket.SOCK_RAW if raw else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET6, kind, protocol) as made:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            with contextlib.suppress(OSError):
                scope = links.find_device("eth0") if address.startswith("ff02") else 0
                made.sendto(data, (address, 0 if raw else 9, 0, scope))


@contextlib.contextmanager
def hearing(path, device):
    """See every packet of version 6 that comes in at a device; the kernel has not judged it."""
    with netns.entered(path):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
    with made:
        made.bind((device, 0x86DD))
        made.settimeout(0.2)
        yield made


def came(heard, source, within_s):
    """Tell whether a packet from an address comes in."""
    deadline = time.monotonic() + within_s
    wanted = socket.inet_pton(socket.AF_INET6, source)[:2]
    while time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            packet, (_, _, direction, *_) = heard.recvfrom(2048)
            if direction != socket.PACKET_OUTGOING and packet[8:10] == wanted:
                return True
    return False


def knock_on(one, address, source, heard, within_s):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        send(one, address)
        if came(heard, source, 0.2):
            return True
    return False


@pytest.mark.parametrize("kind", ["default", "vnet"])
async def test_no_packet_of_version_6_gets_from_group_to_group(networks, kind):  # noqa: F811
    one, two = await attach_two(networks, kind)
    source, one_mac = await asyncio.to_thread(speak_ipv6, one, 1)
    target, two_mac = await asyncio.to_thread(speak_ipv6, two, 2)

    def watch(within_s):
        with (
            hearing(one.door_path, one.door_device) as left,
            hearing(two.netns_path, "eth0") as heard,
        ):
            arrived = knock_on(one, target, source, heard, within_s)
            return came(left, source, 10), arrived

    assert await asyncio.to_thread(watch, 1) == (True, False)
    # A kernel that would carry it is kept from it by the rules alone ...
    await asyncio.to_thread(carry_ipv6, one, source, one_mac)
    await asyncio.to_thread(carry_ipv6, two, target, two_mac)
    assert await asyncio.to_thread(watch, 1) == (True, False)
    # ... without which it would arrive: the packets of this test are good ones.
    await asyncio.to_thread(drop_rules, one)
    assert await asyncio.to_thread(watch, 20) == (True, True)


async def test_nobody_takes_an_address_that_a_group_offers(networks):  # noqa: F811
    one, two = await attach_two(networks, "vnet")
    await asyncio.to_thread(speak_ipv6, one, 1)

    def advertise():
        with hearing(one.door_path, one.door_device) as left:
            for _ in range(3):
                send(one, "ff02::1", protocol=socket.IPPROTO_ICMPV6, data=ROUTER_ADVERTISEMENT)
                send(one, "ff02::1")
            return came(left, "fe80::", 10)

    def read_addresses(path):
        with netns.entered(path):
            return Path("/proc/thread-self/net/if_inet6").read_text().split("\n")

    assert await asyncio.to_thread(advertise)
    await asyncio.sleep(0.5)
    for path in (one.door_path, two.netns_path):
        assert [line for line in read_addresses(path) if line and not line.endswith(" lo")] == []
    (mine,), _ = await asyncio.to_thread(list_traces, networks.instance)
    assert not [line for line in read_addresses(None) if line.endswith(f" {mine}")]
