from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, GUID, NOW, OTHER, SUB, World

from silo import access, arm, audit, core, identity
from silo.providers.authorization import errors

ITEM, LIST = "roleAssignments/{name}", "/roleAssignments"
NEW = GUID.format(7)


def wish(role: str, principal: str, **more: Any) -> dict[str, Any]:
    guid = access.ROLE_IDS.get(role, role)
    definition = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    return {"properties": {"roleDefinitionId": definition, "principalId": principal, **more}}


async def test_a_role_is_given_and_read_back_in_azures_shape(world: World) -> None:
    body = wish("AcrPull", world.kim.object_id, principalType="User", description="why")

    made = await world.ask("PUT", ITEM, GROUP, body, name=NEW)
    read = await world.ask("GET", ITEM, GROUP, name=NEW.upper())

    assert made.status == 201
    assert read.body == made.body
    assert made.body["id"] == f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/{NEW}"
    assert made.body["properties"] == {
        "roleDefinitionId": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/"
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "principalId": world.kim.object_id,
        "principalType": "User",
        "scope": GROUP,
        "condition": None,
        "conditionVersion": None,
        "createdOn": "2026-11-23T10:00:00.0000000Z",
        "updatedOn": "2026-11-23T10:00:00.0000000Z",
        "createdBy": world.admin.object_id,
        "updatedBy": world.admin.object_id,
        "delegatedManagedIdentityResourceId": None,
        "description": "why",
    }
    assert world.authorizer.decide(
        world.kim, "Microsoft.ContainerRegistry/registries/pull/read", f"{GROUP}/x/y"
    ).allowed


async def test_deed_and_record_are_one(world: World) -> None:
    await world.ask("PUT", ITEM, GROUP, wish("Reader", world.kim.object_id), name=NEW)

    ((_, record),) = world.store.read_now(
        lambda conn: audit.list_records(conn, category="Administrative", since=NOW, until=NOW)
    )
    assert record["operation"] == "Microsoft.Authorization/roleAssignments/write"
    assert record["properties"]["principalId"] == world.kim.object_id


async def test_the_same_role_again_says_which_assignment_gives_it(world: World) -> None:
    body = wish("Reader", world.kim.object_id)
    await world.ask("PUT", ITEM, GROUP, body, name=NEW)

    with pytest.raises(errors.RoleAssignmentExists, match=NEW.replace("-", "")):
        await world.ask("PUT", ITEM, GROUP, body, name=GUID.format(8))


async def test_the_same_name_again_changes_the_description_alone(world: World) -> None:
    kim = world.kim.object_id
    await world.ask("PUT", ITEM, GROUP, wish("Reader", kim), name=NEW)

    again = await world.ask("PUT", ITEM, GROUP, wish("Reader", kim, description="d"), name=NEW)

    assert (again.status, again.body["properties"]["description"]) == (200, "d")
    for body, scope in (
        (wish("Owner", kim), GROUP),
        (wish("Reader", world.team), GROUP),
        (wish("Reader", kim), SUB),
    ):
        with pytest.raises(errors.RoleAssignmentUpdateNotPermitted):
            await world.ask("PUT", ITEM, scope, body, name=NEW)


async def test_who_is_not_in_the_directory_is_given_nothing(world: World) -> None:
    with pytest.raises(errors.PrincipalNotFound):
        await world.ask("PUT", ITEM, GROUP, wish("Reader", GUID.format(99)), name=NEW)


async def test_the_kind_of_principal_is_the_directorys(world: World) -> None:
    made = await world.ask("PUT", ITEM, GROUP, wish("Reader", world.team), name=NEW)

    assert made.body["properties"]["principalType"] == "Group"
    body = wish("AcrPull", world.team, principalType="User")
    with pytest.raises(errors.UnmatchedPrincipalType):
        await world.ask("PUT", ITEM, GROUP, body, name=GUID.format(8))
    body = wish("AcrPull", world.team, principalType="Everyone")
    with pytest.raises(errors.InvalidPrincipalType):
        await world.ask("PUT", ITEM, GROUP, body, name=GUID.format(8))


async def test_a_role_that_is_not_there_cannot_be_given(world: World) -> None:
    for role in (GUID.format(99), "", "../x"):
        with pytest.raises(errors.RoleDefinitionDoesNotExist):
            await world.ask("PUT", ITEM, GROUP, wish(role, world.kim.object_id), name=NEW)
    body = wish("Reader", world.kim.object_id)
    body["properties"]["roleDefinitionId"] = access.ROLE_IDS["Reader"]
    with pytest.raises(errors.RoleDefinitionDoesNotExist):
        await world.ask("PUT", ITEM, GROUP, body, name=NEW)


async def test_a_custom_role_is_given_only_where_it_may_be(world: World) -> None:
    role = access.RoleDefinition(GUID.format(50), "C", "CustomRole", "", (), (GROUP,))
    world.store.write_now(lambda conn: access.put_definition(conn, role))
    body = wish(role.id, world.kim.object_id)

    with pytest.raises(errors.RoleDefinitionDoesNotExist):
        await world.ask("PUT", ITEM, SUB, body, name=NEW)
    assert (await world.ask("PUT", ITEM, GROUP, body, name=NEW)).status == 201


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("/subscriptions/33333333-3333-3333-3333-333333333333", arm.SubscriptionNotFound),
        (f"{SUB}/resourceGroups/none", arm.ResourceGroupNotFound),
        (f"{GROUP}/providers/Microsoft.X/y/z", arm.ResourceNotFound),
    ],
)
async def test_rights_are_not_given_ahead_of_what_they_are_for(
    world: World, scope: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.ask("PUT", ITEM, scope, wish("Reader", world.kim.object_id), name=NEW)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"properties": None},
        {"properties": {"principalId": "x"}},
        wish("Reader", "x", condition="(true)", conditionVersion="2.0"),
        wish("Reader", "x", delegatedManagedIdentityResourceId="/x"),
        wish("Reader", 7),  # type: ignore[arg-type]
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(world: World, body: Any) -> None:
    with pytest.raises(arm.InvalidRequestContent):
        await world.ask("PUT", ITEM, GROUP, body, name=NEW)


async def test_a_name_must_be_a_guid(world: World) -> None:
    with pytest.raises(errors.InvalidRoleAssignmentId):
        await world.ask("PUT", ITEM, GROUP, wish("Reader", "x"), name="mine")


async def test_a_condition_is_refused_for_it_could_not_be_kept(world: World) -> None:
    body = wish("Owner", world.kim.object_id, condition="(true)", conditionVersion="2.0")
    with pytest.raises(arm.InvalidRequestContent, match="conditions are not evaluated"):
        await world.ask("PUT", ITEM, GROUP, body, name=NEW)

    assert not world.authorizer.decide(world.kim, "x/read", GROUP).allowed


async def test_an_assignment_is_reached_only_at_its_own_scope(world: World) -> None:
    await world.ask("PUT", ITEM, SUB, wish("Reader", world.kim.object_id), name=NEW)

    assert (await world.ask("DELETE", ITEM, GROUP, name=NEW)).status == 204
    with pytest.raises(errors.RoleAssignmentNotFound):
        await world.ask("GET", ITEM, OTHER, name=NEW)
    assert (await world.ask("DELETE", ITEM, SUB, name=NEW)).body["name"] == NEW
    assert (await world.ask("DELETE", ITEM, SUB, name=NEW)).status == 204


async def test_the_last_who_can_give_access_to_a_subscription_stays(world: World) -> None:
    with pytest.raises(errors.CannotDeleteLastRbacAdminAssignment):
        await world.ask("DELETE", ITEM, SUB, name=GUID.format(0))
    assert world.authorizer.decide(world.admin, "x/write", SUB).allowed

    world.give("User Access Administrator", "/", world.kim.object_id, 5)
    assert (await world.ask("DELETE", ITEM, SUB, name=GUID.format(0))).status == 200


async def names(world: World, scope: str, text: str = "") -> list[int]:
    query = {"$filter": text} if text else {}
    reply = await world.ask("GET", LIST, scope, query=query)
    return sorted(int(item["name"][-12:]) for item in reply.body["value"])


async def test_lists_look_up_and_down_and_filters_narrow_them(world: World) -> None:
    kim, team = world.kim.object_id, world.team
    world.give("Reader", "/", kim, 1)
    world.give("Reader", GROUP, team, 2)
    world.give("Reader", OTHER, kim, 3)

    assert await names(world, SUB) == [0, 1, 2]
    assert await names(world, GROUP) == [0, 1, 2]
    assert await names(world, "/") == [0, 1, 2, 3]
    assert await names(world, SUB, "atScope()") == [0, 1]
    assert await names(world, SUB, f"principalId eq '{kim}'") == [1]
    assert await names(world, SUB, f"principalId eq {kim}") == [1]
    assert await names(world, SUB, f"assignedTo('{kim.upper()}')") == [1, 2]
    assert await names(world, SUB, f"atScope() and assignedTo('{kim}')") == [1]


@pytest.mark.parametrize("text", ["nonsense(", "unknown()", "assignedTo()", "principalId eq"])
async def test_a_filter_that_cannot_be_read_is_refused(world: World, text: str) -> None:
    with pytest.raises(arm.InvalidFilterInQueryString):
        await names(world, SUB, text)


async def test_management_groups_pass_assignments_down_to_lists(world: World) -> None:
    above = "/providers/Microsoft.Management/managementGroups/top"
    world.store.write_now(lambda conn: access.set_parent(conn, SUB, above))
    world.give("Reader", above, world.kim.object_id, 4)

    assert await names(world, SUB, "atScope()") == [0, 4]
    assert await names(world, above) == [0, 4]
    assert await names(world, OTHER) == []


async def test_an_application_cannot_be_given_a_role(world: World) -> None:
    def make(conn: core.Connection) -> str:
        return identity.create_application(conn, display_name="app", now=NOW).id

    body = wish("Reader", world.store.write_now(make))
    with pytest.raises(errors.InvalidPrincipalType):
        await world.ask("PUT", ITEM, GROUP, body, name=NEW)


async def test_long_lists_come_in_pages(world: World) -> None:
    for number in range(1, 5):
        world.give("Reader", f"{GROUP}{number}", world.kim.object_id, number)
    query, seen = {"$top": "2"}, []
    while True:
        body = (await world.ask("GET", LIST, SUB, query=query)).body
        seen += [item["name"] for item in body["value"]]
        if "nextLink" not in body:
            break
        token = body["nextLink"].rpartition("skipToken=")[2].replace("%3D", "=")
        query = {"$top": "2", "$skiptoken": token}

    assert sorted(seen) == [GUID.format(number) for number in range(5)]


async def test_a_lock_keeps_assignments_as_they_are(world: World) -> None:
    await world.ask("PUT", ITEM, GROUP, wish("Reader", world.kim.object_id), name=NEW)

    def lock(level: str) -> None:
        id_ = arm.parse_resource_id(f"{SUB}/providers/Microsoft.Authorization/locks/l")
        made = world.resources.make(id_, {"properties": {"level": level}}, arm.make_stamp(NOW))
        world.store.write_now(lambda conn: world.resources.put(conn, made))

    lock("CanNotDelete")
    with pytest.raises(arm.ScopeLocked):
        await world.ask("DELETE", ITEM, GROUP, name=NEW)
    await world.ask("PUT", ITEM, GROUP, wish("AcrPull", world.team), name=GUID.format(8))
    lock("ReadOnly")
    with pytest.raises(arm.ScopeLocked):
        await world.ask("PUT", ITEM, GROUP, wish("AcrPush", world.team), name=GUID.format(9))


async def test_rights_are_given_in_a_namespace_of_a_cluster_that_is_there(world: World) -> None:
    cluster = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/k"
    body = wish("Reader", world.kim.object_id)
    with pytest.raises(arm.ResourceNotFound):
        await world.ask("PUT", ITEM, f"{cluster}/namespaces/shop", body, name=NEW)
    id_, stamp = arm.parse_resource_id(cluster), arm.make_stamp(NOW)
    world.store.write_now(
        lambda conn: world.resources.put(conn, world.resources.make(id_, {}, stamp))
    )
    for wrong in ("namespaces/No", "pods/shop", "namespaces/shop/pods/p"):
        with pytest.raises(arm.ResourceNotFound):
            await world.ask("PUT", ITEM, f"{cluster}/{wrong}", body, name=NEW)

    made = await world.ask("PUT", ITEM, f"{cluster}/namespaces/shop", body, name=NEW)

    assert (made.status, made.body["properties"]["scope"]) == (201, f"{cluster}/namespaces/shop")
