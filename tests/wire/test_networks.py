"""``az network``: virtual networks, their subnets, security groups and public addresses."""

from collections.abc import Callable

import pytest
from tools.azure import Az


@pytest.fixture(scope="module")
def group(make_group: Callable[[], str]) -> str:
    return make_group()


@pytest.fixture(scope="module")
def vnet(az: Az, group: str, unique: Callable[[str], str]) -> str:
    name = unique("vnet")
    create = ["network", "vnet", "create", "-g", group, "-n", name]
    made = az(*create, "--address-prefix", "10.20.0.0/16", "--subnet-name", "first")
    assert made["newVNet"]["provisioningState"] == "Succeeded"
    assert made["newVNet"]["addressSpace"]["addressPrefixes"] == ["10.20.0.0/16"]
    assert [subnet["name"] for subnet in made["newVNet"]["subnets"]] == ["first"]
    return name


@pytest.fixture(scope="module")
def nsg(az: Az, group: str, unique: Callable[[str], str]) -> str:
    name = unique("nsg")
    made = az("network", "nsg", "create", "-g", group, "-n", name)
    defaults = {rule["name"]: rule for rule in made["NewNSG"]["defaultSecurityRules"]}
    assert defaults["DenyAllInBound"]["priority"] == 65500
    assert defaults["AllowVnetInBound"]["priority"] == 65000
    assert {rule["direction"] for rule in defaults.values()} == {"Inbound", "Outbound"}
    return name


def test_a_network_is_shown_listed_and_changed(az: Az, group: str, vnet: str) -> None:
    shown = az("network", "vnet", "show", "-g", group, "-n", vnet)
    assert shown["id"].endswith(f"/virtualNetworks/{vnet}")
    assert vnet in [item["name"] for item in az("network", "vnet", "list", "-g", group)]
    prefixes = ["10.20.0.0/16", "10.21.0.0/16"]
    update = ["network", "vnet", "update", "-g", group, "-n", vnet, "--address-prefixes"]
    assert az(*update, *prefixes)["addressSpace"]["addressPrefixes"] == prefixes
    assert az("network", "vnet", "show", "-g", group, "-n", vnet)["subnets"]


def test_a_subnet_is_delegated_guarded_and_deleted(az: Az, group: str, vnet: str, nsg: str) -> None:
    where = ["-g", group, "--vnet-name", vnet]
    create = ["network", "vnet", "subnet", "create", *where, "-n", "second"]
    delegation = "Microsoft.ContainerInstance/containerGroups"

    made = az(*create, "--address-prefixes", "10.20.7.0/24", "--delegations", delegation)
    assert made["addressPrefix"] == "10.20.7.0/24"
    assert made["delegations"][0]["serviceName"] == delegation
    update = ["network", "vnet", "subnet", "update", *where, "-n", "second", "--nsg", nsg]
    assert az(*update)["networkSecurityGroup"]["id"].endswith(f"/{nsg}")
    listed = az("network", "vnet", "subnet", "list", *where)
    assert {"first", "second"} <= {subnet["name"] for subnet in listed}
    guarded = az("network", "nsg", "show", "-g", group, "-n", nsg)
    assert [subnet["id"] for subnet in guarded["subnets"]] == [made["id"]]
    az.refused("network", "nsg", "delete", "-g", group, "-n", nsg, saying="InUse")
    az("network", "vnet", "subnet", "delete", *where, "-n", "second")
    az.refused("network", "vnet", "subnet", "show", *where, "-n", "second", saying="NotFound")


@pytest.mark.parametrize(
    ("prefix", "reason"),
    [("10.99.0.0/24", "Range"), ("10.20.0.0/25", "Overlap"), ("10.20.9.1/24", "Invalid")],
)
def test_a_subnet_that_cannot_be_is_refused(
    az: Az, group: str, vnet: str, prefix: str, reason: str
) -> None:
    create = ["network", "vnet", "subnet", "create", "-g", group, "--vnet-name", vnet]

    az.refused(*create, "-n", "wrong", "--address-prefixes", prefix, saying=reason)


def test_a_rule_is_made_listed_changed_and_deleted(az: Az, group: str, nsg: str) -> None:
    where = ["-g", group, "--nsg-name", nsg]
    rule = ["--priority", "100", "--access", "Deny", "--protocol", "Tcp", "--direction", "Inbound"]
    rule += ["--destination-port-ranges", "22", "80-90"]

    made = az("network", "nsg", "rule", "create", *where, "-n", "closed", *rule)
    assert (made["priority"], made["access"], made["direction"]) == (100, "Deny", "Inbound")
    assert made["destinationPortRanges"] == ["22", "80-90"]
    listed = az("network", "nsg", "rule", "list", *where)
    assert [item["name"] for item in listed] == ["closed"]
    update = ["network", "nsg", "rule", "update", *where, "-n", "closed", "--access", "Allow"]
    assert az(*update)["access"] == "Allow"
    az("network", "nsg", "rule", "delete", *where, "-n", "closed")
    assert az("network", "nsg", "rule", "list", *where) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--priority", "99"),
        ("--priority", "4097"),
        ("--priority", "200", "--destination-port-ranges", "70000"),
        ("--priority", "200", "--source-address-prefixes", "300.1.1.1"),
        ("--priority", "200", "--source-address-prefixes", "NoSuchTag"),
    ],
    ids=" ".join,
)
def test_a_rule_that_cannot_be_is_refused(
    az: Az, group: str, nsg: str, words: tuple[str, ...]
) -> None:
    create = ["network", "nsg", "rule", "create", "-g", group, "--nsg-name", nsg, "-n", "wrong"]

    outcome = az.refused(*create, *words)

    assert "Traceback" not in outcome.said
    assert "InternalServerError" not in outcome.said


def test_two_rules_of_one_direction_share_no_priority(az: Az, group: str, nsg: str) -> None:
    create = ["network", "nsg", "rule", "create", "-g", group, "--nsg-name", nsg]
    az(*create, "-n", "one", "--priority", "300", "--direction", "Outbound")

    az.refused(
        *(*create, "-n", "two", "--priority", "300", "--direction", "Outbound"), saying="Conflict"
    )

    az("network", "nsg", "rule", "delete", "-g", group, "--nsg-name", nsg, "-n", "one")


def test_networks_are_joined_and_parted(az: Az, group: str, unique: Callable[[str], str]) -> None:
    peering = ["network", "vnet", "peering"]
    names = [unique("peer"), unique("peer")]
    for name, prefix in zip(names, ("10.31.0.0/16", "10.32.0.0/16"), strict=True):
        az(*("network", "vnet", "create", "-g", group, "-n", name, "--address-prefix", prefix))

    def on(verb: str, side: int, *words: str) -> list[str]:
        return [*peering, verb, "-g", group, "--vnet-name", names[side], "-n", "other", *words]

    states = []
    for side in (0, 1):
        remote = ("--remote-vnet", names[1 - side], "--allow-vnet-access")
        states.append(az(*on("create", side, *remote))["peeringState"])
    assert states == ["Initiated", "Connected"]
    shown = az(*on("show", 0))
    assert shown["peeringState"] == "Connected"
    assert shown["remoteAddressSpace"]["addressPrefixes"] == ["10.32.0.0/16"]
    listed = az(*peering, "list", "-g", group, "--vnet-name", names[0])
    assert [each["name"] for each in listed] == ["other"]
    closed = az(*on("update", 0, "--set", "allowVirtualNetworkAccess=false"))
    assert closed["allowVirtualNetworkAccess"] is False
    az(*on("delete", 1))
    assert az(*on("show", 0))["peeringState"] == "Disconnected"
    az.refused(*on("show", 1), saying="NotFound")


def test_a_public_address_is_made_listed_and_deleted(
    az: Az, group: str, unique: Callable[[str], str]
) -> None:
    name = unique("address")
    create = ["network", "public-ip", "create", "-g", group, "-n", name, "--sku", "Standard"]

    made = az(*create)["publicIp"]
    assert made["publicIPAllocationMethod"] == "Static"
    assert made["ipAddress"].count(".") == 3
    listed = az("network", "public-ip", "list", "-g", group)
    assert [item["ipAddress"] for item in listed] == [made["ipAddress"]]
    az("network", "public-ip", "delete", "-g", group, "-n", name)
    az.refused("network", "public-ip", "show", "-g", group, "-n", name, saying="NotFound")


def test_a_private_subnet_says_so(az: Az, group: str, vnet: str) -> None:
    create = ["network", "vnet", "subnet", "create", "-g", group, "--vnet-name", vnet]

    made = az(*create, "-n", "shut", "--address-prefixes", "10.20.8.0/24",
              "--default-outbound-access", "false")  # fmt: skip
    assert made["defaultOutboundAccess"] is False


def test_what_there_is_not_is_refused_by_name(az: Az, group: str) -> None:
    where = ["-g", group, "-n"]

    az.refused("network", "route-table", "create", *where, "rt", saying="NotSupported")
    az.refused("network", "private-dns", "zone", "create", *where, "a.test", saying="NotSupported")
    az.refused("network", "nat", "gateway", "create", *where, "nat", saying="NotSupported")
    assert az("network", "lb", "list", "-g", group) == []
    az.refused("network", "lb", "create", *where, "lb")


def test_what_a_network_has_room_for_is_told(az: Az, group: str, vnet: str) -> None:
    delegations = az("network", "vnet", "subnet", "list-available-delegations", "-l", "westeurope")
    assert "Microsoft.ContainerInstance/containerGroups" in [
        each["serviceName"] for each in delegations
    ]
    free = az("network", "vnet", "list-available-ips", "-g", group, "-n", vnet)
    assert free[0].startswith("10.20.")


def test_networks_are_closed_to_strangers(
    az: Az, group: str, vnet: str, make_principal: Callable[..., object], silo, new_az
) -> None:
    scope = az("group", "show", "-n", group)["id"]
    reader = make_principal("Reader", scope)
    stranger = new_az().sign_in(silo.tenant, reader.client_id, reader.secret)

    assert stranger("network", "vnet", "show", "-g", group, "-n", vnet)["name"] == vnet
    stranger.refused(
        *("network", "vnet", "update", "-g", group, "-n", vnet, "--set", "tags.a=one"),
        saying="AuthorizationFailed",
    )
    stranger.refused(
        *("network", "nsg", "create", "-g", group, "-n", "mine"), saying="AuthorizationFailed"
    )
