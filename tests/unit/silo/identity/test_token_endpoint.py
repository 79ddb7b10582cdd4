from tests.unit.silo.identity.sign_in_world import ARM_SCOPE, World, read_claims


async def test_an_unknown_grant_is_refused(world: World) -> None:
    answer = await world.post(grant_type="magic")

    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"
    assert answer.json()["error_codes"] == [70003]
    assert answer.headers["cache-control"] == "no-store, no-cache"


async def test_a_missing_grant_is_refused(world: World) -> None:
    answer = await world.post(client_id="x")

    assert answer.json()["error_codes"] == [900144]


async def test_only_post_is_answered(world: World) -> None:
    async with world.open_client() as client:
        answer = await client.get("/common/oauth2/v2.0/token")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_json_is_not_a_form(world: World) -> None:
    async with world.open_client() as client:
        answer = await client.post("/common/oauth2/v2.0/token", json={"grant_type": "password"})

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_a_parameter_may_not_come_twice(world: World) -> None:
    async with world.open_client() as client:
        answer = await client.post(
            "/common/oauth2/v2.0/token",
            content=b"grant_type=password&grant_type=password",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    assert answer.json()["error_codes"] == [90023]


async def test_a_large_body_is_refused(world: World) -> None:
    answer = await world.post(grant_type="password", password="x" * 70_000)

    assert answer.status_code == 413


async def test_bad_utf8_is_refused(world: World) -> None:
    async with world.open_client() as client:
        answer = await client.post(
            "/common/oauth2/v2.0/token",
            content=b"grant_type=%ff%fe",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )

    assert answer.status_code == 400


async def test_another_tenant_is_refused(world: World) -> None:
    answer = await world.post("/contoso.example/oauth2/v2.0/token", grant_type="password")

    assert answer.json()["error_codes"] == [90002]


async def test_paths_match_in_any_case(world: World) -> None:
    answer = await world.post("/Common/OAuth2/v2.0/Token", grant_type="magic")

    assert answer.json()["error_codes"] == [70003]


async def test_a_user_gets_everything_az_needs(world: World) -> None:
    answer = await world.sign_in()

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert 3600 <= body["expires_in"] <= 5399
    assert ARM_SCOPE in body["scope"].split()
    claims = read_claims(body["access_token"])
    assert claims["ver"] == "1.0"
    assert claims["aud"] == "https://management.azure.com/"
    assert claims["upn"] == "ada@silo.test"
    assert claims["idtyp"] == "user"
    assert claims["scp"] == "user_impersonation"
    assert claims["xms_cc"] == ["CP1"]
    id_claims = read_claims(body["id_token"])
    assert id_claims["preferred_username"] == "ada@silo.test"
    assert id_claims["tid"] == world.issuer.tenant.id
    assert body["refresh_token"]
    assert body["client_info"]


async def test_an_application_gets_only_an_access_token(world: World) -> None:
    answer = await world.sign_in_client()

    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    claims = read_claims(answer.json()["access_token"])
    assert claims["appid"] == world.application.app_id
    assert claims["oid"] == claims["sub"] == world.principal.id
    assert claims["idtyp"] == "app"


async def test_the_old_endpoint_speaks_in_texts(world: World) -> None:
    answer = await world.post(
        f"/{world.issuer.tenant.id}/oauth2/token",
        grant_type="client_credentials",
        client_id=world.application.app_id,
        client_secret=world.secret,
        resource="https://management.core.windows.net/",
    )

    body = answer.json()
    assert body["resource"] == "https://management.core.windows.net/"
    assert int(body["expires_on"]) - int(body["not_before"]) == int(body["expires_in"])
