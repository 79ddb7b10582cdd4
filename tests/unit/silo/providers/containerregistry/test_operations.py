"""Registries through the gateway, as az acr asks for them."""

from typing import Any

import pytest

from silo import registry

VERSION = "?api-version=2026-09-01-preview"
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/g1"
NAMESPACE = "providers/Microsoft.ContainerRegistry"
BASIC = {"location": "westeurope", "sku": {"name": "basic"}, "properties": {}}
PREMIUM = {**BASIC, "sku": {"name": "Premium"}}


def at(name: str, more: str = "") -> str:
    return f"{GROUP}/{NAMESPACE}/registries/{name}{more}{VERSION}"


async def create(world: Any, name: str = "Acme1", body: Any = None) -> dict[str, Any]:
    status, _, shown = await world.ask("PUT", at(name), body or BASIC)
    assert status in {200, 201}, shown
    return shown


async def test_a_registry_is_shown_with_all_that_az_looks_into(world: Any) -> None:
    shown = await create(world)

    assert shown["sku"] == {"name": "Basic", "tier": "Basic"}
    properties = shown["properties"]
    assert properties["loginServer"].startswith("acme1.azurecr.")
    assert properties["provisioningState"] == "Succeeded"
    assert properties["adminUserEnabled"] is False
    assert properties["anonymousPullEnabled"] is False
    assert properties["publicNetworkAccess"] == "Enabled"
    assert properties["encryption"] == {"status": "disabled"}
    assert set(properties["policies"]) == {
        "quarantinePolicy",
        "trustPolicy",
        "retentionPolicy",
        "exportPolicy",
        "azureADAuthenticationAsArmPolicy",
        "softDeletePolicy",
    }
    assert properties["policies"]["trustPolicy"] == {"type": "Notary", "status": "disabled"}
    assert properties["policies"]["retentionPolicy"]["lastUpdatedTime"]


async def test_the_data_plane_learns_of_it_in_the_same_transaction(world: Any) -> None:
    await create(world)

    known = world.store.read_now(lambda conn: registry.get_registry(conn, "acme1"))
    assert known.resource_id == f"{GROUP}/{NAMESPACE}/registries/Acme1"

    assert (await world.ask("DELETE", at("Acme1")))[0] == 200
    assert world.store.read_now(lambda conn: registry.find_registry(conn, "acme1")) is None


async def test_names_are_unique_in_the_instance(world: Any) -> None:
    await create(world, "Acme1")
    await world.ask(
        "PUT", f"{GROUP.replace('g1', 'g2')}?api-version=2026-01-01", {"location": "westeurope"}
    )

    status, _, shown = await world.ask("PUT", at("aCME1").replace("/g1/", "/g2/"), BASIC)

    assert (status, shown["error"]["code"]) == (409, "AlreadyInUse")


@pytest.mark.parametrize(
    ("name", "available", "reason"),
    [("free1", True, None), ("ACME1", False, "AlreadyExists"), ("a-b", False, "Invalid")],
)
async def test_check_name(world: Any, name: str, available: bool, reason: str | None) -> None:
    await create(world)
    path = f"{GROUP.partition('/resourceGroups')[0]}/{NAMESPACE}/checkNameAvailability{VERSION}"

    status, _, shown = await world.ask(
        "POST", path, {"name": name, "type": "Microsoft.ContainerRegistry/registries"}
    )

    assert status == 200
    assert (shown["nameAvailable"], shown.get("reason")) == (available, reason)


async def test_anonymous_pull_is_refused_with_the_reason(world: Any) -> None:
    await create(world)
    patch = {"properties": {"anonymousPullEnabled": True}}

    status, _, shown = await world.ask("PATCH", at("Acme1"), patch)

    assert (status, shown["error"]["code"]) == (400, "AnonymousPullNotAllowed")
    assert "audited" in shown["error"]["message"]


@pytest.mark.parametrize(
    "properties",
    [
        {"dataEndpointEnabled": True},
        {"zoneRedundancy": "enabled"},
        {"encryption": {"status": "enabled"}},
        {"roleAssignmentMode": "AbacRepositoryPermissions"},
        {"policies": {"retentionPolicy": {"status": "enabled", "days": 3}}},
        {"policies": {"softDeletePolicy": {"status": "enabled"}}},
        {"policies": {"trustPolicy": {"status": "enabled"}}},
        {"networkRuleSet": {"virtualNetworkRules": [{"id": "x"}]}},
    ],
)
async def test_what_cannot_be_kept_is_not_promised(world: Any, properties: dict[str, Any]) -> None:
    status, _, shown = await world.ask("PUT", at("Acme1"), {**PREMIUM, "properties": properties})

    assert (status, shown["error"]["code"]) == (400, "NotSupported")
    assert (await world.ask("GET", at("Acme1")))[0] == 404


async def test_what_az_sends_back_after_reading_changes_nothing(world: Any) -> None:
    shown = await create(world, body=PREMIUM)

    again = await create(world, body=shown)

    assert again["properties"] == shown["properties"]


async def test_admin_passwords_are_shown_and_renewed_one_at_a_time(world: Any) -> None:
    await create(world)
    status, _, shown = await world.ask("POST", at("Acme1", "/listCredentials"))
    assert (status, shown["error"]["code"]) == (400, "UnauthorizedForCredentialOperations")

    await world.ask("PATCH", at("Acme1"), {"properties": {"adminUserEnabled": True}})
    _, _, before = await world.ask("POST", at("Acme1", "/listCredentials"))
    _, _, after = await world.ask(
        "POST", at("Acme1", "/regenerateCredential"), {"name": "password2"}
    )

    assert before["username"] == "Acme1"
    assert [item["name"] for item in before["passwords"]] == ["password", "password2"]
    assert before["passwords"][0] == after["passwords"][0]
    assert before["passwords"][1]["value"] != after["passwords"][1]["value"]


async def test_a_reader_does_not_see_passwords(world: Any) -> None:
    await create(world, body={**BASIC, "properties": {"adminUserEnabled": True}})

    status, _, _ = await world.ask("POST", at("Acme1", "/listCredentials"), who="reader")

    assert status == 403


async def test_network_rules_reach_the_data_plane_and_need_premium(world: Any) -> None:
    rules = {"defaultAction": "deny", "ipRules": [{"value": "192.0.2.0/24", "action": "Allow"}]}
    body = {"properties": {"networkRuleSet": rules}}

    refused, _, shown = await world.ask("PUT", at("Acme1"), BASIC | body)
    await create(world, body=PREMIUM | body)
    known = world.store.read_now(lambda conn: registry.get_registry(conn, "acme1"))

    assert (refused, shown["error"]["code"]) == (400, "InvalidSku")
    assert known.network.admits("192.0.2.9")
    assert not known.network.admits("198.51.100.1")


async def test_a_wrong_address_is_refused_where_it_stands(world: Any) -> None:
    body = {"properties": {"networkRuleSet": {"ipRules": [{"value": "not an address"}]}}}

    status, _, shown = await world.ask("PUT", at("Acme1"), PREMIUM | body)

    assert status == 400
    assert "networkRuleSet.ipRules.0.value" in shown["error"]["message"]


async def test_usage_is_what_is_stored(world: Any) -> None:
    await create(world)

    status, _, shown = await world.ask("GET", at("Acme1", "/listUsages"))

    assert status == 200
    assert shown["value"] == [
        {"name": "Size", "limit": 10 << 30, "currentValue": 0, "unit": "Bytes"}
    ]


async def test_what_is_not_there_yet_is_said(world: Any) -> None:
    await create(world)

    listed = await world.ask("GET", at("Acme1", "/replications"))
    probed = await world.ask("GET", at("Acme1", "/scopeMaps/x"))
    made = await world.ask("PUT", at("Acme1", "/webhooks/x"), {"location": "westeurope"})
    imported = await world.ask("POST", at("Acme1", "/importImage"), {})
    nowhere = await world.ask("GET", at("Nobody1", "/replications"))

    assert (listed[0], listed[2]) == (200, {"value": []})
    assert (probed[0], probed[2]["error"]["code"]) == (404, "ResourceNotFound")
    assert (made[0], made[2]["error"]["code"]) == (400, "NotSupported")
    assert (imported[0], imported[2]["error"]["code"]) == (400, "NotSupported")
    assert nowhere[0] == 404


@pytest.mark.parametrize("sku", [None, {}, {"name": "Classic"}, {"name": 3}, "Basic"])
async def test_a_registry_needs_a_tier(world: Any, sku: Any) -> None:
    status, _, shown = await world.ask("PUT", at("Acme1"), {**BASIC, "sku": sku})

    assert (status, shown["error"]["code"]) == (400, "InvalidSku")
