"""IPv6 beside IPv4 in virtual networks, subnets, rules and peerings."""

from ipaddress import IPv4Network, IPv6Network

import pytest

from silo.engine import dual_stack
from silo.providers.network import errors, security_rules
from silo.providers.network.properties import SecurityRule

from .network_world import NETWORK, SUBNET, VERSION, VNET, NetworkWorld, rule
from .test_placements import ACI, place

SPACE = ["10.0.0.0/16", "fd00:db8::/48"]
PREFIXES = ["10.0.0.0/29", "fd00:db8:0:1::/64"]
TWO = f"{NETWORK}/virtualNetworks/two"
MEANING = security_rules.Meaning([IPv4Network(SPACE[0]), IPv6Network(SPACE[1])])


@pytest.fixture
async def world(tmp_path, monkeypatch):
    (tmp_path / "switches").write_text("0\n")
    monkeypatch.setattr(dual_stack, "_SWITCHES", tmp_path / "switches")
    made = NetworkWorld(tmp_path)
    await made.make_group()
    await made.put(VNET, {"addressSpace": {"addressPrefixes": SPACE}})
    yield made
    made.store.close()


async def make_subnet(world, *prefixes, path=SUBNET):
    return await world.put(path, {"addressPrefixes": list(prefixes), "delegations": [ACI]})


async def test_a_subnet_has_a_prefix_of_each_version(world):
    status, _, made = await make_subnet(world, *PREFIXES)
    assert (status, made["properties"]["addressPrefixes"]) == (201, PREFIXES)
    assert "addressPrefix" not in made["properties"]

    status, _, other = await make_subnet(
        world, "FD00:DB8:0:2::/64", "10.0.1.0/24", path=f"{VNET}/subnets/s2"
    )
    assert status == 201
    assert other["properties"]["addressPrefixes"][0] == "FD00:DB8:0:2::/64"


@pytest.mark.parametrize(
    ("prefixes", "code"),
    [
        (["fd00:db8:0:2::/64"], "NetcfgInvalidSubnet"),
        (["10.0.1.0/24", "fd00:db8:0:2::/63"], "NetcfgInvalidSubnet"),
        (["10.0.1.0/24", "fd00:db8:0:2::/80"], "NetcfgInvalidSubnet"),
        (["10.0.1.0/24", "fd00:db9:0:2::/64"], "NetcfgSubnetRangeOutsideVnet"),
        (["10.0.1.0/24", "fd00:db8:0:1::/64"], "NetcfgSubnetRangesOverlap"),
        (["10.0.0.0/24", "fd00:db8:0:2::/64"], "NetcfgSubnetRangesOverlap"),
        (["10.0.1.0/24", "fd00:db8:0:2::1/64"], "InvalidCIDRNotation"),
        (["10.0.1.0/24", "fd00:db8:0:2::"], "InvalidAddressPrefixFormat"),
        (["10.0.1.0/24", "fd00:db8:0:2::/64", "fd00:db8:0:3::/64"], "NotSupported"),
        (["10.0.1.0/24", "10.0.2.0/24"], "NotSupported"),
    ],
)
async def test_a_subnet_that_does_not_fit_is_refused(world, prefixes, code):
    await make_subnet(world, *PREFIXES)

    status, _, body = await make_subnet(world, *prefixes, path=f"{VNET}/subnets/s2")

    assert (status, body["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("space", "code"),
    [
        (["fd00:db8::/48"], "InvalidAddressPrefixes"),
        (["10.0.0.0/16", "fe80::/64"], "AddressPrefixReserved"),
        (["10.0.0.0/16", "::ffff:10.0.0.0/112"], "AddressPrefixReserved"),
        (["10.0.0.0/16", "ff05::/64"], "AddressPrefixReserved"),
        (["10.0.0.0/16", "fd00::/32", "fd00::/48"], "InvalidAddressPrefixes"),
        (["10.0.0.0/16", "fd00::%1/48"], "InvalidAddressPrefixFormat"),
    ],
)
async def test_an_address_space_that_cannot_be_is_refused(world, space, code):
    status, _, body = await world.put(TWO, {"addressSpace": {"addressPrefixes": space}})

    assert (status, body["error"]["code"]) == (400, code)


async def test_a_group_has_the_same_place_in_both_prefixes(world):
    await make_subnet(world, *PREFIXES)

    plan = place(world)

    assert (plan.address, plan.ipv6) == ("10.0.0.4", "fd00:db8:0:1::4")
    assert place(world) == plan
    assert place(world, "two").ipv6 == "fd00:db8:0:1::5"
    rules = world.placements.find_rules(plan.router)
    assert rules.space == tuple(SPACE)
    assert rules.find_subnet(plan.ipv6) is rules.find_subnet(plan.address) is not None


async def test_a_machine_without_ipv6_places_no_group_where_it_is_promised(
    world, monkeypatch, tmp_path
):
    await make_subnet(world, *PREFIXES)
    first = place(world)
    monkeypatch.setattr(dual_stack, "_SWITCHES", tmp_path / "none")

    with pytest.raises(errors.NoIPv6Here, match="kernel of this machine has no IPv6"):
        place(world, "two")
    assert place(world) == first  # the engine says so, should it start
    await make_subnet(world, "10.0.1.0/24", path=f"{VNET}/subnets/s2")
    assert place(world, "three", f"{VNET}/subnets/s2").ipv6 is None


async def test_a_prefix_comes_to_a_subnet_in_use_and_does_not_go(world):
    await make_subnet(world, PREFIXES[0])
    assert place(world).ipv6 is None

    status, _, _ = await make_subnet(world, *PREFIXES)
    assert status == 200
    status, _, body = await make_subnet(world, PREFIXES[0])
    assert (status, body["error"]["code"]) == (400, "InUsePrefixCannotBeDeleted")
    assert PREFIXES[1] in body["error"]["message"]


async def test_an_address_is_free_when_its_twin_is(world):
    await make_subnet(world, *PREFIXES)
    place(world)
    seen = {}
    for place_ in ("3", "4", "5", "7", "ffff"):
        path = f"{VNET}/CheckIPAddressAvailability?{VERSION}&ipAddress=fd00:db8:0:1::{place_}"
        _, _, body = await world.ask("GET", path)
        seen[place_] = (body["available"], body["isPlatformReserved"])
    assert seen == {
        "3": (False, True),
        "4": (False, False),
        "5": (True, False),
        "7": (False, True),
        "ffff": (False, False),
    }
    assert body["availableIPAddresses"] == ["fd00:db8:0:1::5", "fd00:db8:0:1::6"]


def compile_one(**parts):
    made = SecurityRule.model_validate(rule(**parts))
    security_rules.check_rule("x", made)
    return security_rules.compile_rules([("x", made)], made.direction, MEANING)[0]


def test_words_mean_both_versions_and_prefixes_one():
    assert compile_one(sourceAddressPrefix="*").sources is None
    assert compile_one(sourceAddressPrefix="VirtualNetwork").sources == tuple(SPACE)
    assert compile_one(sourceAddressPrefix="::/0").sources == ("::/0",)
    assert compile_one(sourceAddressPrefix="0.0.0.0/0").sources == ("0.0.0.0/0",)
    assert compile_one(sourceAddressPrefix="fd00::1").sources == ("fd00::1/128",)
    outside = compile_one(sourceAddressPrefix="Internet").sources
    networks = [IPv6Network(each) for each in outside if ":" in each]
    assert not any(each.overlaps(IPv6Network(SPACE[1])) for each in networks)
    assert sum(each.num_addresses for each in networks) == 2**128 - 2**80


@pytest.mark.parametrize(
    "parts",
    [
        {"sourceAddressPrefix": "10.0.0.0/24", "destinationAddressPrefix": "fd00::/64"},
        {"sourceAddressPrefix": None, "sourceAddressPrefixes": ["10.0.0.4", "fd00::4"]},
    ],
)
def test_a_rule_is_about_one_version(parts):
    with pytest.raises(errors.RuleFamiliesMixed) as refusal:
        compile_one(**parts)
    assert refusal.value.code.endswith("FromDifferentAddressFamilies")
    assert compile_one(sourceAddressPrefix="fd00::4", destinationAddressPrefix="VirtualNetwork")


@pytest.mark.parametrize(("prefix", "apart"), [("fd00:db8::/32", False), ("fd00:db9::/48", True)])
async def test_joined_networks_have_no_address_in_common(world, prefix, apart):
    await world.put(TWO, {"addressSpace": {"addressPrefixes": ["10.2.0.0/16", prefix]}})
    body = {"properties": {"remoteVirtualNetwork": {"id": TWO}}}
    status, _, body = await world.ask("PUT", f"{VNET}/virtualNetworkPeerings/there?{VERSION}", body)

    if apart:
        assert status == 201
        assert body["properties"]["remoteAddressSpace"]["addressPrefixes"][1] == prefix
    else:
        assert (status, body["error"]["code"]) == (400, "VnetAddressSpacesOverlap")


async def test_a_public_address_of_version_6_is_refused(world):
    status, _, body = await world.put(
        f"{NETWORK}/publicIPAddresses/a", {"publicIPAddressVersion": "IPv6"}
    )

    assert (status, body["error"]["code"]) == (400, "NotSupported")
