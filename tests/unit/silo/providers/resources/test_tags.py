from typing import Any

import pytest

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
TAGS = "/providers/Microsoft.Resources/tags/default"


def wish(operation: str = "", **tags: str) -> dict[str, Any]:
    body: dict[str, Any] = {"properties": {"tags": tags}}
    return {**body, "operation": operation} if operation else body


async def put(world: Any, scope: str, **tags: str) -> dict[str, str]:
    body = await world.say(200, "PUT", f"{scope}{TAGS}", wish(**tags))
    return dict(body["properties"]["tags"])


@pytest.mark.parametrize(
    ("operation", "given", "left"),
    [
        ("Merge", {"A": "9", "c": "3"}, {"b": "2", "A": "9", "c": "3"}),
        ("replace", {"c": "3"}, {"c": "3"}),
        ("Delete", {"a": "1"}, {"b": "2"}),
        ("Delete", {"A": ""}, {"b": "2"}),
        ("Delete", {"a": "2", "c": ""}, {"a": "1", "b": "2"}),
    ],
)
async def test_tags_are_changed_as_asked(
    world: Any, operation: str, given: dict[str, str], left: dict[str, str]
) -> None:
    group = await world.make_group()
    await put(world, group, a="1", b="2")

    body = await world.say(200, "PATCH", f"{group}{TAGS}", wish(operation, **given))

    assert body["properties"]["tags"] == left
    assert (await world.say(200, "GET", group))["tags"] == left


async def test_subscriptions_and_resources_have_tags_too(world: Any) -> None:
    thing = await world.make_thing(await world.make_group())

    for scope in (SUB, thing):
        assert await put(world, scope, a="1") == {"a": "1"}
        await world.say(200, "DELETE", f"{scope}{TAGS}")
        body = await world.say(200, "GET", f"{scope}{TAGS}")
        assert (body["id"], body["properties"]["tags"]) == (f"{scope}{TAGS}", {})


async def test_a_changed_tag_is_a_changed_resource_that_stays_settled(world: Any) -> None:
    thing = await world.make_thing(await world.make_group())
    before = (await world.ask("GET", thing))[1]["etag"]

    await put(world, thing, a="1")

    after = (await world.ask("GET", thing))[1]["etag"]
    assert after != before
    assert (await world.say(200, "GET", thing))["properties"]["provisioningState"] == "Succeeded"
    stale = {"if-match": before}
    path = f"{thing}{TAGS}"
    assert await world.refuse("PreconditionFailed", "PUT", path, wish(), headers=stale) == 412


async def test_what_has_no_tags_refuses_them(world: Any) -> None:
    group = "/providers/Microsoft.Management/managementGroups/tenant"
    for scope in ("", group):
        assert await world.refuse("InvalidScope", "GET", f"{scope}{TAGS}") == 400
    path = f"{SUB}/resourceGroups/none{TAGS}"
    assert await world.refuse("ResourceGroupNotFound", "PUT", path, wish()) == 404


@pytest.mark.parametrize(
    "body", [None, [], {}, {"properties": 1}, {"properties": {"tags": 1}}, wish("Melt")]
)
async def test_a_malformed_body_is_refused(world: Any, body: Any) -> None:
    path = f"{await world.make_group()}{TAGS}"

    assert await world.refuse("InvalidRequestContent", "PATCH", path, body) == 400


async def test_tags_beyond_azures_limits_are_refused(world: Any) -> None:
    path = f"{await world.make_group()}{TAGS}"
    many = {f"t{number}": "" for number in range(51)}

    assert await world.refuse("InvalidTag", "PUT", path, wish(**many)) == 400


async def test_a_read_only_lock_keeps_tags_as_they_are(world: Any) -> None:
    group = await world.make_group()
    lock = f"{group}/providers/Microsoft.Authorization/locks/l"
    await world.say(201, "PUT", lock, {"properties": {"level": "ReadOnly"}})

    assert await world.refuse("ScopeLocked", "PUT", f"{group}{TAGS}", wish(a="1")) == 409


async def test_a_reader_reads_tags_and_writes_none(world: Any) -> None:
    path = f"{await world.make_group()}{TAGS}"

    await world.say(200, "GET", path, who="reader")
    assert await world.refuse("AuthorizationFailed", "PUT", path, wish(), who="reader") == 403


async def test_names_in_use_are_counted(world: Any) -> None:
    group = await world.make_group()
    await world.make_thing(group, "a", tags={"x": "1"})
    await world.make_thing(group, "b", tags={"x": "1"})
    await put(world, SUB, x="2")

    (item,) = (await world.say(200, "GET", f"{SUB}/tagNames"))["value"]

    assert (item["tagName"], item["count"]["value"]) == ("x", 3)
    assert [(v["tagValue"], v["count"]["value"]) for v in item["values"]] == [("1", 2), ("2", 1)]
    assert await world.refuse("NotSupported", "PUT", f"{SUB}/tagNames/y") == 400
