"""Groups in virtual networks: who reaches whom, and what security groups make of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tools.azure import Az
from tools.containers import ContainerGroup

SERVE = "/bin/probe http 8080"


@dataclass(frozen=True, slots=True)
class Net:
    """A virtual network with one delegated subnet."""

    group: str
    name: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("--vnet", self.name, "--subnet", "apps", "--ports", "8080")


@pytest.fixture(scope="module")
def net(az: Az, containers_group: str, unique: Callable[[str], str]) -> Net:
    return Net(containers_group, unique("appnet"))


@pytest.fixture(scope="module")
def server(make_container: Callable[..., ContainerGroup], net: Net) -> ContainerGroup:
    # az itself makes network, subnet and delegation.
    made = make_container(SERVE, *net.options, "--vnet-address-prefix", "10.50.0.0/16",
                          "--subnet-address-prefix", "10.50.1.0/24")  # fmt: skip
    made.wait("Running")
    return made


@pytest.fixture(scope="module")
def client(
    make_container: Callable[..., ContainerGroup], net: Net, server: ContainerGroup
) -> ContainerGroup:
    made = make_container("/bin/probe sleep", *net.options)
    made.wait("Running")
    return made


@pytest.fixture(scope="module")
def outsider(make_container: Callable[..., ContainerGroup]) -> ContainerGroup:
    made = make_container("/bin/probe sleep")
    made.wait("Running")
    return made


def address_of(group: ContainerGroup) -> str:
    found: str = group.show()["ipAddress"]["ip"]
    return found


def ask(group: ContainerGroup, address: str) -> dict[str, Any]:
    return group.probe(f"ask http://{address}:8080/")


def test_a_group_has_a_private_address_in_its_subnet(server: ContainerGroup, net: Net) -> None:
    shown = server.show()

    assert shown["ipAddress"]["type"] == "Private"
    assert shown["ipAddress"]["ip"].startswith("10.50.1.")
    assert shown["subnetIds"][0]["id"].endswith(f"/virtualNetworks/{net.name}/subnets/apps")


def test_neighbours_of_one_network_reach_each_other(
    server: ContainerGroup, client: ContainerGroup
) -> None:
    told = ask(client, address_of(server))

    assert told["status"] == 200
    assert told["json"]["peer"].startswith(f"{address_of(client)}:")


def test_nobody_else_reaches_into_a_network(
    server: ContainerGroup, outsider: ContainerGroup
) -> None:
    # Outside of the network the address is anybody's; whoever answers is not this group.
    assert ask(outsider, address_of(server)).get("status") != 200


def test_a_rule_closes_and_opens_while_groups_run(
    az: Az, net: Net, server: ContainerGroup, client: ContainerGroup, unique: Callable[[str], str]
) -> None:
    nsg, address = unique("guard"), address_of(server)
    az("network", "nsg", "create", "-g", net.group, "-n", nsg)
    rules = ["network", "nsg", "rule"]
    where = ["-g", net.group, "--nsg-name", nsg]
    subnet = ["-g", net.group, "--vnet-name", net.name, "-n", "apps"]
    az(
        *(*rules, "create", *where, "-n", "closed", "--priority", "200", "--access", "Deny"),
        *("--protocol", "Tcp", "--destination-port-ranges", "8080"),
    )

    az("network", "vnet", "subnet", "update", *subnet, "--nsg", nsg)
    assert "error" in ask(client, address)
    az(
        *(*rules, "create", *where, "-n", "open", "--priority", "100", "--access", "Allow"),
        *("--protocol", "Tcp", "--destination-port-ranges", "8080"),
        *("--source-address-prefixes", f"{address_of(client)}/32"),
    )
    assert ask(client, address)["status"] == 200
    az(*rules, "delete", *where, "-n", "open")
    assert "error" in ask(client, address)
    az("network", "vnet", "subnet", "update", *subnet, "--remove", "networkSecurityGroup")
    assert ask(client, address)["status"] == 200


def test_joined_networks_reach_each_other_until_they_are_parted(
    az: Az,
    net: Net,
    server: ContainerGroup,
    make_container: Callable[..., ContainerGroup],
    unique: Callable[[str], str],
) -> None:
    far, address = Net(net.group, unique("farnet")), address_of(server)
    away = make_container("/bin/probe sleep", *far.options, "--vnet-address-prefix",
                          "10.60.0.0/16", "--subnet-address-prefix", "10.60.1.0/24")  # fmt: skip
    away.wait("Running")
    peering = ["network", "vnet", "peering"]

    # Outside of the network the address is anybody's; whoever answers is not this group.
    assert ask(away, address).get("status") != 200
    for name, remote in ((net.name, far.name), (far.name, net.name)):
        az(
            *(*peering, "create", "-g", net.group, "-n", "both", "--vnet-name", name),
            *("--remote-vnet", remote, "--allow-vnet-access"),
        )
    assert ask(away, address)["status"] == 200
    az(*peering, "delete", "-g", net.group, "-n", "both", "--vnet-name", net.name)
    assert ask(away, address).get("status") != 200


def test_a_network_in_use_is_not_deleted(az: Az, net: Net, server: ContainerGroup) -> None:
    az.refused(
        *("network", "vnet", "subnet", "delete", "-g", net.group, "--vnet-name", net.name),
        *("-n", "apps"),
        saying="InUse",
    )
    az.refused("network", "vnet", "delete", "-g", net.group, "-n", net.name, saying="InUse")
    assert address_of(server)


def test_two_groups_publish_the_same_port(make_container: Callable[..., ContainerGroup]) -> None:
    public = ("--ip-address", "Public", "--ports", "8080")
    first, second = make_container(SERVE, *public), make_container(SERVE, *public)
    addresses = [group.wait("Running")["ipAddress"]["ip"] for group in (first, second)]

    assert addresses[0] != addresses[1]
    # Out of one and in at the other: by its public door, and by no other.
    assert ask(first, addresses[1])["status"] == 200
    assert "error" in first.probe(f"ask http://{addresses[1]}:8081/")
