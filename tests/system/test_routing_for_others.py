"""A machine that routed for nobody, on which Silo runs: with real packets, in a namespace."""

import asyncio
import secrets
from ipaddress import IPv4Interface

import pytest
from tests.system.net_probes import knock, knock_until_heard, listening

from silo import engine
from silo.engine import host_rules, links, netns, nft

pytestmark = pytest.mark.skipif("os.geteuid() != 0", reason="namespaces need root")
BEFORE, LATER = "10.91.0.1/24", "10.92.0.1/24"
TABLE = "silo-x"


@pytest.fixture
def machine():
    """Make a machine with two devices, one there before Silo, and a neighbour at each."""
    name = f"silo-machine-{secrets.token_hex(4)}"
    paths = {part: netns.make_namespace(f"{name}-{part}") for part in ("host", "before", "later")}
    with netns.entered(paths["host"]):
        netns.write_sysctls({"ipv4/ip_forward": "1"})
    for device, address in (("before", BEFORE), ("later", LATER)):
        own = IPv4Interface(address)
        peer = IPv4Interface(f"{own.ip + 1}/24")
        with links.open_netlink(paths["host"]) as netlink, paths[device].open("rb") as target:
            end = {"ifname": "eth0", "net_ns_fd": target.fileno()}
            netlink.link("add", ifname=device, kind="veth", peer=end)
            address_device(netlink, device, own)
        with links.open_netlink(paths[device]) as netlink:
            address_device(netlink, "eth0", peer)
            netlink.route("add", dst="default", gateway=str(own.ip))
    yield paths
    for part in paths:
        netns.remove_namespace(f"{name}-{part}")


def address_device(netlink, name, address):
    index = links.find_device(name)
    netlink.addr("add", index=index, address=str(address.ip), prefixlen=24)
    netlink.link("set", index=index, state="up")


def apply(path, *, publish=False):
    pools = engine.split_pools("10.77.0.0/17", "10.77.128.0/17")
    doors = engine.Doors("127.0.0.1", 8443)
    rules = host_rules.render_host(TABLE, "si1234", pools, doors, closed=("before",))
    if publish:
        place = {"family": "ip", "table": "published"}
        dnat = {"dnat": {"addr": "10.92.0.2", "port": 80}}
        match = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                           "right": 8080}}  # fmt: skip
        hook = {"type": "nat", "hook": "prerouting", "prio": -100, "policy": "accept"}
        rules = [
            *rules,
            {"add": {"table": {"family": "ip", "name": "published"}}},
            {"add": {"chain": {**place, "name": "prerouting", **hook}}},
            {"add": {"rule": {**place, "chain": "prerouting", "expr": [match, dnat]}}},
        ]
    with netns.entered(path):
        nft.run(rules)


async def test_nobody_is_routed_through_the_machine_but_by_those_who_came_later(machine):
    apply(machine["host"])
    with listening(machine["before"], 80), listening(machine["later"], 80) as came:
        # Docker's containers, say, go out and get their answers.
        there = await asyncio.to_thread(knock_until_heard, machine["later"], "10.91.0.2", 80)
        assert there == "10.92.0.2"
        assert await asyncio.to_thread(knock, machine["before"], "10.92.0.2", 80) is None
        assert came == []


async def test_what_somebody_publishes_is_reached(machine):
    apply(machine["host"], publish=True)
    with listening(machine["later"], 80):
        there = await asyncio.to_thread(knock_until_heard, machine["before"], "10.91.0.1", 8080)
        assert there == "10.91.0.2"
        assert await asyncio.to_thread(knock, machine["before"], "10.92.0.2", 80) is None
