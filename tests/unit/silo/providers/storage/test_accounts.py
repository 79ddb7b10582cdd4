"""Storage accounts and shares by way of ARM."""

import base64
from typing import Any

import pytest
from tests.unit.silo.arm.world import GROUP, SUBSCRIPTION

from silo import storage

ACCOUNTS = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
BASIC = {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}


def at(name: str, rest: str = "") -> str:
    return f"{ACCOUNTS}/{name}{rest}"


async def create(world: Any, name: str = "acme", **more: Any) -> Any:
    status, _, body = await world.ask("PUT", at(name), {**BASIC, **more})
    assert status == 200, body
    return body


async def test_an_account_is_reported_with_the_one_service_it_has(world: Any) -> None:
    made = await create(world)

    assert made["properties"]["primaryEndpoints"] == {"file": "https://acme.file.core.silo.test/"}
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert (made["sku"], made["kind"]) == (
        {"name": "Standard_LRS", "tier": "Standard"},
        "StorageV2",
    )


async def test_an_account_has_two_keys_of_64_bytes_that_are_renewed_one_by_one(
    world: Any,
) -> None:
    await create(world)
    _, _, old = await world.ask("POST", at("acme", "/listKeys"))
    status, _, new = await world.ask("POST", at("acme", "/regenerateKey"), {"keyName": "key2"})
    reader, _, _ = await world.ask("POST", at("acme", "/listKeys"), who="reader")
    wrong, _, _ = await world.ask("POST", at("acme", "/regenerateKey"), {"keyName": "key3"})

    assert [len(base64.b64decode(key["value"])) for key in old["keys"]] == [64, 64]
    assert (status, reader, wrong) == (200, 403, 400)
    assert new["keys"][0]["value"] == old["keys"][0]["value"]
    assert new["keys"][1]["value"] != old["keys"][1]["value"]


async def test_writing_an_account_again_keeps_its_keys_and_shares(world: Any) -> None:
    await create(world)
    _, _, old = await world.ask("POST", at("acme", "/listKeys"))
    share = at("acme", "/fileServices/default/shares/data")
    await world.ask("PUT", share, {})
    await create(world, tags={"a": "b"})
    _, _, new = await world.ask("POST", at("acme", "/listKeys"))

    assert new == old
    assert (await world.ask("GET", share))[0] == 200


@pytest.mark.parametrize("name", ["ab", "Acme", "acme-1", "a" * 25, "acme_1"])
async def test_an_account_has_a_name_of_azures(world: Any, name: str) -> None:
    status, _, _ = await world.ask("PUT", at(name), BASIC)
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"
    _, _, told = await world.ask("POST", path, {"name": name})

    assert status == 400
    assert (told["nameAvailable"], told["reason"]) == (False, "AccountNameInvalid")


async def test_a_name_is_taken_in_the_whole_instance(world: Any) -> None:
    await create(world)
    path = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability"

    _, _, taken = await world.ask("POST", path, {"name": "acme"})
    _, _, free = await world.ask("POST", path, {"name": "other"})

    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")
    assert free == {"nameAvailable": True}


@pytest.mark.parametrize(
    "wish",
    [
        {"properties": {"isHnsEnabled": True}},
        {"properties": {"isSftpEnabled": True}},
        {"properties": {"encryption": {"keySource": "Microsoft.Keyvault"}}},
        {"properties": {"supportsHttpsTrafficOnly": False}},
        {"properties": {"networkAcls": {"virtualNetworkRules": [{"id": "x"}]}}},
        {"properties": {"customDomain": {"name": "example.com"}}},
        {"properties": {"customDomain": "example.com"}},
        {"identity": {"type": "SystemAssigned"}},
        {"kind": "BlobStorage"},
        {"kind": "Nonsense"},
        {"sku": {"name": "Nonsense"}},
    ],
)
async def test_what_would_be_promised_and_not_kept_is_refused(world: Any, wish: Any) -> None:
    status, _, shown = await world.ask("PUT", at("acme"), {**BASIC, **wish})

    assert status == 400, shown
    assert world.store.read_now(lambda conn: storage.find_account(conn, "acme")) is None


async def test_a_share_is_made_changed_listed_and_deleted(world: Any) -> None:
    await create(world)
    path = at("acme", "/fileServices/default/shares/data")
    wish = {"properties": {"shareQuota": 5, "metadata": {"a": "b"}}}

    made, _, shown = await world.ask("PUT", path, wish)
    again, _, _ = await world.ask("PUT", path, wish)
    patched = await world.ask("PATCH", path, {"properties": {"shareQuota": 6}})
    _, _, listed = await world.ask("GET", at("acme", "/fileServices/default/shares"))
    expanded = await world.ask("GET", f"{path}?api-version=2024-01-01&$expand=stats")
    gone, _, _ = await world.ask("DELETE", path)
    empty, _, _ = await world.ask("DELETE", path)
    missing = await world.ask("GET", path)

    assert (made, again, gone, empty) == (201, 200, 200, 204)
    assert shown["properties"]["shareQuota"] == 5
    assert patched[2]["properties"]["shareQuota"] == 6
    assert [one["name"] for one in listed["value"]] == ["data"]
    assert expanded[2]["properties"]["shareUsageBytes"] == 0
    assert (missing[0], missing[2]["error"]["code"]) == (404, "ShareNotFound")


@pytest.mark.parametrize(
    ("name", "wish"),
    [
        ("UPPER", {}),
        ("a--b", {}),
        ("data", {"shareQuota": 0}),
        ("data", {"shareQuota": 102_401}),
        ("data", {"enabledProtocols": "NFS"}),
        ("data", {"accessTier": "Nonsense"}),
        ("data", {"metadata": {"a-b": "c"}}),
        ("data", {"signedIdentifiers": [{"id": "x"}]}),
    ],
)
async def test_a_share_that_cannot_be_is_refused(world: Any, name: str, wish: Any) -> None:
    await create(world)
    path = at("acme", f"/fileServices/default/shares/{name}")

    status, _, shown = await world.ask("PUT", path, {"properties": wish})

    assert status == 400, shown


async def test_shares_of_no_account_and_for_readers_are_refused(world: Any) -> None:
    path = at("acme", "/fileServices/default/shares/data")
    nowhere = await world.ask("PUT", path, {})
    await create(world)
    reader = await world.ask("PUT", path, {}, who="reader")

    assert (nowhere[0], reader[0]) == (404, 403)


async def test_an_account_that_goes_takes_its_shares_along(world: Any) -> None:
    await create(world)
    path = at("acme", "/fileServices/default/shares/data")
    await world.ask("PUT", path, {})
    await world.ask("DELETE", at("acme"))
    await create(world)

    assert (await world.ask("GET", path))[0] == 404
    assert world.store.read_now(storage.list_folders) == set()


async def test_the_file_service_takes_only_what_is_so(world: Any) -> None:
    await create(world)
    path = at("acme", "/fileServices/default")
    keep = {"properties": {"shareDeleteRetentionPolicy": {"enabled": True, "days": 7}}}

    shown = await world.ask("GET", path)
    same = await world.ask("PUT", path, {"properties": {}})
    refused = await world.ask("PUT", path, keep)
    listed = await world.ask("GET", at("acme", "/fileServices"))

    assert (shown[0], same[0], refused[0]) == (200, 200, 400)
    assert [one["name"] for one in listed[2]["value"]] == ["default"]
    for odd in ([], {"properties": 3}, {"properties": {"cors": 3}}, None):
        assert (await world.ask("PUT", path, odd))[0] == 400
