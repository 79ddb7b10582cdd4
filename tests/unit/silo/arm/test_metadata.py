"""The endpoints, for tools that know one address and no token yet."""

import pytest
from tests.unit.silo.arm.world import World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


async def test_az_is_told_every_address_without_a_token(world):
    path = "/metadata/endpoints?api-version=2022-09-01"
    status, _, body = await world.ask("GET", path, who=None)

    assert status == 200
    assert body["name"] == "Silo"
    assert body["authentication"]["loginEndpoint"] == "https://login.silo.test"
    assert body["authentication"]["audiences"][0] == "https://management.azure.com/"
    assert body["resourceManager"] == "https://management.silo.test/"
    assert body["suffixes"]["acrLoginServer"] == "azurecr.silo.test"
    assert body["suffixes"]["storage"].startswith("core.")


async def test_older_api_versions_have_older_shapes(world):
    _, _, clouds = await world.ask("GET", "/metadata/endpoints?api-version=2020-06-01", who=None)
    _, _, first = await world.ask("GET", "/Metadata/Endpoints/?api-version=1.0", who=None)

    assert [cloud["name"] for cloud in clouds] == ["Silo"]
    assert first["graphEndpoint"] == "https://graph.silo.test/"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/metadata/endpoints?api-version=2022-09-01", 405),
        ("GET", "/metadata/endpoints?x=1", 400),
        ("GET", "/metadata/endpoints/more?api-version=2022-09-01", 401),
        ("GET", "/metadata?api-version=2022-09-01", 401),
    ],
)
async def test_nothing_else_is_open(world, method, path, status):
    assert (await world.ask(method, path, who=None))[0] == status
