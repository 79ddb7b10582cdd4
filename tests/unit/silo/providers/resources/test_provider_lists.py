from typing import Any

SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"


async def test_every_provider_is_registered_with_its_types(world: Any) -> None:
    body = await world.say(200, "GET", f"{SUB}/providers")

    found = {item["namespace"]: item for item in body["value"]}
    assert {item["registrationState"] for item in body["value"]} == {"Registered"}
    things = found["Silo.Test"]["resourceTypes"]
    names = [item["resourceType"] for item in things]
    assert names == ["slowThings", "things", "things/parts", "watchedThings"]
    assert things[1]["apiVersions"] == ["2026-01-01"]
    assert "West Europe" in things[1]["locations"]
    assert things[1]["capabilities"] == "SupportsTags, SupportsLocation"


async def test_what_is_declared_by_its_operations_is_listed_too(world: Any) -> None:
    body = await world.say(200, "GET", f"{SUB}/providers/microsoft.authorization")

    assert "locks" in [item["resourceType"] for item in body["resourceTypes"]]
    types = await world.say(200, "GET", f"{SUB}/providers/Microsoft.Resources/resourceTypes")
    named = [item["resourceType"] for item in types["value"]]
    assert {"subscriptions/resourceGroups", "tags/default", "deployments"} <= set(named)


async def test_the_tenants_list_is_for_who_has_a_role(world: Any) -> None:
    body = await world.say(200, "GET", "/providers/Silo.Test")

    assert body["id"] == "/providers/Silo.Test"
    assert await world.refuse("AuthorizationFailed", "GET", "/providers", who="nobody") == 403
    world.give("kim", "AcrPull", f"{SUB}/resourceGroups/g")
    await world.say(200, "GET", "/providers", who="kim")


async def test_registering_finds_it_done_and_unregistering_is_refused(world: Any) -> None:
    path = f"{SUB}/providers/Silo.Test"

    assert (await world.say(200, "POST", f"{path}/register"))["registrationState"] == "Registered"
    assert await world.refuse("NotSupported", "POST", f"{path}/unregister") == 400
    status = await world.refuse("AuthorizationFailed", "POST", f"{path}/register", who="reader")
    assert status == 403


async def test_an_unknown_namespace_is_not_found(world: Any) -> None:
    path = f"{SUB}/providers/Microsoft.Quantum"

    assert await world.refuse("InvalidResourceNamespace", "GET", path) == 404
