"""Silos that are killed, starved and stalled: each test file has one of its own."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bench.instance import Instance
from bench.target import Target, target_of
from tests.system.containers import Containers
from tools import images

from silo import engine

from .engine_world import World, give_password
from .small_registry import SmallRegistry

TIMEOUT_S = 900
GROUP, REGISTRY = "system", "system"
REPOSITORY = "hostile/app"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give real processes more time than unit tests have."""
    for item in items:
        if "tests/system" in str(item.path) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.fixture(scope="session", autouse=True)
def umask() -> Iterator[None]:
    """Have the umask that Silo has: what the engine lets others pass, it must say."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def open_silo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Instance]]:
    """Start Silos with a group and a registry in each; leave nothing of them in the end."""
    started: list[Instance] = []

    def start(state: Path | None = None, *, tls: bool = True) -> Instance:
        silo = Instance(state or tmp_path_factory.mktemp("silo") / "state", tls=tls)
        started.append(silo)
        silo.start()
        token = silo.sign_in()
        silo.create_group(GROUP, token)
        silo.create_registry(GROUP, REGISTRY, token)
        return silo

    yield start
    for silo in started:
        silo.clear()


@pytest.fixture(scope="module")
def silo(open_silo: Callable[..., Instance]) -> Instance:
    """Return one Silo for a whole file."""
    return open_silo()


@pytest.fixture(scope="session")
def registry_of() -> Callable[[Instance], Target]:
    """Return what makes of a Silo its registry, as clients see it."""
    return lambda silo: target_of(silo, REGISTRY)


@pytest.fixture(scope="module")
def registry(silo: Instance, registry_of: Callable[[Instance], Target]) -> Target:
    """Return the registry of that Silo as clients of it see it."""
    return registry_of(silo)


@pytest.fixture(scope="module")
def hosts(silo, registry) -> dict[str, str]:
    """Return host and port of each door, as ``Host`` says them."""
    urls = silo.settings.names.urls
    found = {name: urlsplit(getattr(urls, name)).netloc for name in ("login", "graph")}
    return {
        **found,
        "management": urlsplit(urls.resource_manager).netloc,
        "registry": registry.host,
    }


@pytest.fixture(scope="module")
def tokens(silo, registry) -> dict[str, str]:
    """Return a token of the first service principal for each door."""
    return {
        "management": silo.sign_in(),
        "graph": silo.sign_in(silo.settings.names.urls.graph),
        "login": "none",
        "registry": registry.sign_in(REPOSITORY, "pull,push"),
    }


@pytest.fixture
def still_well(silo):
    """After each test others are served, the same processes run, and nothing was unhandled."""
    before = set(silo.list_processes())
    yield
    assert silo.once("GET", f"{silo.arm}/metadata/endpoints?api-version=2022-09-01").status == 200
    assert set(silo.list_processes()) == before
    assert '"unhandled"' not in silo.log.read_text()


@pytest.fixture(scope="module")
def small_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    """Return a registry for an engine without a Silo."""
    made = SmallRegistry(tmp_path_factory.mktemp("registry"))
    yield made
    made.close()


@pytest.fixture
async def world(tmp_path: Path, small_registry: SmallRegistry) -> AsyncIterator[World]:
    """Return an engine without a Silo; cluster tests have another world."""
    made = World(tmp_path, small_registry)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def image(
    world: World, small_registry: SmallRegistry, probe_layout: images.Layout
) -> engine.Image:
    """Return the image that looks out of a container, in that engine."""
    return await world.runtime.ensure_image(
        small_registry.add("probe", probe_layout), give_password
    )


@pytest.fixture(scope="session")
def probe_layout(tmp_path_factory: pytest.TempPathFactory) -> images.Layout:
    """Return the image that looks out of a container."""
    return images.make_probe(tmp_path_factory.mktemp("image") / "probe", "1")


@pytest.fixture(scope="module")
def containers(
    silo: Instance, probe_layout: images.Layout, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Return the container groups of one Silo; deleted in the end."""
    if os.geteuid() != 0:
        pytest.skip("container groups need root")
    found = Containers(silo, GROUP, REGISTRY, tmp_path_factory.mktemp("containers"))
    found.push(probe_layout)
    yield found
    found.clear()


@pytest.fixture(scope="module", params=["process", "sandbox"])
def level(request: pytest.FixtureRequest) -> str:
    """Name each level of isolation in turn."""
    return str(request.param)
