import pytest

from .network_world import GROUP, NSG, SUBNET, VNET, NetworkWorld


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    yield made
    made.store.close()


def inline(name, prefix, **parts):
    return {"name": name, "properties": {"addressPrefix": prefix, **parts}}


async def test_subnets_sent_with_a_network_are_subnets_of_their_own(world):
    status, _, body = await world.make_network(inline("s1", "10.0.0.0/24"))
    assert status == 201
    assert body["properties"]["provisioningState"] == "Succeeded"
    assert [each["name"] for each in body["properties"]["subnets"]] == ["s1"]

    status, _, subnet = await world.get(SUBNET)

    assert status == 200
    assert subnet["properties"]["addressPrefix"] == "10.0.0.0/24"
    assert subnet["properties"]["provisioningState"] == "Succeeded"


async def test_a_subnet_made_by_itself_is_shown_in_its_network(world):
    await world.make_network()
    status, _, _ = await world.put(SUBNET, {"addressPrefix": "10.0.1.0/24"})
    _, _, body = await world.get(VNET)

    assert status == 201
    assert [each["id"] for each in body["properties"]["subnets"]] == [SUBNET]


async def test_a_network_written_without_subnets_keeps_them_and_with_none_loses_them(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}

    _, _, kept = await world.put(VNET, space)
    assert len(kept["properties"]["subnets"]) == 1
    _, _, emptied = await world.put(VNET, {**space, "subnets": []})
    assert emptied["properties"]["subnets"] == []


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        ("10.1.0.0/24", "NetcfgSubnetRangeOutsideVnet"),
        ("10.0.0.128/25", "NetcfgSubnetRangesOverlap"),
        ("10.0.1.0/30", "NetcfgInvalidSubnet"),
        ("10.0.1.7/24", "InvalidCIDRNotation"),
        ("10.0.1.0/99", "InvalidAddressPrefixFormat"),
        ("fd00::/64", "NetcfgInvalidSubnet"),
    ],
)
async def test_a_subnet_that_does_not_fit_is_refused(world, prefix, code):
    await world.make_network(inline("other", "10.0.0.0/24"))

    status, _, body = await world.put(SUBNET, {"addressPrefix": prefix})

    assert (status, body["error"]["code"]) == (400, code)


async def test_an_address_space_keeps_its_subnets(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))

    status, _, body = await world.put(VNET, {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}})

    assert (status, body["error"]["code"]) == (400, "NetcfgSubnetRangeOutsideVnet")


@pytest.mark.parametrize("path", [SUBNET, VNET])
async def test_what_is_in_use_is_not_deleted(world, path):
    await world.make_network(inline("s1", "10.0.0.0/24"))
    world.lease(SUBNET, "somebody")

    status, _, body = await world.delete(path)

    assert (status, body["error"]["code"]) == (400, "InUseSubnetCannotBeDeleted")
    assert (await world.get(SUBNET))[0] == 200


async def test_the_prefix_of_a_subnet_in_use_stays(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))
    world.lease(SUBNET, "somebody")

    status, _, body = await world.put(SUBNET, {"addressPrefix": "10.0.1.0/24"})

    assert (status, body["error"]["code"]) == (400, "InUsePrefixCannotBeDeleted")


async def test_an_empty_subnet_goes(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))

    status, _, _ = await world.delete(SUBNET)
    await world.reconciler.settle_all()

    assert status == 202
    assert (await world.get(SUBNET))[0] == 404


async def test_a_network_goes_with_its_subnets(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))

    assert (await world.delete(VNET))[0] == 202
    for _ in range(3):
        await world.reconciler.settle_all()
        world.reconciler._attempts.clear()

    assert (await world.get(VNET))[0] == 404


async def test_a_missing_security_group_is_refused(world):
    await world.make_network()

    status, _, body = await world.put(
        SUBNET, {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": NSG}}
    )

    assert (status, body["error"]["code"]) == (400, "InvalidResourceReference")


async def test_what_is_not_supported_is_said(world):
    status, _, body = await world.put(
        VNET, {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "enableDdosProtection": True}
    )
    assert (status, body["error"]["code"]) == (400, "NotSupported")

    path = f"{GROUP}/providers/Microsoft.Network/loadBalancers/x"
    status, _, body = await world.put(path)
    assert (status, body["error"]["code"]) == (400, "NotSupported")


async def test_a_delegation_has_an_id(world):
    wanted = {
        "name": "aci",
        "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"},
    }
    await world.make_network()
    _, _, body = await world.put(SUBNET, {"addressPrefix": "10.0.0.0/24", "delegations": [wanted]})

    (delegation,) = body["properties"]["delegations"]
    assert delegation["id"] == f"{SUBNET}/delegations/aci"
    assert delegation["properties"]["serviceName"] == wanted["properties"]["serviceName"]


async def test_free_addresses_are_told(world):
    await world.make_network(inline("s1", "10.0.0.0/24"))
    taken = world.lease(SUBNET, "somebody")

    path = f"{VNET}/CheckIPAddressAvailability?api-version=2024-07-01&ipAddress={taken}"
    _, _, body = await world.ask("GET", path)

    assert taken == "10.0.0.4"
    assert body["available"] is False
    assert body["availableIPAddresses"][0] == "10.0.0.5"


@pytest.mark.parametrize(
    "parts",
    [
        {"dhcpOptions": "x"},
        {"encryption": []},
        {"addressSpace": {"addressPrefixes": [7]}},
        {"addressSpace": {"addressPrefixes": []}},
        {"addressSpace": None},
        {"subnets": [{"name": "s"}]},
        {"subnets": [inline("a/b", "10.0.0.0/24")]},
        {"subnets": [inline("..", "10.0.0.0/24")]},
        {"subnets": [{"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}] * 2},
        {"subnets": [inline("s", "10.0.0.0/24", delegations=[{"name": "d", "properties": 1}])]},
        {"subnets": [inline("s", "10.0.0.0/24", networkSecurityGroup={"id": "x"})]},
    ],
)
async def test_a_strange_body_is_an_error_of_the_callers(world, parts):
    space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}

    status, _, body = await world.put(VNET, {**space, **parts})

    assert status in {201, 400}
    assert status == 201 or body["error"]["code"]


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "127.0.0.0/16", "169.254.0.0/24", "168.0.0.0/8"])
async def test_reserved_addresses_are_no_networks_own(world, prefix):
    status, _, body = await world.put(VNET, {"addressSpace": {"addressPrefixes": [prefix]}})

    assert (status, body["error"]["code"]) == (400, "AddressPrefixReserved")


@pytest.mark.parametrize("given", [None, True, False])
async def test_a_subnet_is_private_when_it_says_so(world, given):
    await world.make_network()
    more = {} if given is None else {"defaultOutboundAccess": given}
    status, _, body = await world.put(SUBNET, {"addressPrefix": "10.0.0.0/24", **more})
    world.lease(SUBNET, "somebody")
    await world.put(SUBNET, {"addressPrefix": "10.0.0.0/24", **more})
    await world.reconciler.settle_all()

    assert (status, body["properties"].get("defaultOutboundAccess")) == (201, given)
    _, rules = world.applied[-1]
    assert rules.subnets[0].has_way_out is (given is not False)
