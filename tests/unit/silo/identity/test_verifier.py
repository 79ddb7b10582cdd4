import asyncio
from typing import Any

import pytest
from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.sign_in_world import NAMES, World

from silo import core, identity
from silo.identity.credentials import delete_password_credential, list_sign_in_passwords
from silo.identity.tokens import render_issuer
from silo.identity.users import revoke_sign_in_sessions

AUDIENCES = identity.list_arm_audiences(NAMES)


async def get_token(world: World) -> str:
    token: str = (await world.sign_in()).json()["access_token"]
    return token


def forge(world: World, **changes: Any) -> str:
    now = int(world.issuer.clock.now().timestamp())
    claims = {
        "iss": render_issuer(world.issuer.tenant, NAMES.urls, 1),
        "aud": "https://management.azure.com/",
        "tid": world.issuer.tenant.id,
        "oid": world.user.id,
        "appid": "x",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return world.issuer.keys.sign(kept)


async def test_a_token_speaks_for_its_user(world: World) -> None:
    principal = world.verifier.verify_bearer(await get_token(world), AUDIENCES)

    assert principal.object_id == world.user.id
    assert principal.token_scopes == {"user_impersonation"}


def test_a_token_of_either_family_of_names_is_accepted(world: World) -> None:
    for issuer in world.issuer.issuers:
        world.verifier.verify_bearer(forge(world, iss=issuer), AUDIENCES)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://sts.windows.net/other/"},
        {"tid": "other"},
        {"aud": "https://graph.microsoft.com/"},
        {"aud": ["https://management.azure.com/"]},
        {"exp": 1},
        {"exp": None},
        {"nbf": 9_999_999_999},
        {"iat": None},
        {"oid": "99999999-9999-4999-8999-999999999999"},
        {"oid": 5},
        {"appid": None},
        {"idtyp": "app"},
    ],
)
def test_a_token_with_a_wrong_claim_is_rejected(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(identity.TokenRejected):
        world.verifier.verify_bearer(forge(world, **changes), AUDIENCES)


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20_000, "é.é.é"])
def test_nonsense_is_rejected(world: World, token: str) -> None:
    with pytest.raises(identity.TokenRejected):
        world.verifier.verify_bearer(token, AUDIENCES)


def test_an_unsigned_token_is_rejected(world: World) -> None:
    head, claims, _ = forge(world).split(".")
    none = "eyJhbGciOiJub25lIn0"

    for token in (f"{none}.{claims}.", f"{head}.{claims}."):
        with pytest.raises(identity.TokenRejected):
            world.verifier.verify_bearer(token, AUDIENCES)


async def test_a_disabled_user_is_refused_at_once(world: World) -> None:
    verifier, token = world.verifier, await get_token(world)
    verifier.verify_bearer(token, AUDIENCES)

    world.issuer.store.write_now(
        lambda conn: identity.update_user(
            conn, _replace(identity.find_user(conn, world.user.id), account_enabled=False)
        )
    )

    with pytest.raises(identity.TokenRejected):
        verifier.verify_bearer(token, AUDIENCES)


async def test_a_revoked_session_is_refused_and_a_new_one_works(world: World) -> None:
    verifier, token = world.verifier, await get_token(world)
    verifier.verify_bearer(token, AUDIENCES)

    world.issuer.store.write_now(
        lambda conn: revoke_sign_in_sessions(conn, world.user.id, world.issuer.clock.now())
    )

    with pytest.raises(identity.TokenRejected) as rejected:
        verifier.verify_bearer(token, AUDIENCES)
    assert rejected.value.expired
    # In the very second of the revocation.
    assert verifier.verify_bearer(await get_token(world), AUDIENCES)


async def test_an_expired_token_asks_for_a_new_one(world: World, clock: FakeClock) -> None:
    verifier, token = world.verifier, await get_token(world)
    verifier.verify_bearer(token, AUDIENCES)

    clock.move(hours=2)

    with pytest.raises(identity.TokenRejected) as rejected:
        verifier.verify_bearer(token, AUDIENCES)
    assert rejected.value.expired


async def test_a_removed_secret_takes_its_tokens_with_it(world: World) -> None:
    token = (await world.sign_in_client()).json()["access_token"]
    verifier = world.verifier
    assert verifier.verify_bearer(token, AUDIENCES).app_id == world.application.app_id

    def remove(conn: core.Connection) -> None:
        (secret,) = list_sign_in_passwords(conn, world.application.app_id)
        delete_password_credential(conn, world.application.id, secret.key_id)

    world.issuer.store.write_now(remove)

    with pytest.raises(identity.TokenRejected):
        verifier.verify_bearer(token, AUDIENCES)


async def test_a_token_does_not_outlive_its_secret(world: World, clock: FakeClock) -> None:
    clock.move(hours=23, minutes=50)

    answer = await world.sign_in_client()

    assert answer.json()["expires_in"] == 600


async def test_a_client_secret_is_verified_and_logged_once(world: World) -> None:
    verifier = world.verifier

    for _ in range(3):
        principal = await verifier.verify_client_secret(
            world.application.app_id, world.secret, "192.0.2.1"
        )

    assert principal.object_id == world.principal.id
    assert len(world.list_sign_ins()) == 1


async def test_a_wrong_client_secret_is_rejected_and_logged(world: World) -> None:
    with pytest.raises(identity.TokenRejected):
        await world.verifier.verify_client_secret(world.application.app_id, "wrong", "192.0.2.1")

    assert world.list_sign_ins()[0]["status"]["errorCode"] == 7000215


async def test_wrong_secrets_lock_the_client_at_that_address(world: World) -> None:
    verifier, app_id = world.verifier, world.application.app_id
    for _ in range(10):
        with pytest.raises(identity.TokenRejected):
            await verifier.verify_client_secret(app_id, "wrong", "192.0.2.1")

    with pytest.raises(identity.SignInThrottled):
        await verifier.verify_client_secret(app_id, world.secret, "192.0.2.1")
    assert await verifier.verify_client_secret(app_id, world.secret, "192.0.2.2")


async def test_a_password_is_verified(world: World) -> None:
    verifier = world.verifier

    assert await verifier.verify_password("Ada@Silo.test", "correct horse", "192.0.2.1")
    with pytest.raises(identity.TokenRejected):
        await verifier.verify_password("ada@silo.test", "wrong", "192.0.2.1")


async def test_a_remembered_token_costs_microseconds(world: World) -> None:
    verifier, token = world.verifier, await get_token(world)
    verifier.verify_bearer(token, AUDIENCES)
    loop = asyncio.get_running_loop()
    start = loop.time()

    for _ in range(1000):
        verifier.verify_bearer(token, AUDIENCES)

    assert loop.time() - start < 0.1  # ten times the promise, for a busy machine


def _replace(user: identity.User | None, **changes: Any) -> identity.User:
    from dataclasses import replace

    assert user is not None
    return replace(user, **changes)
