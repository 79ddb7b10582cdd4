from typing import Any

import pytest

from silo import access

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUPS = "/providers/Microsoft.Management/managementGroups"


def wish(parent: str = "", name: str = "") -> dict[str, Any]:
    details = {"parent": {"id": f"{GROUPS}/{parent}"}} if parent else {"parent": {}}
    return {"properties": {"displayName": name or None, "details": details}}


async def make(world: Any, name: str, parent: str = "") -> dict[str, Any]:
    body = await world.say(200, "PUT", f"{GROUPS}/{name}", wish(parent))
    return dict(body["properties"])


async def show(world: Any, name: str, query: str = "") -> dict[str, Any]:
    body = await world.say(200, "GET", f"{GROUPS}/{name}?api-version=2021-04-01{query}")
    return dict(body["properties"])


async def test_a_group_is_made_under_the_root_or_where_it_is_wanted(world: Any) -> None:
    outer = await make(world, "outer")
    inner = await make(world, "inner", "OUTER")

    assert outer["details"]["parent"]["name"] == "tenant"
    assert (inner["displayName"], inner["details"]["parent"]["name"]) == ("inner", "outer")
    (child,) = (await show(world, "outer", "&$expand=children"))["children"]
    assert (child["name"], child["type"]) == ("inner", "Microsoft.Management/managementGroups")
    assert "children" not in child
    path = (await show(world, "inner", "&$expand=path"))["details"]["path"]
    assert [step["name"] for step in path] == ["tenant", "outer"]


async def test_the_whole_tree_is_shown_when_asked(world: Any) -> None:
    await make(world, "outer")
    await make(world, "inner", "outer")

    tree = (await show(world, "tenant", "&$expand=children&$recurse=true"))["children"]

    assert [child["name"] for child in tree if child["type"] == "/subscriptions"] == [
        SUB.rpartition("/")[2],
        "22222222-2222-2222-2222-222222222222",
    ]
    assert tree[0]["children"][0]["name"] == "inner"


async def test_a_group_is_renamed_and_moved(world: Any) -> None:
    for name in ("a", "b"):
        await make(world, name)

    await world.say(200, "PATCH", f"{GROUPS}/b", {"displayName": "Bee", "parentGroupId": None})
    body = await world.say(200, "PATCH", f"{GROUPS}/b", {"parentGroupId": f"{GROUPS}/a"})

    assert body["properties"]["displayName"] == "Bee"
    assert body["properties"]["details"]["parent"]["name"] == "a"
    assert await world.refuse("NotFound", "PATCH", f"{GROUPS}/none", {}) == 404


async def test_a_tree_has_no_circles_and_seven_levels(world: Any) -> None:
    above = ""
    for level in range(6):
        await make(world, f"l{level}", above)
        above = f"l{level}"

    assert await world.refuse("BadRequest", "PUT", f"{GROUPS}/l6", wish("l5")) == 400
    assert await world.refuse("BadRequest", "PUT", f"{GROUPS}/l0", wish("l2")) == 400
    assert await world.refuse("BadRequest", "PUT", f"{GROUPS}/l0", wish("l0")) == 400
    await make(world, "x")
    assert await world.refuse("BadRequest", "PUT", f"{GROUPS}/l0", wish("x")) == 400
    assert await world.refuse("NotFound", "PUT", f"{GROUPS}/x", wish("none")) == 404


async def test_the_root_stays(world: Any) -> None:
    await make(world, "a")
    code = "RootManagementGroupCannotBeChanged"

    assert await world.refuse(code, "PUT", f"{GROUPS}/tenant", wish("a")) == 409
    assert await world.refuse(code, "DELETE", f"{GROUPS}/tenant") == 409
    renamed = await world.say(200, "PUT", f"{GROUPS}/tenant", wish(name="Top"))
    assert renamed["properties"]["displayName"] == "Top"
    assert renamed["properties"]["details"]["parent"] is None


async def test_only_an_empty_group_is_deleted_and_its_rights_go_along(world: Any) -> None:
    await make(world, "a")
    await make(world, "b", "a")
    world.give("kim", "Owner", f"{GROUPS}/b")

    assert await world.refuse("ManagementGroupNotEmpty", "DELETE", f"{GROUPS}/a") == 409
    await world.say(204, "DELETE", f"{GROUPS}/b")
    await world.say(204, "DELETE", f"{GROUPS}/b")

    assert await world.refuse("NotFound", "GET", f"{GROUPS}/b") == 404
    await make(world, "b")
    assert await world.refuse("AuthorizationFailed", "GET", f"{GROUPS}/b", who="kim") == 403


async def test_who_may_read_a_group_finds_it_in_the_list(world: Any) -> None:
    for name in ("a", "b"):
        await make(world, name)
    world.give("kim", "Reader", f"{GROUPS}/a")

    everybody = [item["name"] for item in (await world.say(200, "GET", GROUPS))["value"]]
    kim = [item["name"] for item in (await world.say(200, "GET", GROUPS, who="kim"))["value"]]

    assert (everybody, kim) == (["a", "b", "tenant"], ["a"])


async def test_moving_needs_rights_on_both_sides_and_over_what_moves(world: Any) -> None:
    for name in ("a", "b", "c"):
        await make(world, name)
    await make(world, "x", "a")
    world.give("kim", "Owner", f"{GROUPS}/b")
    world.give("kim", "Contributor", f"{GROUPS}/a")
    to_b, to_c = wish("b"), wish("c")
    path = f"{GROUPS}/x"

    assert await world.refuse("AuthorizationFailed", "PUT", path, to_b, who="kim") == 403
    world.give("kim", "Owner", f"{GROUPS}/x")
    assert await world.refuse("AuthorizationFailed", "PUT", path, to_c, who="kim") == 403
    await world.say(200, "PUT", path, to_b, who="kim")


async def test_a_new_group_needs_the_right_at_the_root(world: Any) -> None:
    world.give("kim", "Owner", SUB)

    status = await world.refuse("AuthorizationFailed", "PUT", f"{GROUPS}/k", wish(), who="kim")
    assert status == 403


async def test_names_are_checked(world: Any) -> None:
    path = "/providers/Microsoft.Management/checkNameAvailability"
    await make(world, "a")

    taken = await world.say(200, "POST", path, {"name": "A"})
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert (await world.say(200, "POST", path, {"name": "a/b"}))["reason"] == "Invalid"
    assert (await world.say(200, "POST", path, {"name": "b"}))["nameAvailable"] is True
    put = f"{GROUPS}/a+b"
    assert await world.refuse("InvalidResourceName", "PUT", put, wish()) == 400


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"properties": 1},
        {"properties": {"details": 1}},
        {"properties": {"details": {"parent": "x"}}},
        {"properties": {"displayName": 1}},
        {"properties": {"displayName": "x" * 257}},
    ],
)
async def test_a_malformed_body_is_refused(world: Any, body: Any) -> None:
    assert await world.refuse("InvalidRequestContent", "PUT", f"{GROUPS}/a", body) == 400


async def test_rights_run_down_the_tree(world: Any) -> None:
    await make(world, "a")
    await world.say(200, "PUT", f"{GROUPS}/a/subscriptions/{SUB.rpartition('/')[2]}")

    parents = world.store.read_now(access.list_parents)

    assert access.is_within(parents, f"{SUB}/resourceGroups/g", f"{GROUPS}/a")
