"""Who may: keys, signatures, tokens; and everybody who may not."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.silo.storage.world import BACKUP, FILES, ID, World

from silo import access, storage
from silo.storage.routes import OPERATIONS, Level

INTENT = {"x-ms-file-request-intent": "backup"}


async def test_a_key_holder_is_let_in(world: World) -> None:
    answer = await world.send("GET", "/data?restype=share")

    assert answer.status == 200
    assert answer.headers["x-ms-share-quota"] == "1"


async def test_a_path_that_needs_encoding_is_signed_as_it_is_sent(world: World) -> None:
    await world.put_file("/data/a%20%C3%A4%2B.txt", b"x")

    answer = await world.send("GET", "/data/a%20%C3%A4%2B.txt")

    assert (answer.status, answer.body) == (200, b"x")


@pytest.mark.parametrize("minutes", [16, -16, 60 * 24])
async def test_an_old_or_early_request_is_refused(world: World, minutes: int) -> None:
    date = world.clock.moment + timedelta(minutes=minutes)

    answer = await world.send("GET", "/data?restype=share", date=date)

    assert (answer.status, answer.code) == (403, "AuthenticationFailed")


async def test_every_operation_refuses_a_forged_signature_and_a_stranger(world: World) -> None:
    other = "A" * 86 + "=="
    for operation in OPERATIONS.values():
        path = operation.path.format(share="data", directory="d", file="f")
        forged = await world.send(operation.method, path, key=other)
        assert (forged.status, forged.code) == (403, "AuthenticationFailed"), operation
        nobody = await world.send(operation.method, path, sign=False)
        assert (nobody.status, nobody.code) == (401, "NoAuthenticationInformation"), operation
        signed = await world.send("GET", "/data?restype=share")
        assert signed.status == 200


async def test_what_was_signed_cannot_be_changed(world: World) -> None:
    headers = {"x-ms-version": "2025-11-05", "x-ms-date": "Mon, 23 Nov 2026 10:00:00 GMT"}
    good = world.sign("GET", "/data", "restype=share", headers, world.key)
    for method, path, more in (
        ("DELETE", "/data?restype=share", {}),
        ("GET", "/data?restype=share&comp=stats", {}),
        ("GET", "/other?restype=share", {}),
        ("GET", "/data?restype=share", {"x-ms-meta-a": "b"}),
    ):
        sent = {**headers, **more, "authorization": good}
        answer = await world.send(method, path, headers=sent, sign=False)
        assert (answer.status, answer.code) == (403, "AuthenticationFailed")
    answer = await world.send(
        "GET", "/data?restype=share", headers={**headers, "authorization": good}, sign=False
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    "header",
    ["SharedKey", "SharedKey acme", "SharedKey acme:", "SharedKey acme:ä", "Basic abc", "x", " "],
)
async def test_a_header_that_cannot_be_read_is_refused(world: World, header: str) -> None:
    sent = {"authorization": header, "x-ms-date": "Mon, 23 Nov 2026 10:00:00 GMT"}

    answer = await world.send("GET", "/data?restype=share", headers=sent, sign=False)

    assert answer.status in {401, 403}


async def test_a_signature_of_a_share_allows_what_it_says(world: World) -> None:
    await world.put_file("/data/f", b"x")
    reading, writing = world.make_sas("rl"), world.make_sas("w")

    async def ask(method: str, path: str, sas: str, **more: Any) -> int:
        end = "&" if "?" in path else "?"
        return (await world.send(method, f"{path}{end}{sas}", sign=False, **more)).status

    made = {"x-ms-type": "file", "x-ms-content-length": "0"}
    assert await ask("GET", "/data/f", reading) == 200
    assert await ask("GET", "/data?restype=directory&comp=list", reading) == 200
    assert await ask("PUT", "/data/g", reading, headers=made) == 403
    assert await ask("DELETE", "/data/f", reading) == 403
    assert await ask("PUT", "/data/g", writing, headers=made) == 201
    assert await ask("GET", "/data/f", writing) == 403
    assert await ask("GET", "/data?restype=share", reading) == 403
    assert await ask("GET", "/?comp=list", reading) == 403
    assert await ask("GET", "/data/f", reading.replace("sp=rl", "sp=rwl")) == 403
    of_file = world.make_sas("r", "f", "data/f")
    assert await ask("GET", "/data/f", of_file) == 200
    assert await ask("GET", "/data/g", of_file) == 403
    assert await ask("GET", "/data?restype=directory&comp=list", of_file) == 403
    world.clock.moment += timedelta(hours=2)
    assert await ask("GET", "/data/f", reading) == 403


async def test_a_token_needs_the_roles_of_files_and_says_its_intent(world: World) -> None:
    read = {f"{FILES}read", f"{BACKUP}readFileBackupSemantics/action"}
    world.actions = {"reader": read, "half": {f"{FILES}read"}, "nobody": set()}

    async def ask(who: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        sent = {"authorization": f"Bearer {who}", **INTENT, **headers}
        answer = await world.send(
            method, "/data?restype=directory&comp=list", headers=sent, sign=False
        )
        return answer.status, answer.code

    assert (await ask("reader"))[0] == 200
    assert await ask("half") == (403, "AuthorizationPermissionMismatch")
    assert await ask("nobody") == (403, "AuthorizationPermissionMismatch")
    assert await ask("stranger") == (401, "InvalidAuthenticationInfo")
    assert (await ask("reader", **{"x-ms-file-request-intent": "other"}))[0] == 400
    assert (await ask("reader", **{"x-ms-version": "2020-02-10"}))[0] == 400


async def test_an_account_closed_to_keys_or_to_an_address_is_closed(world: World) -> None:
    def close(conn: Any, **values: Any) -> None:
        storage.put_account(conn, "acme", ID, **values)

    world.store.write_now(lambda conn: close(conn, keys_accepted=False))
    keys = await world.send("GET", "/data?restype=share")
    rules = access.NetworkRules(default_allow=False, allowed=("198.51.100.0/24",))
    world.store.write_now(lambda conn: close(conn, network=rules))
    place = await world.send("GET", "/data?restype=share")

    assert (keys.status, keys.code) == (403, "KeyBasedAuthenticationNotPermitted")
    assert (place.status, place.code) == (403, "AuthorizationFailure")


async def test_other_services_say_that_they_are_not_served(world: World) -> None:
    for service in ("blob", "queue", "table", "dfs"):
        answer = await world.send("GET", "/?comp=list", service=service)
        assert (answer.status, answer.code) == (409, "FeatureNotSupportedForAccount")
        assert answer.xml.find("Code") is not None


async def test_an_account_that_is_not_there_is_said_so(world: World) -> None:
    answer = await world.send("GET", "/?comp=list", account="none")

    assert answer.status == 404


async def test_deeds_looks_and_refusals_are_in_the_log_and_secrets_are_not(world: World) -> None:
    await world.put_file("/data/f", b"x")
    await world.send("GET", "/data/f")
    await world.send("GET", f"/data/f?{world.make_sas('r')}", sign=False)
    await world.send("DELETE", f"/data/f?{world.make_sas('r')}", sign=False)

    log = await world.list_log()

    noted = [(one["properties"]["operationName"], one["result"]) for one in log]
    assert noted == [
        ("CreateFile", "Succeeded"),
        ("PutRange", "Succeeded"),
        ("GetFile", "Succeeded"),
        ("GetFile", "Succeeded"),
        ("DeleteFile", "Denied"),
    ]
    assert log[0]["properties"]["path"] == "data/f"
    assert "sig=" not in str(log)
    assert world.key not in str(log)


def test_every_operation_names_its_right() -> None:
    for operation in OPERATIONS.values():
        assert operation.action.startswith("Microsoft.Storage/storageAccounts/fileServices/")
        assert operation.is_data == (operation.level in {Level.DIRECTORY, Level.FILE})
