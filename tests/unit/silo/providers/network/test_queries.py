import pytest

from .network_world import NETWORK, NSG, SUBNET, VNET, NetworkWorld

LINK = f"{SUBNET}/providers/Microsoft.ContainerInstance/serviceAssociationLinks/default"
GROUPS = "Microsoft.ContainerInstance/containerGroups"


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    await made.make_network()
    await made.put(SUBNET, {"addressPrefix": "10.0.0.0/28"})
    yield made
    made.store.close()


async def test_default_rules_are_resources_that_can_be_read(world):
    await world.put(NSG)
    status, _, listed = await world.get(f"{NSG}/defaultSecurityRules")
    assert status == 200
    assert len(listed["value"]) == 6

    for rule in listed["value"]:
        assert (await world.get(rule["id"]))[2] == rule
    assert (await world.get(f"{NSG}/defaultSecurityRules/none"))[0] == 404
    other = f"{NETWORK}/networkSecurityGroups/none/defaultSecurityRules"
    assert (await world.get(other))[0] == 404


async def test_the_use_of_subnets_is_counted(world):
    world.lease(SUBNET, "somebody")

    _, _, body = await world.get(f"{VNET}/usages")
    (usage,) = body["value"]
    assert (usage["id"], usage["currentValue"], usage["limit"]) == (SUBNET, 1, 11)


async def test_a_subnet_with_groups_in_it_shows_the_link(world):
    links = f"{SUBNET}/serviceAssociationLinks"
    assert (await world.get(links))[2] == {"value": []}
    assert "serviceAssociationLinks" not in (await world.get(SUBNET))[2]["properties"]
    world.lease(SUBNET, "somebody")

    (link,) = (await world.get(links))[2]["value"]
    assert link["properties"]["linkedResourceType"] == GROUPS
    assert (await world.get(SUBNET))[2]["properties"]["serviceAssociationLinks"] == [link]
    _, _, network = await world.get(VNET)
    assert network["properties"]["subnets"][0]["properties"]["serviceAssociationLinks"] == [link]
    assert (await world.put(VNET, network["properties"]))[0] in {200, 201}
    assert (await world.get(f"{SUBNET}/resourceNavigationLinks"))[2] == {"value": []}


async def test_deleting_the_link_frees_what_is_left_of_groups_and_ends_none(world):
    assert (await world.delete(LINK))[0] == 204
    world.lease(SUBNET, "gone")
    assert (await world.delete(LINK))[0] == 200
    assert (await world.get(f"{SUBNET}/serviceAssociationLinks"))[2] == {"value": []}
    assert (await world.delete(LINK))[0] == 204

    def find_uid(conn):
        from silo import arm

        return world.resources.get(conn, arm.parse_resource_id(VNET)).uid

    world.lease(SUBNET, world.store.read_now(find_uid))  # anybody who is still there
    status, _, body = await world.delete(LINK)
    assert (status, body["error"]["code"]) == (409, "ServiceAssociationLinkInUse")
    assert (await world.get(f"{SUBNET}/serviceAssociationLinks"))[2]["value"]


async def test_a_subnet_can_be_left_to_container_groups(world):
    place = f"{NETWORK}/locations/westeurope/availableDelegations"

    (shown,) = (await world.get(place))[2]["value"]
    assert shown["serviceName"] == GROUPS
