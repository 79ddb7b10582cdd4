from typing import Any

import httpx2
import pytest
from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.sign_in_world import (
    ARM_SCOPE,
    AZ,
    PASSWORD,
    UPN,
    FormReader,
    World,
    submit,
)

from silo.identity.device_code import GRANT_TYPE


async def start(world: World) -> dict[str, Any]:
    answer = await world.post(
        "/organizations/oauth2/v2.0/devicecode",
        client_id=AZ,
        scope=f"{ARM_SCOPE} offline_access openid profile",
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def poll(world: World, code: str, **changes: str) -> Any:
    fields = {"grant_type": GRANT_TYPE, "client_id": AZ, "device_code": code, "code": code}
    return await world.post("/organizations/oauth2/v2.0/token", **(fields | changes))


async def open_confirmation(client: httpx2.AsyncClient, user_code: str) -> httpx2.Response:
    page = await client.get("/devicelogin")
    page = await submit(client, page, "code", user_code=user_code.lower())
    return await submit(client, page, "sign-in", username=UPN, password=PASSWORD)


async def test_a_device_waits_and_then_signs_in(world: World, clock: FakeClock) -> None:
    device = await start(world)
    assert device["user_code"] in device["message"]
    waiting = await poll(world, device["device_code"])
    async with world.open_client() as client:
        page = await open_confirmation(client, device["user_code"])
        assert "192.0.2.1" in page.text
        assert "Microsoft Azure CLI" in page.text

        done = await submit(client, page, "approve")

    assert "Signed in" in done.text
    assert waiting.status_code == 400
    assert waiting.json()["error"] == "authorization_pending"
    clock.move(seconds=1)
    answer = await poll(world, device["device_code"])
    assert answer.status_code == 200, answer.text
    assert ARM_SCOPE in answer.json()["scope"].split()
    assert answer.json()["refresh_token"]
    assert (await poll(world, device["device_code"])).json()["error_codes"] == [54005]


async def test_a_hasty_device_is_slowed_down(world: World, clock: FakeClock) -> None:
    device = await start(world)
    await poll(world, device["device_code"])

    assert (await poll(world, device["device_code"])).json()["error"] == "slow_down"
    clock.move(seconds=1)
    assert (await poll(world, device["device_code"])).json()["error"] == "authorization_pending"


async def test_nothing_is_granted_before_the_user_confirms(world: World) -> None:
    device = await start(world)
    async with world.open_client() as client:
        await open_confirmation(client, device["user_code"])

    answer = await poll(world, device["device_code"])

    assert answer.json()["error"] == "authorization_pending"


async def test_the_user_can_say_no(world: World) -> None:
    device = await start(world)
    async with world.open_client() as client:
        page = await open_confirmation(client, device["user_code"])
        await submit(client, page, "decline")

    assert (await poll(world, device["device_code"])).json()["error"] == "authorization_declined"


async def test_a_code_ends_after_a_quarter_of_an_hour(world: World, clock: FakeClock) -> None:
    device = await start(world)
    clock.move(minutes=15)

    assert (await poll(world, device["device_code"])).json()["error"] == "expired_token"
    async with world.open_client() as client:
        page = await client.get("/devicelogin")
        page = await submit(client, page, "code", user_code=device["user_code"])
    assert page.status_code == 400


async def test_a_code_belongs_to_its_client(world: World) -> None:
    device = await start(world)
    async with world.open_client() as client:
        await submit(client, await open_confirmation(client, device["user_code"]), "approve")

    other = await poll(
        world, device["device_code"], client_id="1950a258-227b-4e31-a9cf-717495945fc2"
    )

    assert other.json()["error_codes"] == [70000]


async def test_guessing_codes_is_stopped(world: World) -> None:
    device = await start(world)
    async with world.open_client() as client:
        page = await client.get("/common/oauth2/deviceauth")
        for _ in range(10):
            page = await submit(client, page, "code", user_code="WRONGCODE")

        page = await submit(client, page, "code", user_code=device["user_code"])

    assert FormReader(page.text).buttons == ["code"]


@pytest.mark.parametrize("secret", ["", "anything"])
async def test_a_confidential_application_has_no_device_code(world: World, secret: str) -> None:
    answer = await world.post(
        "/common/oauth2/v2.0/devicecode",
        client_id=world.application.app_id,
        scope=ARM_SCOPE,
        client_secret=secret,
    )

    assert answer.status_code == 401
