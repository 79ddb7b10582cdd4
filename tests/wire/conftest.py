"""A real Silo on a real port, and the strangers that are sent to it.

One instance serves the whole session, for a start costs more than most tests; every test makes
what it needs under names of its own.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools import docker, foreign_issuer, images, programs
from tools.azure import Az, Principal, Registry
from tools.containers import ContainerGroup, Image
from tools.instance import Instance, running

TIMEOUT_S = 600
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give real programs more time than unit tests have."""
    for item in items:
        if "tests/wire" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold everything of this session."""
    return tmp_path_factory.mktemp("wire")


@pytest.fixture(scope="session")
def issuer_certificate(folder: Path) -> foreign_issuer.Certificate:
    """Return the certificate of somebody else's token issuers, which Silo trusts."""
    return foreign_issuer.make_certificate(folder)


@pytest.fixture(scope="session")
def silo(folder: Path, issuer_certificate: foreign_issuer.Certificate) -> Iterator[Instance]:
    """Run one Silo for the whole session."""
    # Many small groups live at once here, and most of them only wait.
    options = ("--cpu-overcommit", "16", "--clusters")
    with running(folder / "state", *options, trusted=issuer_certificate.bundle) as instance:
        yield instance


@pytest.fixture(scope="session")
def environment(silo: Instance, folder: Path) -> dict[str, str]:
    """Return what ``eval "$(silo env)"`` makes of a plain environment."""
    return silo.environment(folder)


@pytest.fixture(scope="session")
def new_az(environment: dict[str, str], folder: Path) -> Callable[[], Az]:
    """Make an az that nobody has signed in with yet."""
    return lambda: Az(environment, folder / f"az-{next(_numbers)}")


@pytest.fixture(scope="session")
def az(silo: Instance, new_az: Callable[[], Az]) -> Az:
    """Return az signed in as the bootstrap service principal, who owns the subscription."""
    principal = silo.credentials["servicePrincipal"]
    return new_az().sign_in(silo.tenant, principal["clientId"], principal["clientSecret"])


@pytest.fixture(scope="session")
def admin(silo: Instance, new_az: Callable[[], Az]) -> Az:
    """Return az signed in as the first administrator, a user."""
    person = silo.credentials["administrator"]
    az = new_az()
    az("login", "-u", person["userPrincipalName"], "-p", person["password"])
    return az


@pytest.fixture(scope="session")
def unique() -> Callable[[str], str]:
    """Make names that no other test has."""
    return lambda stem: f"{stem}{next(_numbers):03}"


@pytest.fixture(scope="session")
def make_group(az: Az, unique: Callable[[str], str]) -> Callable[[], str]:
    """Make a resource group of one's own; returns its name."""

    def make() -> str:
        name = unique("group")
        az("group", "create", "--name", name, "--location", "westeurope")
        return name

    return make


@pytest.fixture(scope="session")
def make_registry(
    az: Az, make_group: Callable[[], str], unique: Callable[[str], str]
) -> Callable[..., Registry]:
    """Make a registry of one's own, in a group of its own."""

    def make(*options: str) -> Registry:
        name, group = unique("registry"), make_group()
        made = az("acr", "create", "-n", name, "-g", group, "--sku", "Premium", *options)
        return Registry(name, made["id"], made["loginServer"])

    return make


@pytest.fixture(scope="session")
def registry(make_registry: Callable[..., Registry]) -> Registry:
    """Return one registry for tests that only need some registry."""
    return make_registry()


@pytest.fixture(scope="session")
def make_principal(az: Az, unique: Callable[[str], str]) -> Callable[..., Principal]:
    """Make a service principal; with a role and a scope, one that has it there."""

    def make(role: str = "", scope: str = "") -> Principal:
        name = unique("principal")
        rights = ("--role", role, "--scopes", scope) if role else ()
        made: dict[str, Any] = az("ad", "sp", "create-for-rbac", "-n", name, *rights)
        return Principal(made["appId"], made["password"])

    return make


@pytest.fixture(scope="session")
def pusher(make_principal: Callable[..., Principal], registry: Registry) -> Principal:
    """Return a principal that may push to and pull from the session's registry."""
    return make_principal("AcrPush", registry.id)


@pytest.fixture(scope="session")
def puller(make_principal: Callable[..., Principal], registry: Registry) -> Principal:
    """Return a principal that may pull from the session's registry, and no more."""
    return make_principal("AcrPull", registry.id)


@pytest.fixture(scope="session")
def docker_host(environment: dict[str, str]) -> Iterator[str]:
    """Run one docker daemon that finds Silo by the environment."""
    with docker.daemon(environment) as host:
        yield host


@pytest.fixture
def new_docker(
    docker_host: str, environment: dict[str, str], folder: Path
) -> Callable[[], docker.Docker]:
    """Make a docker client that nobody has signed in with yet."""
    return lambda: docker.Docker(docker_host, environment, folder / f"docker-{next(_numbers)}")


@pytest.fixture
def shell(environment: dict[str, str]) -> Callable[..., programs.Outcome]:
    """Run any program in Silo's environment."""
    return lambda *words, **more: programs.run(words, environment, **more)


@pytest.fixture(scope="session")
def probe_image(
    az: Az,
    registry: Registry,
    pusher: Principal,
    puller: Principal,
    environment: dict[str, str],
    folder: Path,
) -> Image:
    """Push the image that looks out of a container, and may be pulled with AcrPull only."""
    layout = images.make_probe(folder / "probe", "1")
    reference = f"{registry.server}/tests/probe:1"
    copy = [
        "skopeo",
        "copy",
        "--dest-creds",
        pusher.both,
        layout.reference,
        f"docker://{reference}",
    ]
    programs.succeed(programs.run(copy, environment))
    return Image(reference, registry.server, puller.client_id, puller.secret)


@pytest.fixture(scope="session")
def containers_group(silo: Instance, make_group: Callable[[], str]) -> str:
    """Return the resource group of containers, on a machine that can have any."""
    if os.geteuid() != 0:
        pytest.skip("container groups need root")
    return make_group()


@pytest.fixture(scope="session")
def make_container(
    az: Az, containers_group: str, probe_image: Image, unique: Callable[[str], str]
) -> Iterator[Callable[..., ContainerGroup]]:
    """Make a container group of one container that runs a command; deleted in the end."""
    made: list[ContainerGroup] = []

    def make(command: str = "", *options: str, name: str = "") -> ContainerGroup:
        one = ContainerGroup(az, containers_group, name or unique("app"))
        made.append(one)
        line = ("--command-line", command) if command else ()
        size = ("--os-type", "Linux", "--cpu", "0.2", "--memory", "0.2")
        one.do(
            "create",
            "--image",
            probe_image.reference,
            *probe_image.credentials,
            *size,
            *line,
            *options,
        )
        return one

    yield make
    for one in made:
        az.run("container", "delete", *one.names, "--yes")


@pytest.fixture(scope="session")
def make_container_from_file(
    az: Az, containers_group: str, probe_image: Image, unique: Callable[[str], str], folder: Path
) -> Iterator[Callable[..., ContainerGroup]]:
    """Make a container group by ``az container create --file``, of the probe's image."""
    made: list[ContainerGroup] = []

    def make(
        containers: dict[str, dict[str, Any]], tags: dict[str, str] | None = None, **more: Any
    ) -> ContainerGroup:
        one = ContainerGroup(az, containers_group, unique("filed"))
        made.append(one)
        size = {"requests": {"cpu": 0.2, "memoryInGB": 0.2}}
        common = {"image": probe_image.reference, "resources": size}
        document = {
            "name": one.name,
            "type": "Microsoft.ContainerInstance/containerGroups",
            "location": "westeurope",
            "tags": tags or {},
            "properties": {
                "osType": "Linux",
                "containers": [
                    {"name": name, "properties": {**common, **properties}}
                    for name, properties in containers.items()
                ],
                "imageRegistryCredentials": probe_image.document,
                **more,
            },
        }
        file = folder / f"{one.name}.yaml"
        # Every JSON document is a YAML document.
        file.write_text(json.dumps(document))
        az("container", "create", "-g", containers_group, "-f", str(file))
        return one

    yield make
    for one in made:
        az.run("container", "delete", *one.names, "--yes")
