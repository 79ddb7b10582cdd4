from datetime import timedelta

import pytest
from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.sign_in_world import AZ, World

from silo import core, identity


@pytest.mark.parametrize(
    ("changes", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": ""}, 401, 7000218),
        ({"client_id": "6b3ba1a3-0000-4000-8000-000000000000"}, 400, 700016),
        ({"client_id": AZ}, 401, 700025),
        ({"scope": "https://management.azure.com/user_impersonation"}, 400, 70011),
        ({"scope": "openid"}, 400, 70011),
        ({"scope": ""}, 400, 70011),
        ({"scope": "https://nowhere.example/.default"}, 400, 500011),
        ({"claims": "nonsense"}, 400, 90023),
    ],
)
async def test_a_wrong_request_is_refused_with_entras_number(
    world: World, changes: dict[str, str], status: int, number: int
) -> None:
    answer = await world.sign_in_client(**changes)

    assert answer.status_code == status
    assert answer.json()["error_codes"] == [number]


async def test_an_expired_secret_is_refused(world: World, clock: FakeClock) -> None:
    clock.move(days=1)

    answer = await world.sign_in_client()

    assert answer.status_code == 401
    assert answer.json()["error_codes"] == [7000222]


async def test_a_disabled_principal_is_refused(world: World) -> None:
    from dataclasses import replace

    from silo.identity.service_principals import update_service_principal

    disabled = replace(world.principal, account_enabled=False)
    world.issuer.store.write_now(lambda conn: update_service_principal(conn, disabled))

    answer = await world.sign_in_client()

    assert answer.status_code == 401
    assert answer.json()["error_codes"] == [7000112]


async def test_an_application_without_a_principal_is_refused(world: World) -> None:
    now = world.issuer.clock.now()

    def write(conn: core.Connection) -> tuple[str, str]:
        application = identity.create_application(conn, display_name="lone", now=now)
        _, secret = identity.add_password_credential(
            conn, application.id, display_name="", start=now, end=now + timedelta(days=1)
        )
        return application.app_id, secret

    app_id, secret = world.issuer.store.write_now(write)

    answer = await world.sign_in_client(client_id=app_id, client_secret=secret)

    assert answer.json()["error_codes"] == [7000229]


async def test_the_secret_may_come_as_basic(world: World) -> None:
    async with world.open_client() as client:
        answer = await client.post(
            "/common/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "scope": "https://containerregistry.azure.net/.default",
            },
            auth=(world.application.app_id, world.secret),
        )

    assert answer.status_code == 200, answer.text


async def test_every_outcome_is_logged(world: World) -> None:
    await world.sign_in_client()
    await world.sign_in_client(client_secret="wrong")

    failed, succeeded = world.list_sign_ins()

    assert failed["status"]["errorCode"] == 7000215
    assert succeeded["status"]["errorCode"] == 0
    assert succeeded["servicePrincipalId"] == world.principal.id
    assert succeeded["signInEventTypes"] == ["servicePrincipal"]


async def test_wrong_secrets_lock_the_application(world: World, clock: FakeClock) -> None:
    for _ in range(10):
        await world.sign_in_client(client_secret="wrong")

    assert (await world.sign_in_client()).json()["error_codes"] == [50053]
    clock.move(seconds=60)
    assert (await world.sign_in_client()).status_code == 200
