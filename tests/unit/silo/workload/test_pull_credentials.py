from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.unit.silo.workload.site_world import USERS, Site

from silo import engine, identity, workload
from silo.settings import Settings

IMAGE = "one.azurecr.silo.test:8443/web:1"


class Door:
    """The registry's door: notes what comes, answers what it is told to."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.seen: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(request)
        return httpx2.Response(self.status, json={"refresh_token": "acr-refresh"})


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def pulls(site: Site, door: Door, tmp_path: Path) -> workload.PullCredentials:
    settings = Settings(tmp_path, domain="silo.test", port=8443)
    made = workload.PullCredentials(site.issuer, site.resources, settings)
    made._client = httpx2.AsyncClient(transport=httpx2.MockTransport(door))
    return made


def by_identity(name: str, server: str = "one.azurecr.silo.test:8443") -> Any:
    return [workload.RegistryLogin(server, identity_id=f"{USERS}/{name}")]


@pytest.mark.parametrize(
    ("server", "image"),
    [
        ("quay.example", "quay.example/a/b:1"),
        ("https://QUAY.example/", "quay.example/a/b@sha256:0"),
        ("index.docker.io", "nginx"),
        ("docker.io", "library/nginx:1"),
        ("one.azurecr.io", IMAGE),
    ],
)
async def test_a_password_is_shown_to_its_server(
    site: Site, pulls: workload.PullCredentials, server: str, image: str
) -> None:
    find = pulls.open(site.resource.uid, [workload.RegistryLogin(server, "user", "secret")])

    assert await find(image) == engine.Basic("user", "secret")


@pytest.mark.parametrize("image", ["nginx", "quay.example.evil/a", "quay.example:444/a"])
async def test_a_password_is_shown_to_nobody_else(
    site: Site, pulls: workload.PullCredentials, image: str
) -> None:
    login = workload.RegistryLogin("quay.example", "user", "secret")

    assert await pulls.open(site.resource.uid, [login])(image) is None
    assert "secret" not in repr(login)


async def test_an_identity_signs_in_through_the_registrys_own_door(
    site: Site, pulls: workload.PullCredentials, door: Door
) -> None:
    made = site.add_user_identity("puller")

    found = await pulls.open(site.resource.uid, by_identity("puller"))(IMAGE)

    assert found == engine.Basic("00000000-0000-0000-0000-000000000000", "acr-refresh")
    request = door.seen[0]
    assert str(request.url) == "https://127.0.0.1:8443/oauth2/exchange"
    assert request.headers["host"] == "one.azurecr.silo.test:8443"
    token = parse_qs(request.content.decode())["access_token"][0]
    principal = identity.Verifier(site.issuer).verify_bearer(token, identity.REGISTRY_AUDIENCES)
    assert principal.object_id == made.object_id
    assert site.list_sign_ins()[0]["servicePrincipalId"] == made.object_id


async def test_an_identity_is_never_shown_to_a_stranger(
    site: Site, pulls: workload.PullCredentials, door: Door
) -> None:
    site.add_user_identity("puller")
    find = pulls.open(site.resource.uid, by_identity("puller", "quay.example"))

    with pytest.raises(engine.ImageInaccessible, match="not a registry of this instance"):
        await find("quay.example/a:1")
    assert door.seen == []


async def test_an_identity_that_the_group_has_not_gets_nothing(
    site: Site, pulls: workload.PullCredentials, door: Door
) -> None:
    gone = site.add_user_identity("puller")
    site.delete_identity(gone)

    for name in ("puller", "other"):
        with pytest.raises(engine.ImageInaccessible, match="not assigned"):
            await pulls.open(site.resource.uid, by_identity(name))(IMAGE)
    assert door.seen == []


async def test_a_refusal_of_the_registry_is_told(
    site: Site, pulls: workload.PullCredentials, door: Door
) -> None:
    site.add_user_identity("puller")
    door.status = 401

    with pytest.raises(engine.ImageInaccessible, match="refused the identity"):
        await pulls.open(site.resource.uid, by_identity("puller"))(IMAGE)
