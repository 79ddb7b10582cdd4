"""Promises of silo.identity.graph_roles."""

from tests.unit.silo.identity.graph_client import Graph, find_role

ASSIGNMENTS = "/roleManagement/directory/roleAssignments"


async def test_roles_carry_entras_template_ids(graph: Graph) -> None:
    listed = await graph.call("GET", "/directoryRoles?$filter=displayName eq 'User Administrator'")
    by_template = await graph.call(
        "GET", "/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')"
    )
    definition = await graph.call(
        "GET", "/roleManagement/directory/roleDefinitions/62e90394-69f5-4237-9190-012177145e10"
    )

    assert [each["id"] for each in listed.json()["value"]] == [
        "fe930be7-5e62-47db-91af-98c3a49a38b1"
    ]
    assert by_template.json()["displayName"] == "Global Administrator"
    assert definition.json()["isBuiltIn"] is True


async def test_a_role_is_given_shown_and_taken(graph: Graph) -> None:
    user = graph.add_user("ada")
    body = {
        "roleDefinitionId": find_role("User Administrator"),
        "principalId": user,
        "directoryScopeId": "/",
    }

    given = await graph.call("POST", ASSIGNMENTS, body)
    again = await graph.call("POST", ASSIGNMENTS, body)
    shown = await graph.call("GET", f"{ASSIGNMENTS}?$filter=principalId eq '{user}'")
    member_of = await graph.call("GET", f"/users/{user}/memberOf")
    one = await graph.call("GET", f"{ASSIGNMENTS}/{given.json()['id']}")
    taken = await graph.call("DELETE", f"{ASSIGNMENTS}/{given.json()['id']}")
    gone = await graph.call("DELETE", f"{ASSIGNMENTS}/{given.json()['id']}")

    assert [given.status_code, again.status_code] == [201, 400]
    assert [each["id"] for each in shown.json()["value"]] == [given.json()["id"]]
    assert [each["@odata.type"] for each in member_of.json()["value"]] == [
        "#microsoft.graph.directoryRole"
    ]
    assert one.json()["principalId"] == user
    assert [taken.status_code, gone.status_code] == [204, 404]


async def test_members_of_a_role_come_and_go(graph: Graph) -> None:
    user = graph.add_user("ada")
    path = f"/directoryRoles/{find_role('Global Reader')}/members"
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{user}"}

    added = await graph.call("POST", f"{path}/$ref", link)
    listed = await graph.call("GET", path)
    removed = await graph.call("DELETE", f"{path}/{user}/$ref")
    missing = await graph.call("DELETE", f"{path}/{user}/$ref")

    assert [each.status_code for each in (added, removed, missing)] == [204, 204, 404]
    assert [each["id"] for each in listed.json()["value"]] == [user]


async def test_nobody_gives_roles_without_the_right_to(graph: Graph) -> None:
    user = graph.add_user("ada", role="User Administrator")
    body = {"roleDefinitionId": find_role("Global Administrator"), "principalId": user}

    answer = await graph.call("POST", ASSIGNMENTS, body, token="ada")

    assert answer.status_code == 403


async def test_what_cannot_hold_a_role_is_refused(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")
    reader = find_role("Directory Readers")

    async def give(role: str, principal: str, scope: str = "/") -> int:
        body = {"roleDefinitionId": role, "principalId": principal, "directoryScopeId": scope}
        return (await graph.call("POST", ASSIGNMENTS, body)).status_code

    user = graph.sign_in.tokens["admin"]
    assert await give(reader, application) == 400
    assert await give(reader, "nobody") == 404
    assert await give("nothing", user) == 404
    assert await give(reader, user, "/administrativeUnits/x") == 400
