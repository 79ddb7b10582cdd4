import pytest

from .network_world import NSG, SUBNET, NetworkWorld, rule

RULE = f"{NSG}/securityRules/web"


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    await made.put(NSG)
    yield made
    made.store.close()


async def guard(world):
    await world.make_network()
    return await world.put(
        SUBNET, {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": NSG}}
    )


async def test_a_group_shows_its_rules_and_azures(world):
    status, _, _ = await world.put(RULE, rule())
    _, _, body = await world.get(NSG)

    assert status == 201
    assert [each["name"] for each in body["properties"]["securityRules"]] == ["web"]
    assert [each["name"] for each in body["properties"]["defaultSecurityRules"]] == [
        "AllowVnetInBound",
        "AllowAzureLoadBalancerInBound",
        "DenyAllInBound",
        "AllowVnetOutBound",
        "AllowInternetOutBound",
        "DenyAllOutBound",
    ]


async def test_rules_sent_with_their_group_replace_those_that_were(world):
    await world.put(RULE, rule())

    _, _, body = await world.put(
        NSG, {"securityRules": [{"name": "other", "properties": rule(200)}]}
    )

    assert [each["name"] for each in body["properties"]["securityRules"]] == ["other"]
    assert (await world.get(RULE))[0] == 404


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"priority": 99}, "SecurityRuleInvalidPriority"),
        ({"priority": 4097}, "SecurityRuleInvalidPriority"),
        ({"destinationPortRange": "90-80"}, "SecurityRuleInvalidPortRange"),
        ({"destinationPortRange": "70000"}, "SecurityRuleInvalidPortRange"),
        ({"sourceAddressPrefix": "Sql"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": "10.0.0.0/33"}, "SecurityRuleInvalidAddressPrefix"),
        ({"sourceAddressPrefix": None}, "SecurityRuleInvalid"),
        ({"sourceApplicationSecurityGroups": [{"id": "x"}]}, "NotSupported"),
        ({"protocol": "Sctp"}, "InvalidRequestContent"),
    ],
)
async def test_a_rule_that_means_nothing_is_refused(world, parts, code):
    status, _, body = await world.put(RULE, rule(**parts))

    assert (status, body["error"]["code"]) == (400, code)


async def test_two_rules_of_one_direction_and_priority_are_refused(world):
    await world.put(RULE, rule())

    status, _, body = await world.put(f"{NSG}/securityRules/again", rule())
    assert (status, body["error"]["code"]) == (400, "SecurityRuleConflict")
    status, _, _ = await world.put(f"{NSG}/securityRules/out", rule(direction="Outbound"))
    assert status == 201


async def test_a_group_in_use_is_not_deleted(world):
    assert (await guard(world))[0] == 201

    status, _, body = await world.delete(NSG)

    assert (status, body["error"]["code"]) == (400, "InUseNetworkSecurityGroupCannotBeDeleted")


async def test_a_reference_counts_however_it_is_written(world):
    await world.make_network()
    odd = NSG.replace("/providers/", "//PROVIDERS/") + "/"
    status, _, _ = await world.put(
        SUBNET, {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": odd}}
    )

    assert status == 201
    assert (await world.delete(NSG))[0] == 400


async def test_a_change_is_put_in_force_where_groups_run(world):
    await guard(world)
    world.lease(SUBNET, "somebody")

    await world.put(RULE, rule(access="Deny"))
    await world.reconciler.settle_all()

    ((_, rules),) = world.applied
    inbound = rules.find_subnet("10.0.0.4").inbound
    assert (inbound[0].name, inbound[0].allow) == ("web", False)


async def test_a_deleted_rule_is_out_of_force(world):
    await guard(world)
    await world.put(RULE, rule(access="Deny"))
    world.lease(SUBNET, "somebody")

    await world.delete(RULE)
    await world.reconciler.settle_all()

    ((_, rules),) = world.applied
    assert "web" not in {each.name for each in rules.find_subnet("10.0.0.4").inbound}
    assert (await world.get(RULE))[0] == 404


async def test_without_groups_nothing_is_asked_of_the_engine(world):
    await guard(world)

    _, _, body = await world.put(RULE, rule())

    assert body["properties"]["provisioningState"] == "Succeeded"
    assert world.applied == []
