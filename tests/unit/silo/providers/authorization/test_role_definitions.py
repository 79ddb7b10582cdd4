from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, GUID, OTHER, SUB, World

from silo import access, arm
from silo.providers.authorization import errors

ITEM, LIST = "roleDefinitions/{name}", "/roleDefinitions"
NEW = GUID.format(7)
OWNER = access.ROLE_IDS["Owner"]


def wish(name: str = "Puller", scopes: tuple[str, ...] = (SUB,), **more: Any) -> dict[str, Any]:
    permission = {"actions": ["Microsoft.X/*/read"], "notActions": [], **more}
    properties = {"roleName": name, "permissions": [permission], "assignableScopes": list(scopes)}
    return {"properties": properties}


async def names(world: World, scope: str, text: str = "") -> list[str]:
    reply = await world.ask("GET", LIST, scope, query={"$filter": text} if text else {})
    return [item["properties"]["roleName"] for item in reply.body["value"]]


async def test_built_in_roles_are_found_by_name_in_any_case(world: World) -> None:
    reply = await world.ask("GET", LIST, SUB, query={"$filter": "roleName eq 'acrpull'"})

    assert reply.body == {
        "value": [
            {
                "id": f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/"
                "7f951dda-4ed3-4680-a7ca-43fe172d538d",
                "name": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
                "type": "Microsoft.Authorization/roleDefinitions",
                "properties": {
                    "roleName": "AcrPull",
                    "type": "BuiltInRole",
                    "description": "acr pull",
                    "assignableScopes": ["/"],
                    "permissions": [
                        {
                            "actions": ["Microsoft.ContainerRegistry/registries/pull/read"],
                            "notActions": [],
                            "dataActions": [],
                            "notDataActions": [],
                        }
                    ],
                },
            }
        ]
    }


async def test_a_custom_role_is_made_changed_and_removed(world: World) -> None:
    made = await world.ask("PUT", ITEM, SUB, wish(), name=NEW)
    changed = await world.ask("PUT", ITEM, SUB, wish("Reader of X"), name=NEW)

    assert (made.status, changed.status) == (201, 201)
    assert changed.body["properties"]["type"] == "CustomRole"
    assert await names(world, GROUP, "type eq 'CustomRole'") == ["Reader of X"]
    gone = await world.ask("DELETE", ITEM, SUB, name=NEW)
    assert (gone.status, gone.body["name"]) == (200, NEW)
    assert (await world.ask("DELETE", ITEM, SUB, name=NEW)).status == 204
    with pytest.raises(errors.RoleDefinitionNotFound):
        await world.ask("GET", ITEM, SUB, name=NEW)


async def test_a_role_is_listed_where_it_may_be_given_and_above_if_asked(world: World) -> None:
    await world.ask("PUT", ITEM, SUB, wish(scopes=(GROUP,)), name=NEW)

    assert "Puller" in await names(world, GROUP)
    assert "Puller" not in await names(world, SUB)
    assert "Puller" in await names(world, SUB, "atScopeAndBelow()")
    assert await names(world, SUB, "atScopeAndBelow() and type eq 'CustomRole'") == ["Puller"]
    assert "Puller" not in await names(world, OTHER, "atScopeAndBelow()")
    assert (await world.ask("GET", ITEM, SUB, name=NEW)).status == 200


async def test_a_role_takes_the_right_at_every_place_where_it_may_be_given(world: World) -> None:
    with pytest.raises(arm.AuthorizationFailed, match=OTHER):
        await world.ask("PUT", ITEM, SUB, wish(scopes=(SUB, OTHER)), name=NEW)


async def test_a_role_of_another_place_cannot_be_taken_over(world: World) -> None:
    world.give("Owner", OTHER, world.kim.object_id, 3)
    await world.ask("PUT", ITEM, OTHER, wish(scopes=(OTHER,)), name=NEW, who=world.kim)

    with pytest.raises(arm.AuthorizationFailed, match=OTHER):
        await world.ask("PUT", ITEM, SUB, wish(scopes=(SUB,)), name=NEW)
    assert (await world.ask("DELETE", ITEM, SUB, name=NEW)).status == 204
    assert "Puller" in await names(world, OTHER)


async def test_a_role_shared_with_another_place_is_not_removed_from_one(world: World) -> None:
    world.give("Owner", OTHER, world.kim.object_id, 3)
    world.give("Owner", SUB, world.kim.object_id, 4)
    await world.ask("PUT", ITEM, SUB, wish(scopes=(SUB, OTHER)), name=NEW, who=world.kim)

    with pytest.raises(arm.AuthorizationFailed, match=OTHER):
        await world.ask("DELETE", ITEM, SUB, name=NEW)


async def test_built_in_roles_stay_as_they_are(world: World) -> None:
    with pytest.raises(errors.RoleDefinitionNotCustom):
        await world.ask("PUT", ITEM, SUB, wish("Mine"), name=OWNER)
    with pytest.raises(errors.RoleDefinitionNotCustom):
        await world.ask("DELETE", ITEM, SUB, name=OWNER)


async def test_names_are_unique_in_any_case(world: World) -> None:
    with pytest.raises(errors.RoleDefinitionWithSameNameExists):
        await world.ask("PUT", ITEM, SUB, wish("owner"), name=NEW)


async def test_a_role_that_somebody_has_stays(world: World) -> None:
    await world.ask("PUT", ITEM, SUB, wish(), name=NEW)
    world.give(NEW, SUB, world.kim.object_id, 9)

    with pytest.raises(errors.RoleDefinitionHasAssignments):
        await world.ask("DELETE", ITEM, SUB, name=NEW)


@pytest.mark.parametrize("scope", ["/", "", "nowhere", "/a/../b"])
async def test_where_a_custom_role_may_be_given_is_below_the_root(world: World, scope: str) -> None:
    with pytest.raises(errors.InvalidAssignableScope):
        await world.ask("PUT", ITEM, SUB, wish(scopes=(scope,)), name=NEW)


async def test_where_a_custom_role_may_be_given_must_exist(world: World) -> None:
    with pytest.raises(arm.ResourceGroupNotFound):
        await world.ask("PUT", ITEM, SUB, wish(scopes=(f"{SUB}/resourceGroups/no",)), name=NEW)


@pytest.mark.parametrize("pattern", ["a b/c", "read", "a//b", "/a/b", "a/b?"])
async def test_what_is_no_action_is_refused(world: World, pattern: str) -> None:
    with pytest.raises(errors.InvalidActionOrNotAction):
        await world.ask("PUT", ITEM, SUB, wish(actions=[pattern]), name=NEW)


@pytest.mark.parametrize("body", [None, {"properties": {}}, wish(""), wish(scopes=())])
async def test_a_body_that_cannot_be_read_is_refused(world: World, body: Any) -> None:
    with pytest.raises(arm.InvalidRequestContent):
        await world.ask("PUT", ITEM, SUB, body, name=NEW)


async def test_a_name_must_be_a_guid(world: World) -> None:
    with pytest.raises(errors.InvalidRoleDefinitionId):
        await world.ask("PUT", ITEM, SUB, wish(), name="mine")


async def test_a_filter_that_cannot_be_read_is_refused(world: World) -> None:
    with pytest.raises(arm.InvalidFilterInQueryString):
        await names(world, SUB, "what(")
