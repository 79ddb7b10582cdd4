import pytest

from silo import arm

from .network_world import GROUP, POOLS, SUBNET, VNET, NetworkWorld

CONTAINERS = arm.parse_resource_id(
    f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/c1"
)
ACI = {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}


class Caller:
    """As much of a call as is asked for."""

    class principal:  # noqa: N801
        name, object_id = "somebody", "somebody-id"

    action = "Microsoft.ContainerInstance/containerGroups/write"

    def __init__(self, allowed=True):
        self.allowed = allowed

    def allows(self, _action, _scope):
        return self.allowed


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    await made.make_network()
    await made.put(SUBNET, {"addressPrefix": "10.0.0.0/29", "delegations": [ACI]})
    yield made
    made.store.close()


def place(world, uid="one", subnet=SUBNET, *, allowed=True):
    return world.store.write_now(
        lambda conn: world.placements.place(conn, Caller(allowed), subnet, CONTAINERS, uid)
    )


def test_a_group_gets_an_address_and_keeps_it(world):
    plan = place(world)

    assert (plan.address, plan.subnet) == ("10.0.0.4", "10.0.0.0/29")
    assert place(world) == plan
    assert place(world, "two").address == "10.0.0.5"
    assert world.placements.find_rules(plan.router).space == ("10.0.0.0/16",)


async def test_a_full_subnet_takes_no_more(world):
    for uid in "abc":
        place(world, uid)
    with pytest.raises(arm.ArmError, match="capacity"):
        place(world, "d")

    world.store.write_now(lambda conn: world.placements.release(conn, "a"))
    assert place(world, "d").address == "10.0.0.4"


async def test_a_subnet_that_is_not_left_to_groups_is_refused(world):
    await world.put(f"{VNET}/subnets/plain", {"addressPrefix": "10.0.1.0/24"})

    with pytest.raises(arm.ArmError) as refusal:
        place(world, subnet=f"{VNET}/subnets/plain")
    assert refusal.value.code == "SubnetMissingRequiredDelegation"


@pytest.mark.parametrize("subnet", [f"{VNET}/subnets/none", "nonsense", VNET])
async def test_a_subnet_that_does_not_exist_is_refused(world, subnet):
    with pytest.raises(arm.ArmError) as refusal:
        place(world, subnet=subnet)
    assert refusal.value.code == "InvalidResourceReference"


async def test_who_may_not_join_a_subnet_learns_nothing_of_it(world):
    for subnet in (SUBNET, f"{VNET}/subnets/none"):
        with pytest.raises(arm.ArmError) as refusal:
            place(world, subnet=subnet, allowed=False)
        assert refusal.value.code == "LinkedAuthorizationFailed"


def test_a_public_address_is_of_the_pool(world):
    found = world.store.write_now(lambda conn: world.placements.lease_public(conn, "one"))

    assert found == str(POOLS.public[1])


async def test_a_group_is_told_the_name_servers_of_its_network(world):
    assert place(world).dns_servers == ()
    _, _, network = await world.get(VNET)
    told = {**network["properties"], "dhcpOptions": {"dnsServers": ["10.0.0.5", "1.1.1.1"]}}
    status, _, shown = await world.put(VNET, told)

    assert (status, shown["properties"]["dhcpOptions"]) == (200, told["dhcpOptions"])
    assert place(world).dns_servers == ("10.0.0.5", "1.1.1.1")
    told["dhcpOptions"] = {"dnsServers": ["nowhere"]}
    assert (await world.put(VNET, told))[0] == 400
