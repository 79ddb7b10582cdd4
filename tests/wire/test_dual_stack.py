"""Groups in a virtual network with IPv6 beside IPv4, driven by az as Azure documents it."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

import pytest
from tools.azure import Az
from tools.containers import ContainerGroup

PORTS = [{"port": 8080, "protocol": "TCP"}]
SERVE = {"one": {"command": ["/bin/probe", "http", "8080"], "ports": PORTS}}
DELEGATION = "Microsoft.ContainerInstance/containerGroups"


@dataclass(frozen=True, slots=True)
class Net:
    """A virtual network with one subnet."""

    group: str
    name: str
    number: int

    @property
    def spaces(self) -> list[str]:
        return [f"10.{self.number}.0.0/16", f"fd00:db8:{self.number}::/48"]

    @property
    def prefixes(self) -> list[str]:
        return [f"10.{self.number}.1.0/24", f"fd00:db8:{self.number}:1::/64"]

    def find(self, one: ContainerGroup) -> str:
        """Return a group's IPv6 address: it has the place that the other has in its prefix."""
        place = int(IPv4Address(one.show()["ipAddress"]["ip"])) & 0xFF
        return f"fd00:db8:{self.number}:1::{place:x}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A group and its network; it serves, and asks others."""

    net: Net
    one: ContainerGroup

    @property
    def ipv6(self) -> str:
        return self.net.find(self.one)

    def ask(self, address: str) -> dict[str, Any]:
        return self.one.probe(f"ask http://[{address}]:8080/")

    def reaches(self, address: str, port: int = 8080) -> bool:
        """Tell whether anybody answers there."""
        told: bool = self.one.probe(f"talk tcp [{address}]:{port}")["reached"]
        return told

    def meets(self, address: str) -> bool:
        """Tell whether somebody answers there, asked again: a busy machine takes a while."""
        return any(self.reaches(address) for _ in range(5))


@pytest.fixture(scope="module")
def place(
    az: Az, unique: Callable[[str], str], make_container_from_file: Callable[..., ContainerGroup]
) -> Callable[..., Placed]:
    """Put a group into a network."""

    def make(net: Net, level: str) -> Placed:
        where = ["-g", net.group, "--vnet-name", net.name, "-n", "apps"]
        subnet = az("network", "vnet", "subnet", "show", *where)["id"]
        one = make_container_from_file(
            SERVE,
            {"silo-isolation": level},
            subnetIds=[{"id": subnet}],
            ipAddress={"type": "Private", "ports": PORTS},
        )
        one.wait("Running")
        return Placed(net, one)

    return make


@pytest.fixture(scope="module")
def make_net(az: Az, containers_group: str, unique: Callable[[str], str]) -> Callable[[int], Net]:
    def make(number: int) -> Net:
        net = Net(containers_group, unique("dualnet"), number)
        where, vnet = ["-g", net.group], ["network", "vnet"]
        made = az(*vnet, "create", *where, "-n", net.name, "--address-prefixes", *net.spaces)
        assert made["newVNet"]["addressSpace"]["addressPrefixes"] == net.spaces
        subnet = az(
            *(*vnet, "subnet", "create", *where, "--vnet-name", net.name, "-n", "apps"),
            *("--delegations", DELEGATION, "--address-prefixes", *net.prefixes),
        )
        assert subnet["addressPrefixes"] == net.prefixes
        return net

    return make


@pytest.fixture(scope="module")
def net(make_net: Callable[[int], Net]) -> Net:
    return make_net(70)


@pytest.fixture(scope="module")
def server(place: Callable[..., Placed], net: Net) -> Placed:
    """Return a group with a network stack of its own."""
    return place(net, "sandbox")


@pytest.fixture(scope="module")
def client(place: Callable[..., Placed], net: Net) -> Placed:
    """Return a group with the kernel's."""
    return place(net, "process")


def test_neighbours_reach_each_other_by_ipv6_at_every_level(server: Placed, client: Placed) -> None:
    told = client.ask(server.ipv6)
    assert told.get("status") == 200, told
    assert told["json"]["peer"].startswith(f"[{client.ipv6}]:")
    told = server.ask(client.ipv6)
    assert told.get("status") == 200, told
    assert told["json"]["peer"].startswith(f"[{server.ipv6}]:")


def test_nothing_of_the_machine_answers_by_ipv6(client: Placed, server: Placed) -> None:
    for one in (client, server):
        assert not one.reaches("fe80::1234:5678:9abc%eth0", 80)
    assert not client.reaches("fd00:ec2::254", 80)


def test_a_rule_with_an_ipv6_prefix_closes_and_opens_while_groups_run(
    az: Az, net: Net, server: Placed, client: Placed, unique: Callable[[str], str]
) -> None:
    nsg, rules = unique("guard"), ["network", "nsg", "rule", "create"]
    az("network", "nsg", "create", "-g", net.group, "-n", nsg)
    where = ["-g", net.group, "--nsg-name", nsg]
    subnet = ["-g", net.group, "--vnet-name", net.name, "-n", "apps"]
    closed = ["--priority", "200", "--access", "Deny", "--protocol", "Tcp"]
    az(*rules, *where, "-n", "closed", *closed, "--source-address-prefixes", net.prefixes[1],
       "--destination-port-ranges", "8080")  # fmt: skip

    assert client.meets(server.ipv6)
    az("network", "vnet", "subnet", "update", *subnet, "--nsg", nsg)
    assert not client.reaches(server.ipv6)
    address = server.one.show()["ipAddress"]["ip"]
    assert client.meets(address)
    opened = ["--priority", "100", "--access", "Allow", "--protocol", "Tcp"]
    az(*rules, *where, "-n", "open", *opened, "--source-address-prefixes", f"{client.ipv6}/128",
       "--destination-port-ranges", "8080")  # fmt: skip
    assert client.meets(server.ipv6)
    assert not server.reaches(client.ipv6)
    az("network", "vnet", "subnet", "update", *subnet, "--remove", "networkSecurityGroup")
    assert server.meets(client.ipv6)


def test_other_networks_are_closed_until_they_are_joined(
    az: Az, net: Net, server: Placed, place: Callable[..., Placed], make_net: Callable[[int], Net]
) -> None:
    far = place(make_net(71), "process")
    peering = ["network", "vnet", "peering"]

    assert not far.reaches(server.ipv6)
    for name, remote in ((net.name, far.net.name), (far.net.name, net.name)):
        az(
            *(*peering, "create", "-g", net.group, "-n", "both", "--vnet-name", name),
            *("--remote-vnet", remote, "--allow-vnet-access"),
        )
    told = far.ask(server.ipv6)
    assert told.get("status") == 200, told
    assert told["json"]["peer"].startswith(f"[{far.ipv6}]:")
    az(*peering, "delete", "-g", net.group, "-n", "both", "--vnet-name", net.name)
    assert not far.reaches(server.ipv6)


def test_what_azure_refuses_is_refused(az: Az, net: Net, unique: Callable[[str], str]) -> None:
    vnet, where = ["network", "vnet"], ["-g", net.group]
    subnet = [*vnet, "subnet", "create", *where, "--vnet-name", net.name, "-n", "wrong"]
    second = f"fd00:db8:{net.number}:2::"
    for prefixes in ((f"10.{net.number}.2.0/24", f"{second}/65"), (f"{second}/64",)):
        az.refused(*subnet, "--address-prefixes", *prefixes, saying="NetcfgInvalidSubnet")
    alone = ["--address-prefixes", "fd00:db8:9::/48"]
    az.refused(*vnet, "create", *where, "-n", unique("six"), *alone, saying="IPv6 prefixes alone")
    nsg = unique("mixed")
    az("network", "nsg", "create", *where, "-n", nsg)
    az.refused(
        *("network", "nsg", "rule", "create", *where, "--nsg-name", nsg, "-n", "mixed"),
        *("--priority", "100", "--source-address-prefixes", *net.prefixes),
        saying="DifferentAddressFamilies",
    )
    az.refused(
        *("network", "public-ip", "create", *where, "-n", unique("six"), "--sku", "Standard"),
        *("--version", "IPv6"),
        saying="NotSupported",
    )
