from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

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
    make_pkce,
    submit,
)

from silo import core, identity
from silo.identity.applications import update_application
from silo.identity.users import set_password

REDIRECT = "http://localhost:41234"


def make_url(**changes: str | None) -> str:
    fields: dict[str, str | None] = {
        "client_id": AZ,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": f"{ARM_SCOPE} offline_access openid profile",
        "state": "s<1>",
        "code_challenge": make_pkce()[1],
        "code_challenge_method": "S256",
        "nonce": "n",
        "client_info": "1",
        "prompt": "select_account",
    }
    kept = {name: value for name, value in (fields | changes).items() if value is not None}
    return f"/organizations/oauth2/v2.0/authorize?{urlencode(kept)}"


async def sign_in(client: httpx2.AsyncClient, url: str) -> httpx2.Response:
    page = await client.get(url)
    assert page.status_code == 200, page.text
    return await submit(client, page, "sign-in", username=UPN, password=PASSWORD)


def read_redirect(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code in {302, 303}, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


async def test_the_page_is_plain_and_guarded(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url())

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://localhost:41234" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in FormReader(page.text).tags
    assert '<html lang="en">' in page.text
    assert page.headers["cache-control"].startswith("no-store")
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("__Host-csrf=")
    assert {"Secure", "HttpOnly", "SameSite=lax"} <= set(cookie.split("; "))


async def test_a_code_is_redeemed_as_az_does(world: World) -> None:
    async with world.open_client() as client:
        page = await sign_in(client, make_url(response_mode="form_post"))

    form = FormReader(page.text)
    assert form.action == REDIRECT
    assert form.fields["state"] == "s<1>"
    assert form.fields["client_info"]
    answer = await redeem(world, form.fields["code"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["refresh_token"]


async def redeem(world: World, code: str, **changes: str) -> Any:
    fields = {
        "grant_type": "authorization_code",
        "client_id": AZ,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": make_pkce()[0],
        "scope": f"{ARM_SCOPE} offline_access openid profile",
    }
    return await world.post("/organizations/oauth2/v2.0/token", **(fields | changes))


async def get_code(world: World) -> str:
    async with world.open_client() as client:
        return read_redirect(await sign_in(client, make_url()))["code"]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"code_verifier": "w" * 43}, 501481),
        ({"code_verifier": ""}, 900144),
        ({"redirect_uri": "http://localhost:1"}, 500112),
        ({"client_id": "1950a258-227b-4e31-a9cf-717495945fc2"}, 70000),
        ({"code": "other"}, 70000),
    ],
)
async def test_a_code_is_refused_unless_everything_fits(
    world: World, changes: dict[str, str], number: int
) -> None:
    answer = await redeem(world, **({"code": await get_code(world)} | changes))

    assert answer.status_code == 400
    assert answer.json()["error_codes"] == [number]


async def test_a_code_ends_after_ten_minutes(world: World, clock: FakeClock) -> None:
    code = await get_code(world)
    clock.move(minutes=10)

    assert (await redeem(world, code)).json()["error_codes"] == [70008]


async def test_a_second_redemption_revokes_the_first(world: World) -> None:
    code = await get_code(world)
    first = (await redeem(world, code)).json()

    assert (await redeem(world, code)).json()["error_codes"] == [54005]

    refreshed = await world.post(
        grant_type="refresh_token", client_id=AZ, refresh_token=first["refresh_token"]
    )
    assert refreshed.json()["error_codes"] == [50173]


async def test_a_session_makes_the_next_visit_one_click(world: World) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        page = await client.get(make_url())

        answer = await submit(client, page, "continue")

    assert read_redirect(answer)["code"]


async def test_another_account_can_be_used(world: World) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        page = await client.get(make_url())

        answer = await submit(client, page, "switch")

    assert "sign-in" in FormReader(answer.text).buttons


@pytest.mark.parametrize("prompt", ["login", "select_account"])
async def test_a_prompt_is_obeyed(world: World, prompt: str) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        page = await client.get(make_url(prompt=prompt))

    assert page.status_code == 200


async def test_prompt_login_cannot_be_skipped_with_an_old_session(
    world: World, clock: FakeClock
) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        clock.move(hours=1)
        page = await client.get(make_url(prompt="login"))
        csrf = FormReader(page.text).fields["csrf"]

        answer = await client.post(
            make_url(prompt="login"), data={"csrf": csrf, "action": "continue"}
        )

    assert "sign-in" in FormReader(answer.text).buttons


async def test_prompt_none_without_a_session_says_so(world: World) -> None:
    async with world.open_client() as client:
        fields = read_redirect(await client.get(make_url(prompt="none")))

    assert fields["error"] == "login_required"
    assert fields["state"] == "s<1>"


async def test_prompt_none_with_a_session_is_silent(world: World) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())

        assert read_redirect(await client.get(make_url(prompt="none")))["code"]


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "http://127.0.0.1:x/",
        "javascript:alert(1)",
        "",
    ],
)
async def test_a_foreign_redirect_is_never_followed(world: World, uri: str) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url(redirect_uri=uri))

    assert page.status_code == 400
    assert "location" not in page.headers


async def test_an_unknown_application_gets_a_page(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url(client_id="<b>x</b>"))

    assert page.status_code == 400
    assert "AADSTS700016" in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_request"),
        ({"scope": "https://nowhere.example/.default"}, "invalid_resource"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_told_to_the_application(
    world: World, changes: dict[str, str | None], error: str
) -> None:
    async with world.open_client() as client:
        fields = read_redirect(await client.get(make_url(**changes)))

    assert fields["error"] == error


async def test_a_wrong_password_is_shown_and_logged(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url())
        answer = await submit(client, page, "sign-in", username=UPN, password="wrong")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    entry = world.list_sign_ins()[0]
    assert entry["status"]["errorCode"] == 50126
    assert entry["userPrincipalName"] == UPN
    assert entry["isInteractive"]


async def test_a_form_without_its_cookie_is_refused(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url())
        client.cookies.clear()
        answer = await submit(client, page, "sign-in", username=UPN, password=PASSWORD)

    assert answer.status_code == 400
    assert "code" not in answer.headers.get("location", "")
    assert world.list_sign_ins() == []


async def test_a_form_of_another_site_is_refused(world: World) -> None:
    async with world.open_client() as client:
        page = await client.get(make_url())
        data = FormReader(page.text).fields | {"username": UPN, "password": PASSWORD}
        answer = await client.post(
            make_url(),
            data=data | {"action": "sign-in"},
            headers={"origin": "https://evil.example"},
        )

    assert answer.status_code == 400


async def test_an_expired_password_is_changed_on_the_way(world: World) -> None:
    store, clock = world.issuer.store, world.issuer.clock

    def force(conn: core.Connection) -> None:
        user = identity.find_user(conn, world.user.id)
        assert user
        set_password(conn, user.id, user.password_hash, clock.now(), force_change=True)

    store.write_now(force)
    async with world.open_client() as client:
        page = await sign_in(client, make_url())
        same = {"password": PASSWORD, "username": UPN}
        weak = await submit(
            client, page, "change-password", **same, new_password="x", new_password_again="x"
        )
        new = {"new_password": "Better horse 1", "new_password_again": "Better horse 1"}

        answer = await submit(client, weak, "change-password", **same, **new)

    assert weak.status_code == 400
    assert read_redirect(answer)["code"]
    assert (await world.sign_in()).json()["error_codes"] == [50126]
    assert (await world.sign_in(password="Better horse 1")).status_code == 200


async def test_a_revoked_session_has_to_sign_in_again(world: World, clock: FakeClock) -> None:
    async with world.open_client() as client:
        await sign_in(client, make_url())
        clock.move(seconds=5)
        world.issuer.store.write_now(
            lambda conn: set_password(conn, world.user.id, "x", clock.now())
        )
        page = await client.get(make_url())

    assert "sign-in" in FormReader(page.text).buttons


def register(world: World, **platforms: list[str]) -> None:
    """Give the application redirect URIs."""
    from dataclasses import replace

    properties = {name: {"redirectUris": uris} for name, uris in platforms.items()}
    application = replace(world.application, properties=properties)
    world.issuer.store.write_now(lambda conn: update_application(conn, application))


async def test_a_registered_application_needs_consent_once(world: World) -> None:
    register(world, web=["https://app.example/back"])
    url = make_url(
        client_id=world.application.app_id,
        redirect_uri="https://app.example/back",
        prompt=None,
        code_challenge=None,
    )
    async with world.open_client() as client:
        page = await sign_in(client, url)
        silent = read_redirect(await client.get(f"{url}&prompt=none"))

        accepted = read_redirect(await submit(client, page, "accept"))

        again = read_redirect(await client.get(url))
    assert silent["error"] == "consent_required"
    assert again["code"]
    fields = {
        "client_id": world.application.app_id,
        "redirect_uri": "https://app.example/back",
        "code_verifier": "",
    }
    without = await redeem(world, accepted["code"], **fields)
    assert without.json()["error_codes"] == [7000218]
    proved = await redeem(world, accepted["code"], **fields, client_secret=world.secret)
    assert proved.status_code == 200


async def test_consent_can_be_declined(world: World) -> None:
    register(world, publicClient=["http://localhost/cb"])
    url = make_url(
        client_id=world.application.app_id,
        redirect_uri="http://localhost:5555/cb",
        prompt=None,
    )
    async with world.open_client() as client:
        answer = await submit(client, await sign_in(client, url), "decline")

    assert read_redirect(answer)["error"] == "access_denied"
