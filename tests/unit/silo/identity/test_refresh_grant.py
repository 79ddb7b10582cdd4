from typing import Any

from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.sign_in_world import ARM_SCOPE, AZ, World, read_claims

from silo import core, identity
from silo.identity.users import revoke_sign_in_sessions

GRAPH_SCOPE = "https://graph.microsoft.com//.default"


async def get_refresh_token(world: World) -> str:
    token: str = (await world.sign_in()).json()["refresh_token"]
    return token


async def refresh(world: World, token: str, **changes: str) -> Any:
    fields = {
        "grant_type": "refresh_token",
        "client_id": AZ,
        "refresh_token": token,
        "scope": f"{ARM_SCOPE} offline_access openid profile",
    }
    return await world.post(f"/{world.issuer.tenant.id}/oauth2/v2.0/token", **(fields | changes))


async def test_one_token_serves_every_audience(world: World) -> None:
    answer = await refresh(world, await get_refresh_token(world), scope=GRAPH_SCOPE)

    assert answer.status_code == 200, answer.text
    assert read_claims(answer.json()["access_token"])["aud"] == "https://graph.microsoft.com/"


async def test_without_a_scope_it_gives_the_same_again(world: World) -> None:
    answer = await refresh(world, await get_refresh_token(world), scope="")

    assert read_claims(answer.json()["access_token"])["aud"] == "https://management.azure.com/"


async def test_a_token_is_rotated(world: World, clock: FakeClock) -> None:
    first = await get_refresh_token(world)

    second = (await refresh(world, first)).json()["refresh_token"]
    clock.move(hours=1)

    assert second != first
    assert (await refresh(world, second)).status_code == 200


async def test_two_commands_may_refresh_at_the_same_moment(world: World, clock: FakeClock) -> None:
    first = await get_refresh_token(world)
    await refresh(world, first)
    clock.move(seconds=30)

    assert (await refresh(world, first)).status_code == 200


async def test_late_reuse_revokes_the_family(world: World, clock: FakeClock) -> None:
    first = await get_refresh_token(world)
    second = (await refresh(world, first)).json()["refresh_token"]
    clock.move(seconds=61)

    assert (await refresh(world, first)).json()["error_codes"] == [50173]

    assert (await refresh(world, second)).json()["error_codes"] == [50173]


async def test_a_wrong_resource_does_not_look_like_reuse(world: World, clock: FakeClock) -> None:
    """MSAL answers any error by trying the older tokens of its cache."""
    first = await get_refresh_token(world)
    second = (await refresh(world, first)).json()["refresh_token"]
    clock.move(hours=1)

    for token in (second, first):
        wrong = await refresh(world, token, scope="https://nowhere.example/.default")
        assert wrong.json()["error"] == "invalid_resource"

    assert (await refresh(world, second)).status_code == 200


async def test_another_client_cannot_use_it(world: World) -> None:
    token = await get_refresh_token(world)

    answer = await refresh(world, token, client_id="1950a258-227b-4e31-a9cf-717495945fc2")

    assert answer.json()["error_codes"] == [70000]


async def test_an_unused_token_ends_after_ninety_days(world: World, clock: FakeClock) -> None:
    token = await get_refresh_token(world)
    clock.move(days=90)

    assert (await refresh(world, token)).json()["error_codes"] == [70008]


async def test_revoked_sessions_end_it_at_once(world: World) -> None:
    token = await get_refresh_token(world)

    world.issuer.store.write_now(
        lambda conn: revoke_sign_in_sessions(conn, world.user.id, world.issuer.clock.now())
    )

    assert (await refresh(world, token)).json()["error_codes"] == [50173]
    assert (await refresh(world, await get_refresh_token(world))).status_code == 200


async def test_a_disabled_user_gets_nothing(world: World) -> None:
    from dataclasses import replace

    token = await get_refresh_token(world)

    def disable(conn: core.Connection) -> None:
        user = identity.find_user(conn, world.user.id)
        assert user
        identity.update_user(conn, replace(user, account_enabled=False))

    world.issuer.store.write_now(disable)

    assert (await refresh(world, token)).json()["error_codes"] == [50057]
    assert world.list_sign_ins()[0]["status"]["errorCode"] == 50057


async def test_a_refresh_is_a_non_interactive_sign_in(world: World) -> None:
    await refresh(world, await get_refresh_token(world))

    entry = world.list_sign_ins()[0]
    assert entry["signInEventTypes"] == ["nonInteractiveUser"]
    assert entry["authenticationProtocol"] == "refreshToken"
