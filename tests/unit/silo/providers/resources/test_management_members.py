from typing import Any

GUID = "11111111-1111-1111-1111-111111111111"
SUB = f"/subscriptions/{GUID}"
GROUPS = "/providers/Microsoft.Management/managementGroups"
ENTITIES = "/providers/Microsoft.Management/getEntities"


async def make(world: Any, name: str, parent: str = "tenant") -> None:
    details = {"parent": {"id": f"{GROUPS}/{parent}"}}
    await world.say(200, "PUT", f"{GROUPS}/{name}", {"properties": {"details": details}})


async def test_a_subscription_is_put_in_and_taken_out(world: Any) -> None:
    await make(world, "a")
    path = f"{GROUPS}/a/subscriptions/{GUID}"

    added = await world.say(200, "PUT", path)

    assert (added["name"], added["properties"]["state"]) == (GUID, "Active")
    assert await world.say(200, "GET", path) == added
    listed = await world.say(200, "GET", f"{GROUPS}/a/subscriptions")
    assert listed["value"] == [added]
    await world.say(200, "DELETE", path)
    assert await world.refuse("NotFound", "GET", path) == 404
    assert await world.refuse("NotFound", "DELETE", path) == 404
    await world.say(200, "GET", f"{GROUPS}/tenant/subscriptions/{GUID}")


async def test_what_does_not_exist_is_not_found(world: Any) -> None:
    await make(world, "a")

    assert await world.refuse("NotFound", "PUT", f"{GROUPS}/b/subscriptions/{GUID}") == 404
    assert await world.refuse("SubscriptionNotFound", "PUT", f"{GROUPS}/a/subscriptions/x") == 404


async def test_a_subscription_brings_the_groups_rights_with_it(world: Any) -> None:
    await make(world, "a")
    world.give("kim", "Reader", f"{GROUPS}/a")
    assert await world.refuse("AuthorizationFailed", "GET", SUB, who="kim") == 403

    await world.say(200, "PUT", f"{GROUPS}/a/subscriptions/{GUID}")

    assert (await world.say(200, "GET", SUB, who="kim"))["subscriptionId"] == GUID


async def test_nobody_draws_a_subscription_into_his_own_group(world: Any) -> None:
    await make(world, "a")
    world.give("kim", "Owner", f"{GROUPS}/a")
    path = f"{GROUPS}/a/subscriptions/{GUID}"

    assert await world.refuse("AuthorizationFailed", "PUT", path, who="kim") == 403


async def test_descendants_are_listed_with_what_is_above_them(world: Any) -> None:
    await make(world, "a")
    await make(world, "b", "a")
    await world.say(200, "PUT", f"{GROUPS}/b/subscriptions/{GUID}")

    body = await world.say(200, "GET", f"{GROUPS}/a/descendants")

    found = {item["name"]: item["properties"]["parent"]["id"] for item in body["value"]}
    assert found == {"b": f"{GROUPS}/a", GUID: f"{GROUPS}/b"}


async def test_entities_are_those_with_a_role(world: Any) -> None:
    world.give("kim", "Reader", f"{SUB}/resourceGroups/g")

    kim = (await world.say(200, "POST", ENTITIES, who="kim"))["value"]
    nobody = (await world.say(200, "POST", ENTITIES, who="nobody"))["value"]

    found = {item["name"]: item["properties"]["permissions"] for item in kim}
    assert found == {GUID: "noaccess", "tenant": "noaccess"}
    assert nobody == []
