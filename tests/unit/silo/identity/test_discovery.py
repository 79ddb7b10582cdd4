from typing import Any

import pytest
from tests.unit.silo.identity.sign_in_world import LOGIN, World

from silo import front


async def get(world: World, path: str) -> Any:
    async with world.open_client() as client:
        return await client.get(path)


@pytest.mark.parametrize("tenant", ["organizations", "common", "silo.test", "adfs"])
async def test_the_tenant_can_be_read_from_the_issuer(world: World, tenant: str) -> None:
    answer = await get(world, f"/{tenant}/v2.0/.well-known/openid-configuration")

    body = answer.json()
    assert body["issuer"].split("/")[3] == world.issuer.tenant.id
    assert body["token_endpoint"] == f"{LOGIN}/{tenant}/oauth2/v2.0/token"
    assert body["device_authorization_endpoint"] == f"{LOGIN}/{tenant}/oauth2/v2.0/devicecode"


async def test_the_old_document_names_the_old_endpoints(world: World) -> None:
    body = (await get(world, "/common/.well-known/openid-configuration")).json()

    assert body["issuer"] == f"{LOGIN}/{world.issuer.tenant.id}/"
    assert body["authorization_endpoint"] == f"{LOGIN}/common/oauth2/authorize"


async def test_every_url_of_the_document_is_served(world: World) -> None:
    for path in ("/common", "/common/v2.0"):
        body = (await get(world, f"{path}/.well-known/openid-configuration")).json()
        for name, url in body.items():
            if name.endswith(("_endpoint", "_uri")):
                assert (await get(world, url)).status_code != 404, name


async def test_azures_names_answer_in_azures_names(world: World) -> None:
    world.urls = front.AZURE_URLS

    body = (await get(world, "/common/.well-known/openid-configuration")).json()

    assert body["issuer"] == f"https://sts.windows.net/{world.issuer.tenant.id}/"


async def test_a_foreign_tenant_is_unknown(world: World) -> None:
    answer = await get(world, "/contoso.com/v2.0/.well-known/openid-configuration")

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_tenant"


@pytest.mark.parametrize("path", ["/common/discovery/keys", "/discovery/v2.0/keys"])
async def test_the_keys_are_public_keys(world: World, path: str) -> None:
    (key,) = (await get(world, path)).json()["keys"]

    assert key["kty"] == "RSA"
    assert "d" not in key


async def test_instance_discovery_knows_only_ours(world: World) -> None:
    path = "/common/discovery/instance?api-version=1.1&authorization_endpoint="
    known = await get(world, f"{path}{LOGIN}/common/oauth2/v2.0/authorize")
    unknown = await get(world, f"{path}https://login.evil.example/x")

    assert known.json()["metadata"][0]["aliases"] == ["login.silo.test:8443"]
    assert unknown.json()["error"] == "invalid_instance"


async def test_the_user_realm_tells_nothing_of_accounts(world: World) -> None:
    known = (await get(world, "/common/UserRealm/ada@silo.test?api-version=1.0")).json()
    other = (await get(world, "/common/userrealm/eve@silo.test?api-version=1.0")).json()

    assert known == other
    assert known["account_type"] == "Managed"


@pytest.mark.parametrize("path", ["/", "/x", "/common/oauth2/v2.0/none", "/a/b/c/d"])
async def test_an_unknown_path_is_answered_in_json(world: World, path: str) -> None:
    answer = await get(world, path)

    assert answer.status_code == 404
    assert answer.json()["error"] == "invalid_request"
