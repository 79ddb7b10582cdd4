"""Promises of silo.identity.graph_groups and of the membership calls of graph_objects."""

from typing import Any

import pytest
from tests.unit.silo.identity.graph_client import Graph

BODY = {"displayName": "g", "mailNickname": "g", "mailEnabled": False, "securityEnabled": True}


async def make(graph: Graph, name: str, **extra: Any) -> str:
    answer = await graph.call("POST", "/groups", {**BODY, "displayName": name, **extra})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def link(object_id: str) -> dict[str, str]:
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{object_id}"}


async def test_az_looks_a_group_up_by_both_names(graph: Graph) -> None:
    await make(graph, "g")

    found = await graph.call("GET", "/groups?$filter=displayName eq 'G' and mailNickname eq 'g'")
    none = await graph.call("GET", "/groups?$filter=displayName eq 'x' and mailNickname eq 'g'")

    assert len(found.json()["value"]) == 1
    assert none.json()["value"] == []


async def test_members_come_and_go(graph: Graph) -> None:
    user = graph.add_user("ada")
    group = await make(graph, "g")

    added = await graph.call("POST", f"/groups/{group}/members/$ref", link(user))
    again = await graph.call("POST", f"/groups/{group}/members/$ref", link(user))
    listed = await graph.call("GET", f"/groups/{group}/members")
    removed = await graph.call("DELETE", f"/groups/{group}/members/{user}/$ref")
    missing = await graph.call("DELETE", f"/groups/{group}/members/{user}/$ref")

    assert (added.status_code, added.content) == (204, b"")
    assert again.status_code == 400
    [member] = listed.json()["value"]
    assert member["@odata.type"] == "#microsoft.graph.user"
    assert member["userPrincipalName"] == "ada@silo.test"
    assert [removed.status_code, missing.status_code] == [204, 404]


async def test_nested_groups_are_seen_from_both_ends(graph: Graph) -> None:
    user = graph.add_user("ada")
    inner = await make(graph, "inner", **{"members@odata.bind": [link(user)["@odata.id"]]})
    outer = await make(graph, "outer", **{"members@odata.bind": [link(inner)["@odata.id"]]})
    await graph.call("POST", f"/groups/{inner}/members/$ref", link(outer))

    async def ids(path: str) -> set[str]:
        return {each["id"] for each in (await graph.call("GET", path)).json()["value"]}

    assert await ids(f"/groups/{outer}/members") == {inner}
    assert await ids(f"/groups/{outer}/transitiveMembers") == {inner, outer, user}
    assert await ids(f"/users/{user}/memberOf") == {inner}
    assert await ids("/users/ada@silo.test/transitiveMemberOf") == {inner, outer}
    groups = await graph.call("POST", f"/users/{user}/getMemberGroups", {})
    assert set(groups.json()["value"]) == {inner, outer}
    check = await graph.call(
        "POST", f"/directoryObjects/{user}/checkMemberGroups", {"groupIds": [outer, user]}
    )
    assert check.json()["value"] == [outer]
    mine = await graph.call("GET", "/me/memberOf", token="ada")
    assert [each["id"] for each in mine.json()["value"]] == [inner]


async def test_a_member_that_cannot_be_is_refused(graph: Graph) -> None:
    group = await make(graph, "g")
    application, _, principal = graph.add_application("app")

    async def add(object_id: str) -> int:
        answer = await graph.call("POST", f"/groups/{group}/members/$ref", link(object_id))
        return answer.status_code

    assert await add(group) == 400
    assert await add(application) == 400
    assert await add("nobody") == 404
    assert await add(principal) == 204


@pytest.mark.parametrize(
    "change",
    [
        {"mailEnabled": True},
        {"securityEnabled": False},
        {"groupTypes": ["Unified"]},
        {"isAssignableToRole": True},
        {"mailNickname": None},
        {"membershipRule": "all"},
    ],
)
async def test_a_kind_of_group_that_does_not_exist_here_is_refused(
    graph: Graph, change: dict[str, Any]
) -> None:
    answer = await graph.call("POST", "/groups", BODY | change)

    assert answer.status_code == 400


async def test_the_creator_owns_the_group_and_may_manage_it(graph: Graph) -> None:
    graph.add_user("boss", role="Groups Administrator")
    ada = graph.add_user("ada")
    made = await graph.call("POST", "/groups", BODY, token="boss")
    group = made.json()["id"]
    await graph.call("POST", f"/groups/{group}/owners/$ref", link(ada))

    owners = await graph.call("GET", f"/groups/{group}/owners", token="ada")
    changed = await graph.call("PATCH", f"/groups/{group}", {"description": "d"}, token="ada")
    added = await graph.call("POST", f"/groups/{group}/members/$ref", link(ada), token="ada")
    shown = await graph.call("GET", f"/groups/{group}")
    deleted = await graph.call("DELETE", f"/groups/{group}", token="ada")

    assert len(owners.json()["value"]) == 2
    assert [each.status_code for each in (changed, added, deleted)] == [204, 204, 204]
    assert shown.json()["description"] == "d"


async def test_objects_are_got_by_ids_with_their_type(graph: Graph) -> None:
    user = graph.add_user("ada")
    group = await make(graph, "g")
    application, app_id, principal = graph.add_application("app")
    ids = [user, group, application, principal, "nobody"]

    everything = await graph.call("POST", "/directoryObjects/getByIds", {"ids": ids})
    some = await graph.call(
        "POST",
        "/directoryObjects/getByIds",
        {
            "ids": ids,
            "types": ["user", "group", "servicePrincipal", "directoryObjectPartnerReference"],
        },
    )
    wrong = await graph.call("POST", "/directoryObjects/getByIds", {"ids": ids, "types": ["x"]})

    types = {each["id"]: each["@odata.type"] for each in everything.json()["value"]}
    assert types == {
        user: "#microsoft.graph.user",
        group: "#microsoft.graph.group",
        application: "#microsoft.graph.application",
        principal: "#microsoft.graph.servicePrincipal",
    }
    assert {each["id"] for each in some.json()["value"]} == {user, group, principal}
    [found] = [each for each in some.json()["value"] if each["id"] == principal]
    assert found["servicePrincipalNames"] == [app_id]
    assert wrong.status_code == 400


async def test_what_nobody_has_is_an_empty_list(graph: Graph) -> None:
    _, _, principal = graph.add_application("app")

    for path in (
        "/oauth2PermissionGrants?$filter=clientId eq 'x'",
        f"/servicePrincipals/{principal}/appRoleAssignments",
        f"/servicePrincipals/{principal}/appRoleAssignedTo",
    ):
        assert (await graph.call("GET", path)).json()["value"] == []
