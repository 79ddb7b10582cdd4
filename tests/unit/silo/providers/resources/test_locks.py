from typing import Any

import pytest

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
LOCKS = "/providers/Microsoft.Authorization/locks"
KEEP = {"properties": {"level": "CanNotDelete", "notes": "mine"}}
FREEZE = {"properties": {"level": "ReadOnly"}}


def names(body: Any) -> list[str]:
    return [item["name"] for item in body["value"]]


async def test_a_lock_is_put_changed_and_taken_off(world: Any) -> None:
    group = await world.make_group()
    path = f"{group}{LOCKS}/keep"

    made = await world.say(201, "PUT", path, KEEP)
    changed = await world.say(200, "PUT", path, FREEZE)

    assert made["properties"] == {"level": "CanNotDelete", "notes": "mine"}
    assert (changed["id"], changed["properties"]) == (path, {"level": "ReadOnly"})
    assert await world.say(200, "GET", path) == changed
    await world.say(200, "DELETE", path)
    await world.say(204, "DELETE", path)
    assert await world.refuse("LockNotFound", "GET", path) == 404


async def test_a_lock_holds_below_its_scope_whoever_asks(world: Any) -> None:
    group = await world.make_group()
    thing = await world.make_thing(group)
    await world.say(201, "PUT", f"{SUB}{LOCKS}/keep", KEEP)

    assert await world.refuse("ScopeLocked", "DELETE", thing) == 409
    await world.say(200, "PATCH", thing, {"tags": {"a": "1"}})
    await world.say(200, "PUT", f"{SUB}{LOCKS}/keep", FREEZE)
    assert await world.refuse("ScopeLocked", "PATCH", thing, {"tags": {}}) == 409


async def test_locks_are_listed_at_a_scope_and_below(world: Any) -> None:
    group = await world.make_group()
    for scope, name in ((SUB, "s"), (group, "g"), (await world.make_thing(group), "t")):
        await world.say(201, "PUT", f"{scope}{LOCKS}/{name}", KEEP)
    only = "?api-version=2016-09-01&$filter=atScope()"

    assert sorted(names(await world.say(200, "GET", f"{SUB}{LOCKS}"))) == ["g", "s", "t"]
    assert sorted(names(await world.say(200, "GET", f"{group}{LOCKS}"))) == ["g", "t"]
    assert names(await world.say(200, "GET", f"{group}{LOCKS}{only}")) == ["g"]
    broken = f"{SUB}{LOCKS}?api-version=2016-09-01&$filter=nope()"
    assert await world.refuse("InvalidFilterInQueryString", "GET", broken) == 400


async def test_contributors_neither_lock_nor_unlock(world: Any) -> None:
    path = f"{await world.make_group()}{LOCKS}/keep"
    await world.say(201, "PUT", path, KEEP)
    world.give("kim", "Contributor", SUB)

    for method in ("PUT", "DELETE"):
        status = await world.refuse("AuthorizationFailed", method, path, KEEP, who="kim")
        assert status == 403


@pytest.mark.parametrize(
    "body", [None, [], {}, {"properties": {}}, {"properties": {"level": "NotSpecified"}}]
)
async def test_a_malformed_lock_is_refused(world: Any, body: Any) -> None:
    path = f"{await world.make_group()}{LOCKS}/keep"

    assert await world.refuse("InvalidRequestContent", "PUT", path, body) == 400


async def test_only_what_exists_below_a_subscription_is_locked(world: Any) -> None:
    group = await world.make_group()
    await world.say(201, "PUT", f"{group}{LOCKS}/keep", KEEP)

    for scope in ("", "/providers/Microsoft.Management/managementGroups/tenant"):
        assert await world.refuse("InvalidScope", "PUT", f"{scope}{LOCKS}/x", KEEP) == 400
    on_lock = f"{group}{LOCKS}/keep{LOCKS}/x"
    assert await world.refuse("InvalidScope", "PUT", on_lock, KEEP) == 400
    absent = f"{group}/providers/Silo.Test/things/none{LOCKS}/x"
    assert await world.refuse("ResourceNotFound", "PUT", absent, KEEP) == 404
    assert await world.refuse("InvalidResourceName", "PUT", f"{group}{LOCKS}/a.", KEEP) == 400
