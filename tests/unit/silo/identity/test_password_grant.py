from tests.unit.silo.identity.conftest import TENANT, FakeClock
from tests.unit.silo.identity.sign_in_world import World, make_world

from silo import core, identity


async def test_a_wrong_name_and_a_wrong_password_look_alike(world: World) -> None:
    wrong = (await world.sign_in(password="wrong")).json()
    unknown = (await world.sign_in(username="nobody@silo.test")).json()

    assert wrong["error_codes"] == unknown["error_codes"] == [50126]
    assert (
        wrong["error_description"].partition(" Trace")[0]
        == (unknown["error_description"].partition(" Trace")[0])
    )


async def test_it_can_be_switched_off(
    store: core.Store, keys: core.KeyRing, clock: FakeClock, fast_argon2: None
) -> None:
    settings = identity.IdentitySettings(password_grant=False)
    world = make_world(store, keys, clock, TENANT, settings)

    answer = await world.sign_in()

    assert answer.json()["error"] == "unsupported_grant_type"
    world.issuer.close()


async def test_ten_wrong_passwords_lock_the_account_at_that_address(
    world: World, clock: FakeClock
) -> None:
    for _ in range(10):
        await world.sign_in(password="wrong")

    assert (await world.sign_in()).json()["error_codes"] == [50053]
    world.client_ip = "192.0.2.9"
    assert (await world.sign_in()).status_code == 200
    world.client_ip = "192.0.2.1"
    clock.move(seconds=61)
    assert (await world.sign_in()).status_code == 200


async def test_a_flood_is_turned_away(world: World) -> None:
    object.__setattr__(world.issuer.passwords, "_limit", 0)

    answer = await world.sign_in()

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"


async def test_a_password_of_any_length_is_answered(world: World) -> None:
    answer = await world.sign_in(password="x" * 10_000)

    assert answer.json()["error_codes"] == [50126]


async def test_a_confidential_application_must_prove_itself(world: World) -> None:
    answer = await world.sign_in(client_id=world.application.app_id)

    assert answer.json()["error_codes"] == [7000218]
