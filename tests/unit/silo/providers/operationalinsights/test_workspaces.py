import uuid

import pytest
from tests.unit.silo.providers.operationalinsights.conftest import WORKSPACES, World

from silo.providers.operationalinsights import Workspaces, errors


async def test_a_workspace_has_an_id_of_its_own_and_keeps_it(world: World) -> None:
    made = await world.make()

    status, _, again = await world.ask(
        "PUT",
        f"{WORKSPACES}/logs",
        {"location": "westeurope", "properties": {**made, "customerId": "mine", "tags": {}}},
    )
    assert uuid.UUID(made["customerId"])
    assert made["sku"]["name"] == "PerGB2018"
    assert made["retentionInDays"] == 30
    assert made["provisioningState"] == "Succeeded"
    assert (status, again["properties"]["customerId"]) == (200, made["customerId"])


@pytest.mark.parametrize("name", ["abc", "-logs", "logs-", "lo_gs", "x" * 64])
async def test_a_name_that_azure_refuses_is_refused(world: World, name: str) -> None:
    status, _, body = await world.ask("PUT", f"{WORKSPACES}/{name}", {"location": "westeurope"})

    assert (status, body["error"]["code"]) == (400, "InvalidResourceName")


@pytest.mark.parametrize(
    "properties",
    [
        {"retentionInDays": 3},
        {"retentionInDays": 731},
        {"sku": {"name": "Free"}, "retentionInDays": 30},
        {"sku": {"name": "CapacityReservation"}},
        {"workspaceCapping": {"dailyQuotaGb": 1}},
        {"replication": {"enabled": True}},
        {"publicNetworkAccessForQuery": "Disabled"},
        {"features": {"disableLocalAuth": True}},
    ],
)
async def test_what_would_not_be_kept_is_refused(world: World, properties) -> None:
    body = {"location": "westeurope", "properties": properties}

    status, _, told = await world.ask("PUT", f"{WORKSPACES}/logs", body)

    assert (status, told["error"]["code"]) == (400, "InvalidParameter")


async def test_the_keys_are_shown_to_who_may_and_never_to_a_reader(world: World) -> None:
    await world.make()

    status, _, keys = await world.ask("POST", f"{WORKSPACES}/logs/sharedKeys")
    refused, _, _ = await world.ask("POST", f"{WORKSPACES}/logs/sharedKeys", who="reader")

    assert status == 200
    assert set(keys) == {"primarySharedKey", "secondarySharedKey"}
    assert keys["primarySharedKey"] != keys["secondarySharedKey"]
    assert refused == 403


async def test_the_keys_are_not_in_the_database(world: World, tmp_path) -> None:
    await world.make()

    _, _, keys = await world.ask("POST", f"{WORKSPACES}/logs/sharedKeys")

    world.store.close()
    everything = b"".join(path.read_bytes() for path in tmp_path.glob("silo.db*"))
    assert keys["primarySharedKey"].encode() not in everything


async def test_new_keys_end_the_old_ones(world: World) -> None:
    made = await world.make()
    _, _, old = await world.ask("POST", f"{WORKSPACES}/logs/sharedKeys")

    _, _, new = await world.ask("POST", f"{WORKSPACES}/logs/regenerateSharedKey")

    assert not set(old.values()) & set(new.values())
    assert check(world, made["customerId"], new["secondarySharedKey"]) == f"{WORKSPACES}/logs"
    with pytest.raises(errors.WorkspaceKeyRefused):
        check(world, made["customerId"], old["primarySharedKey"])


async def test_a_wrong_key_and_a_missing_workspace_sound_the_same(world: World) -> None:
    made = await world.make()
    nowhere = str(uuid.uuid4())

    with pytest.raises(errors.WorkspaceKeyRefused) as wrong:
        check(world, made["customerId"], "a2V5")
    with pytest.raises(errors.WorkspaceKeyRefused) as missing:
        check(world, nowhere, "a2V5")

    assert str(wrong.value).replace(made["customerId"], nowhere) == str(missing.value)


async def test_a_deleted_workspace_takes_its_keys_along(world: World) -> None:
    made = await world.make()
    _, _, keys = await world.ask("POST", f"{WORKSPACES}/logs/sharedKeys")

    status, _, _ = await world.ask("DELETE", f"{WORKSPACES}/logs")

    assert status == 200
    with pytest.raises(errors.WorkspaceKeyRefused):
        check(world, made["customerId"], keys["primarySharedKey"])


def check(world: World, workspace_id: str, key: str) -> str:
    room = Workspaces(world.store, world.vault)
    return world.store.read_now(lambda conn: room.check_key(conn, workspace_id, key))
