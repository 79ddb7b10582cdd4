import pytest
from tests.unit.silo.providers.world import SUB, World

from silo import arm


async def test_operations_are_those_the_application_serves(world: World) -> None:
    reply = await world.ask(
        "GET", "/providerOperations/{namespace}", "/", namespace="microsoft.authorization"
    )

    names = {
        operation["name"]
        for kind in reply.body["resourceTypes"]
        for operation in kind["operations"]
    }
    assert reply.body["name"] == "Microsoft.Authorization"
    assert names == {operation.name for operation in world.operations}


async def test_a_namespace_that_is_not_served_is_not_found(world: World) -> None:
    with pytest.raises(arm.ResourceNotFound):
        await world.ask("GET", "/providerOperations/{namespace}", "/", namespace="Microsoft.Nil")


async def test_who_has_no_role_anywhere_reads_nothing(world: World) -> None:
    with pytest.raises(arm.AuthorizationFailed):
        await world.ask("GET", "/providerOperations", "/", who=world.kim)
    world.give("Reader", SUB, world.kim.object_id, 3)
    assert (await world.ask("GET", "/providerOperations", "/", who=world.kim)).status == 200


@pytest.mark.parametrize("suffix", ["/denyAssignments", "/classicAdministrators"])
async def test_what_cannot_exist_is_listed_as_none(world: World, suffix: str) -> None:
    assert (await world.ask("GET", suffix, SUB)).body == {"value": []}
