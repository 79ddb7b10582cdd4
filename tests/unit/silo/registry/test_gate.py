"""Who gets in: every route, every kind of credential, and how fast a right that is gone is gone."""

import json
from typing import Any

import pytest
from tests.unit.silo.registry.world import (
    PREFIX,
    PULL,
    PUSH,
    Client,
    Plane,
    digest_of,
    make_image,
)

from silo import access, core, registry

ROUTES = registry.routes()
PATHS = [
    (
        route.method,
        route.path.replace("{name}", "hello").replace("{reference}", digest_of(b"v1")),
    )
    for route in ROUTES
    if not route.signs_in
]


async def bump(plane: Plane) -> None:
    await plane.store.write(core.bump_generation)


async def is_refused(client: Client, method: str, path: str, **more: Any) -> bool:
    answer = await client.send(method, path, b"{}", **more)
    return answer.status in {401, 403}


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_no_route_answers_without_a_good_token(plane: Plane, method: str, path: str) -> None:
    await plane.as_service("owner").push_image("v1")
    everything = "repository:hello:*"
    token = await plane.get_access_token("owner", f"{everything} registry:catalog:*")
    refresh = await plane.get_refresh_token("owner")
    elsewhere = await plane.get_access_token("owner", "repository:other:*")
    head, claims, signature = token.split(".")
    plane.directory.add("nothing")

    assert await is_refused(plane.as_nobody(), method, path)
    assert await is_refused(plane.as_bearer(refresh), method, path)
    assert await is_refused(plane.as_bearer(f"{head}.{claims}.{signature[::-1]}"), method, path)
    assert await is_refused(plane.as_basic("owner", "wrong"), method, path)
    assert await is_refused(plane.as_basic("acme", ""), method, path)
    if path != "/v2/":
        assert await is_refused(plane.as_bearer(elsewhere), method, path)
        assert await is_refused(plane.as_service("nothing"), method, path)
    await plane.put("other")
    assert await is_refused(plane.as_bearer(token), method, path, registry_name="other")
    del plane.directory.principals["owner"]
    await bump(plane)
    assert await is_refused(plane.as_bearer(token), method, path)


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_no_route_answers_an_expired_token(plane: Plane, method: str, path: str) -> None:
    token = await plane.get_access_token("owner", "repository:hello:* registry:catalog:*")
    assert not await is_refused(plane.as_bearer(token), method, path) or "_deleted" in path

    plane.clock.advance(minutes=76)

    assert await is_refused(plane.as_bearer(token), method, path)


async def test_the_challenge_is_as_az_and_docker_read_it(plane: Plane) -> None:
    nobody = plane.as_nobody()
    host = "acme.azurecr.silo.localhost:8443"
    start = f'Bearer realm="https://{host}/oauth2/token",service="{host}"'

    version = await nobody.get("/v2/")
    manifest = await nobody.send("PUT", "/v2/a/b/manifests/v1")
    tags = await nobody.get("/acr/v1/hello/_tags")
    catalog = await nobody.get("/v2/_catalog")

    assert version.status == 401
    assert version.headers["www-authenticate"] == start
    assert manifest.headers["www-authenticate"] == f'{start},scope="repository:a/b:pull,push"'
    assert tags.headers["www-authenticate"] == f'{start},scope="repository:hello:metadata_read"'
    assert catalog.headers["www-authenticate"] == f'{start},scope="registry:catalog:*"'


async def test_a_token_that_does_not_reach_says_so(plane: Plane) -> None:
    puller = plane.as_bearer(await plane.get_access_token("puller", "repository:hello:pull,push"))

    answer = await puller.send("POST", "/v2/hello/blobs/uploads/")

    assert answer.status == 401
    assert answer.headers["www-authenticate"].endswith(',error="insufficient_scope"')


async def test_a_token_grants_what_is_asked_and_allowed(plane: Plane) -> None:
    scope = "repository:hello:pull,push,delete,metadata_read,metadata_write registry:catalog:*"

    of_puller = plane.keys.verify(await plane.get_access_token("puller", scope))
    of_owner = plane.keys.verify(await plane.get_access_token("owner", scope))

    assert of_puller["access"] == [
        {"type": "repository", "name": "hello", "actions": ["pull", "metadata_read"]},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ]
    assert of_owner["access"][0]["actions"] == [
        "pull",
        "push",
        "delete",
        "metadata_read",
        "metadata_write",
    ]
    assert of_owner["aud"] == "acme.azurecr.silo.localhost:8443"
    assert of_owner["iss"] == "Azure Container Registry"
    assert of_owner["grant_type"] == "access_token"
    assert of_owner["exp"] - of_owner["iat"] == 75 * 60


@pytest.mark.parametrize("data_role", ["content", "metadata"])
async def test_data_actions_of_repository_roles_count(plane: Plane, data_role: str) -> None:
    plane.directory.add("robot", f"data:{PREFIX}repositories/{data_role}/read")

    token = await plane.get_access_token("robot", "repository:hello:pull,metadata_read")

    granted = plane.keys.verify(token)["access"][0]["actions"]
    assert granted == ["pull" if data_role == "content" else "metadata_read"]


async def test_a_right_that_is_taken_away_is_gone_with_the_next_request(plane: Plane) -> None:
    await plane.as_service("owner").push_image("v1")
    puller = plane.as_bearer(await plane.get_access_token("puller", "repository:hello:pull"))
    assert (await puller.get("/v2/hello/manifests/v1")).status == 200

    plane.directory.actions["oid-puller"].discard(PULL)
    await bump(plane)

    assert (await puller.get("/v2/hello/manifests/v1")).status == 403


async def test_a_token_dies_with_the_secret_it_was_got_with(plane: Plane) -> None:
    token = await plane.get_access_token("owner", "repository:hello:pull")
    by_secret = await plane.as_service("owner").get("/oauth2/token?scope=repository:hello:pull")
    clients = [plane.as_bearer(token), plane.as_bearer(by_secret.json["access_token"])]
    assert [(await client.get("/v2/")).status for client in clients] == [200, 200]

    plane.directory.removed.add("secret-of-owner")
    await bump(plane)
    assert [(await client.get("/v2/")).status for client in clients] == [401, 401]


async def test_a_secret_that_expires_is_noticed_within_a_minute(plane: Plane) -> None:
    owner = plane.as_bearer(await plane.get_access_token("owner", "repository:hello:pull"))
    assert (await owner.get("/v2/")).status == 200

    plane.directory.removed.add("secret-of-owner")  # by time alone: nothing was written
    plane.clock.advance(seconds=61)

    assert (await owner.get("/v2/")).status == 401


async def test_a_token_dies_with_its_registry(plane: Plane) -> None:
    token = await plane.get_access_token("owner", "repository:hello:pull")

    await plane.store.write(lambda conn: registry.delete_registry(conn, "acme"))
    gone = await plane.as_bearer(token).get("/v2/")
    await plane.put("acme")
    again = await plane.as_bearer(token).get("/v2/")

    assert (gone.status, gone.code) == (404, "NAME_UNKNOWN")
    assert again.status == 401


async def test_azures_own_names_lead_to_the_same_registry(plane: Plane) -> None:
    from silo import front

    token = await plane.get_access_token("owner", "repository:hello:pull")

    answer = await plane.as_bearer(token).get("/v2/", urls=front.AZURE_URLS)
    challenge = await plane.as_nobody().get("/v2/", urls=front.AZURE_URLS)

    assert answer.status == 200
    assert 'service="acme.azurecr.io"' in challenge.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"access_token": "https://graph.microsoft.com|owner"}, 401),
        ({"access_token": "https://management.azure.com/|owner"}, 200),
        ({"tenant": "22222222-2222-2222-2222-222222222222"}, 401),
        ({"tenant": "11111111-1111-1111-1111-111111111111"}, 200),
        ({"tenant": "silo.local"}, 200),
        ({"service": "other.azurecr.silo.localhost:8443"}, 400),
        ({"service": "acme.azurecr.io"}, 200),
        ({"grant_type": "access_token_refresh_token", "refresh_token": "x"}, 200),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 405),
        ({"grant_type": "password"}, 400),
        ({"access_token": ""}, 400),
    ],
)
async def test_exchange(plane: Plane, fields: dict[str, str], status: int) -> None:
    form = {
        "grant_type": "access_token",
        "service": "acme.azurecr.silo.localhost:8443",
        "access_token": "https://containerregistry.azure.net|owner",
        **fields,
    }

    answer = await plane.as_nobody().post_form("/oauth2/exchange", **form)

    assert answer.status == status
    assert (status == 200) == ("refresh_token" in answer.json)


async def test_a_token_for_arm_is_refused_where_the_policy_says_so(plane: Plane) -> None:
    await plane.put(arm_tokens_accepted=False)

    answer = await plane.as_nobody().post_form(
        "/oauth2/exchange",
        grant_type="access_token",
        access_token="https://management.azure.com/|owner",
    )

    assert answer.status == 401


async def test_docker_signs_in_with_a_refresh_token_and_gets_it_back(plane: Plane) -> None:
    refresh = await plane.get_refresh_token("puller")
    user = "00000000-0000-0000-0000-000000000000"
    query = "service=acme.azurecr.silo.localhost:8443&scope=repository:hello:pull"

    answer = await plane.as_basic(user, refresh).get(
        f"/oauth2/token?{query}&account={user}&client_id=docker&offline_token=true"
    )
    plain = await plane.as_service("puller").get(f"/oauth2/token?{query}&offline_token=true")

    assert answer.json["refresh_token"] == refresh
    assert (await plane.as_bearer(answer.json["access_token"]).get("/v2/")).status == 200
    assert set(plain.json) == {"access_token"}


async def test_a_service_principal_signs_in_with_its_secret(plane: Plane) -> None:
    form = {"grant_type": "password", "username": "puller", "scope": "repository:hello:pull"}

    good = await plane.as_nobody().post_form("/oauth2/token", password="secret of puller", **form)
    bad = await plane.as_nobody().post_form("/oauth2/token", password="guess", **form)

    assert good.status == 200
    assert (bad.status, bad.code) == (401, "UNAUTHORIZED")


async def test_a_secret_is_checked_again_after_a_minute_and_when_anything_changes(
    plane: Plane,
) -> None:
    puller = plane.as_service("puller")
    for _ in range(3):
        assert (await puller.get("/v2/")).status == 200
    assert plane.directory.checks == 1

    plane.clock.advance(seconds=61)
    assert (await puller.get("/v2/")).status == 200
    await bump(plane)
    assert (await puller.get("/v2/")).status == 200
    assert plane.directory.checks == 3


async def test_the_admin_user_is_off_until_it_is_on_and_dies_with_its_password(
    plane: Plane,
) -> None:
    def renew(conn: core.Connection) -> list[registry.AdminPassword]:
        known = registry.get_registry(conn, "acme")
        return registry.set_admin_passwords(conn, plane.vault, known)

    first, second = await plane.store.write(renew)
    admin = plane.as_basic("acme", first.value)
    assert (await admin.get("/v2/")).status == 401

    await plane.put(admin_enabled=True)
    assert (await admin.push_image("v1")).startswith("sha256:")
    assert (await plane.as_basic("ACME", second.value).get("/v2/")).status == 200
    token = (await admin.get("/oauth2/token?scope=repository:hello:pull")).json["access_token"]
    assert (await plane.as_bearer(token).get("/v2/hello/manifests/v1")).body == make_image("v1")

    await plane.store.write(renew)
    assert (await admin.get("/v2/")).status == 401
    assert (await plane.as_bearer(token).get("/v2/")).status == 401


async def test_guessing_the_admin_password_is_slowed_down(plane: Plane) -> None:
    await plane.put(admin_enabled=True)
    seen = [(await plane.as_basic("acme", f"guess {n}").get("/v2/")).status for n in range(12)]

    assert seen == [401] * 10 + [429] * 2


async def test_network_rules_are_enforced(plane: Plane) -> None:
    await plane.put(network=access.NetworkRules(default_allow=False, allowed=("192.0.2.0/29",)))
    assert (await plane.as_service("owner").get("/v2/")).status == 200

    await plane.put(network=access.NetworkRules(default_allow=False, allowed=("10.0.0.0/8",)))
    refused = await plane.as_service("owner").get("/v2/")
    assert (refused.status, refused.code) == (403, "DENIED")

    await plane.put(network=access.NetworkRules(public=False))
    assert (await plane.as_service("owner").get("/v2/")).status == 403


async def test_refusals_and_failed_sign_ins_are_on_record(plane: Plane) -> None:
    plane.directory.add("pusher", PUSH)
    await plane.as_basic("puller", "guess").get("/v2/")
    await plane.as_nobody().post_form(
        "/oauth2/token", grant_type="password", username="x", password="y"
    )
    await plane.as_service("pusher").get("/v2/hello/manifests/v1")

    log = await plane.list_log()

    assert [(r["result"], r["http_status"], r["properties"]["operationName"]) for r in log] == [
        ("Denied", 401, "Login"),
        ("Failed", 401, "Login"),
        ("Denied", 403, "Pull"),
    ]
    assert log[2]["caller"] == "pusher"
    assert "guess" not in json.dumps(log)


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic Zm9v", "Bearer", "Bearer a.b.c", "Digest x", "é"]
)
async def test_a_header_that_cannot_be_read_is_refused(plane: Plane, header: str) -> None:
    answer = await plane.as_nobody().get("/v2/", headers={"authorization": header})

    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("scope", ["x", "repository:UPPER:pull", "a:b " * 60])
async def test_a_scope_that_breaks_the_grammar_is_refused(plane: Plane, scope: str) -> None:
    answer = await plane.as_nobody().post_form(
        "/oauth2/token",
        grant_type="refresh_token",
        refresh_token=await plane.get_refresh_token("owner"),
        scope=scope,
    )

    assert answer.status == 400


async def test_a_method_that_is_not_served_is_refused(owner: Client) -> None:
    answer = await owner.send("POST", "/v2/hello/manifests/v1")

    assert (answer.status, answer.code) == (405, "UNSUPPORTED")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"
