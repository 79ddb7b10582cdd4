from typing import Any

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"


def names(body: Any) -> list[str]:
    return [item["name"] for item in body["value"]]


async def test_resources_of_a_subscription_and_of_a_group_are_listed(world: Any) -> None:
    one, two = await world.make_group(), await world.make_group("g2")
    await world.make_thing(one, "a", tags={"x": "1"})
    await world.make_thing(two, "b")

    body = await world.say(200, "GET", f"{SUB}/resources")

    assert names(body) == ["a", "b"]
    assert body["value"][0]["type"] == "Silo.Test/things"
    assert body["value"][0]["tags"] == {"x": "1"}
    assert "properties" not in body["value"][0]
    assert names(await world.say(200, "GET", f"{two}/resources")) == ["b"]


async def test_filters_and_expansions_are_applied(world: Any) -> None:
    group = await world.make_group()
    await world.make_thing(group, "a")
    wanted = "resourceType%20eq%20'silo.test/THINGS'%20and%20name%20eq%20'a'"
    path = f"{SUB}/resources?api-version=2024-11-01&$filter={wanted}"

    body = await world.say(200, "GET", f"{path}&$expand=createdTime,changedTime,provisioningState")
    none = await world.say(200, "GET", path.replace("'a'", "'b'"))

    assert body["value"][0]["provisioningState"] == "Succeeded"
    assert body["value"][0]["createdTime"] <= body["value"][0]["changedTime"]
    assert names(none) == []
    broken = f"{SUB}/resources?api-version=2024-11-01&$filter=name%20eq"
    assert await world.refuse("InvalidFilterInQueryString", "GET", broken) == 400


async def test_everybody_sees_what_he_may_read(world: Any) -> None:
    group = await world.make_group()
    thing = await world.make_thing(group, "a")
    await world.make_thing(group, "b")
    world.give("kim", "Reader", thing)

    assert names(await world.say(200, "GET", f"{SUB}/resources", who="kim")) == ["a"]
    assert names(await world.say(200, "GET", f"{group}/resources", who="kim")) == ["a"]
    path = f"{SUB}/resources"
    assert await world.refuse("AuthorizationFailed", "GET", path, who="nobody") == 403


async def test_locks_and_groups_are_no_resources(world: Any) -> None:
    group = await world.make_group()
    lock = f"{group}/providers/Microsoft.Authorization/locks/l"
    await world.say(201, "PUT", lock, {"properties": {"level": "CanNotDelete"}})

    assert names(await world.say(200, "GET", f"{SUB}/resources")) == []


async def test_a_group_that_does_not_exist_lists_nothing(world: Any) -> None:
    path = f"{SUB}/resourceGroups/none/resources"

    assert await world.refuse("ResourceGroupNotFound", "GET", path) == 404


async def test_dots_are_no_name_of_a_group(world: Any) -> None:
    path = f"{SUB}/resourceGroups/../resources"

    assert await world.refuse("AuthorizationFailed", "GET", path) == 403
