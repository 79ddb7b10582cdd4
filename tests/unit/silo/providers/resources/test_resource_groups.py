from typing import Any

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
GROUP = f"{SUB}/resourceGroups/g1"


async def test_a_group_is_shown_as_azure_shows_it(world: Any) -> None:
    await world.make_group(tags={"a": "1"})

    body = await world.say(200, "GET", f"{SUB}/resourcegroups/G1")

    assert (body["id"], body["type"]) == (GROUP, "Microsoft.Resources/resourceGroups")
    assert body["properties"] == {"provisioningState": "Succeeded"}
    assert body["tags"] == {"a": "1"}
    await world.say(204, "HEAD", GROUP)
    assert (await world.ask("HEAD", f"{SUB}/resourceGroups/g2"))[0] == 404


async def test_a_group_does_not_move(world: Any) -> None:
    await world.make_group()
    there = {"location": "northeurope"}

    assert await world.refuse("InvalidResourceGroupLocation", "PUT", GROUP, there) == 409
    await world.say(200, "PUT", GROUP, {"location": "West Europe"})


async def test_a_name_that_azure_does_not_take_is_refused(world: Any) -> None:
    for name in ("a.", "a" * 91, "a+b"):
        path = f"{SUB}/resourceGroups/{name}"
        status = await world.refuse("InvalidResourceName", "PUT", path, {"location": "westeurope"})
        assert status == 400


async def test_deleting_a_group_takes_all_that_is_in_it(world: Any) -> None:
    group = await world.make_group()
    await world.make_thing(group)
    await world.say(201, "PUT", f"{group}/providers/Silo.Test/things/one/parts/p", {})
    world.give("kim", "Reader", group)

    status, headers, _ = await world.ask("DELETE", group)
    assert status == 202
    while world.store.read_now(world.resources.list_unsettled):
        await world.reconciler.settle_all()

    place = headers["location"].partition("//")[2].partition("/")[2]
    assert (await world.ask("GET", f"/{place}"))[0] == 204
    assert world.ledger.deleted == ["p"]
    assert await world.refuse("ResourceGroupNotFound", "GET", group) == 404
    assert await world.refuse("AuthorizationFailed", "GET", SUB, who="kim") == 403


async def test_what_is_not_built_is_refused(world: Any) -> None:
    group = await world.make_group()

    for verb in ("exportTemplate", "moveResources", "validateMoveResources"):
        assert await world.refuse("NotSupported", "POST", f"{group}/{verb}", {}) == 400
