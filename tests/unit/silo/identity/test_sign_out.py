from tests.unit.silo.identity.sign_in_world import World, submit
from tests.unit.silo.identity.test_authorize import make_url, sign_in

from silo.identity.browser import SESSION_COOKIE


async def test_signing_out_is_asked_first_and_ends_the_session(world: World) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        cookie = client.cookies[SESSION_COOKIE]
        page = await client.get("/common/oauth2/v2.0/logout")
        done = await submit(client, page, "sign-out")
        client.cookies.set(SESSION_COOKIE, cookie, domain="login.silo.test")
        after = await client.get("/common/oauth2/v2.0/logout")

    assert "You are signed out" in done.text
    assert "You are signed out" in after.text


async def test_nobody_is_sent_to_an_unregistered_address(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(
            "/common/oauth2/v2.0/logout?post_logout_redirect_uri=https://evil.example/"
        )

    assert page.status_code == 200
