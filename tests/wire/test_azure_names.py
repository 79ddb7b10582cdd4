"""``silo env --azure-names``: Azure's real host names, and an az that was told nothing at all."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools import docker, images, programs
from tools.azure import Az, Registry
from tools.instance import Instance


@pytest.fixture(scope="module")
def azure(silo: Instance, folder: Path) -> dict[str, str]:
    """Return the environment with the claimed names, and no Azure setting but the folder."""
    return silo.environment(folder / "azure-names", azure_names=True)


@pytest.fixture(scope="module")
def plain_az(silo: Instance, azure: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Az:
    principal = silo.credentials["servicePrincipal"]
    az = Az(azure, tmp_path_factory.mktemp("plain") / "az")
    return az.sign_in(silo.tenant, principal["clientId"], principal["clientSecret"])


@pytest.fixture(scope="module")
def claimed(plain_az: Az, make_group: Callable[[], str], unique: Callable[[str], str]) -> Registry:
    """Return a registry that goes by ``<name>.azurecr.io``."""
    name = unique("claimed")
    made = plain_az("acr", "create", "-n", name, "-g", make_group(), "--sku", "Basic")
    return Registry(name, made["id"], made["loginServer"])


@pytest.fixture(scope="module")
def host(azure: dict[str, str]) -> Iterator[str]:
    with docker.daemon(azure) as found:
        yield found


def test_no_cloud_is_registered(plain_az: Az, azure: dict[str, str]) -> None:
    assert plain_az("cloud", "show")["name"] == "AzureCloud"
    assert not [name for name in azure if name.startswith("ARM_")]
    assert "AZURE_AUTHORITY_HOST" not in azure


def test_a_user_signs_in_by_password(silo: Instance, azure: dict[str, str], tmp_path: Path) -> None:
    person = silo.credentials["administrator"]

    az = Az(azure, tmp_path / "az")
    az("login", "-u", person["userPrincipalName"], "-p", person["password"])

    assert az("account", "show")["id"] == silo.subscription
    assert az("ad", "signed-in-user", "show")["userPrincipalName"] == person["userPrincipalName"]


def test_a_registry_goes_by_azures_own_name(claimed: Registry) -> None:
    assert claimed.server == f"{claimed.name}.azurecr.io"


def test_docker_pushes_and_pulls_by_azures_own_name(
    plain_az: Az, claimed: Registry, host: str, azure: dict[str, str], tmp_path: Path
) -> None:
    client = docker.Docker(host, azure, tmp_path / "docker")
    chosen = {name: client.environment[name] for name in ("DOCKER_HOST", "DOCKER_CONFIG")}
    name = f"{claimed.server}/hello:1"

    programs.succeed(plain_az.run("acr", "login", "-n", claimed.name, **chosen))
    client("build", "--quiet", "-t", name, images.make_build_context(tmp_path / "c", "hi"))
    client("push", name)
    client("rmi", name)
    client("pull", name)

    assert plain_az("acr", "repository", "list", "-n", claimed.name) == ["hello"]


def test_what_was_pushed_under_one_name_is_there_under_the_other(
    silo: Instance, az: Az, plain_az: Az, claimed: Registry, azure: dict[str, str], tmp_path: Path
) -> None:
    token = plain_az("acr", "login", "-n", claimed.name, "--expose-token")["accessToken"]
    image = images.make_image(tmp_path / "image", "1")
    user = f"00000000-0000-0000-0000-000000000000:{token}"
    copy = ["skopeo", "copy", "--dest-creds", user, image.reference]
    programs.succeed(programs.run([*copy, f"docker://{claimed.server}/both:1"], azure))

    shown = az("acr", "show", "-n", claimed.name)

    assert shown["loginServer"] == f"{claimed.name}.{silo.endpoints['registrySuffix']}"
    tags = ["acr", "repository", "show-tags", "-n", claimed.name, "--repository", "both"]
    assert az(*tags) == ["1"]


def test_a_role_is_given_and_listed(silo: Instance, plain_az: Az, claimed: Registry) -> None:
    made = plain_az("ad", "sp", "create-for-rbac", "-n", f"{claimed.name}-puller",
                    "--role", "AcrPull", "--scopes", claimed.id)  # fmt: skip

    listed = plain_az("role", "assignment", "list", "--scope", claimed.id)

    assert made["tenant"] == silo.tenant
    assert "AcrPull" in [item["roleDefinitionName"] for item in listed]
