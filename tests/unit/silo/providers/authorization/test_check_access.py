from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, GUID, OTHER, SUB, World

from silo import access, arm

PULL = "Microsoft.ContainerRegistry/registries/pull/read"


def ask(oid: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {
        "Subject": {"Attributes": {"ObjectId": oid}},
        "Actions": [{"Id": action, "IsDataAction": False} for action in actions],
        **more,
    }


async def test_an_answer_names_the_deciding_assignment(world: World) -> None:
    world.give("AcrPull", GROUP, world.team, 4)

    reply = await world.ask("POST", "/checkAccess", GROUP, ask(world.kim.object_id, PULL, "x/read"))

    allowed, refused = reply.body
    assert allowed["accessDecision"] == "Allowed"
    assert allowed["roleName"] == "AcrPull"
    assert allowed["roleAssignment"]["id"].endswith(GUID.format(4))
    assert world.team in allowed["reason"]
    assert refused["accessDecision"] == "NotAllowed"
    assert refused["roleAssignment"] is None
    assert "does not include the action" in refused["reason"]


async def test_who_is_unknown_may_do_nothing(world: World) -> None:
    reply = await world.ask("POST", "/checkAccess", SUB, ask(GUID.format(77), PULL))

    assert reply.body[0]["accessDecision"] == "NotAllowed"
    assert "does not exist" in reply.body[0]["reason"]


async def test_a_group_can_be_asked_about(world: World) -> None:
    world.give("AcrPull", GROUP, world.team, 4)

    reply = await world.ask("POST", "/checkAccess", GROUP, ask(world.team, PULL))

    assert reply.body[0]["accessDecision"] == "Allowed"


async def test_another_place_than_the_path_takes_the_right_there(world: World) -> None:
    body = ask(world.kim.object_id, PULL, Resource={"Id": OTHER})

    with pytest.raises(arm.AuthorizationFailed, match=OTHER):
        await world.ask("POST", "/checkAccess", SUB, body)
    below = ask(world.kim.object_id, PULL, Resource={"Id": GROUP})
    assert (await world.ask("POST", "/checkAccess", SUB, below)).status == 200


@pytest.mark.parametrize("body", [None, [], {}, ask("x"), {"Subject": {}, "Actions": []}])
async def test_a_question_that_cannot_be_read_is_refused(world: World, body: Any) -> None:
    with pytest.raises(arm.InvalidRequestContent):
        await world.ask("POST", "/checkAccess", SUB, body)


async def test_a_caller_sees_its_own_permissions_at_a_scope(world: World) -> None:
    world.give("AcrPull", GROUP, world.team, 4)
    world.give("Owner", OTHER, world.kim.object_id, 5)

    reply = await world.ask("GET", "/permissions", GROUP, who=world.kim)

    assert [item["actions"] for item in reply.body["value"]] == [[PULL]]


async def test_what_is_only_conditionally_held_is_not_shown_as_held(world: World) -> None:
    def give(conn: Any) -> None:
        access.insert_assignment(
            conn,
            access.RoleAssignment(
                GUID.format(6),
                GROUP,
                world.kim.object_id,
                "User",
                access.ROLE_IDS["Owner"],
                condition="(x)",
            ),
        )

    world.store.write_now(give)

    reply = await world.ask("GET", "/permissions", GROUP, who=world.kim)

    assert reply.body["value"] == []
