"""Fixtures of the registry's tests: a plane with one registry, and its owner."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.silo.registry.world import (
    ARM_AUDIENCE,
    AUDIENCE,
    DELETE,
    PULL,
    PUSH,
    Client,
    FakeClock,
    FakeDirectory,
    Plane,
)

from silo import core, registry


@pytest.fixture(scope="session")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    core.KeyRing(folder)
    return folder


@pytest.fixture
async def plane(tmp_path: Path, keys_folder: Path) -> AsyncIterator[Plane]:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    clock = FakeClock()
    directory = FakeDirectory()
    vault = registry.Vault(tmp_path / "keys" / "registry.key")
    keys = core.KeyRing(keys_folder, clock)
    door = registry.RegistryDoor(
        store=store,
        content_root=tmp_path / "content",
        clock=clock,
        keys=keys,
        vault=vault,
        authorize=directory.authorize,
        sign_in=directory,
        audiences=registry.Audiences(frozenset({AUDIENCE}), frozenset({ARM_AUDIENCE})),
    )
    made = Plane(door, store, clock, directory, vault, tmp_path / "content", keys)
    directory.add("owner", PULL, PUSH, DELETE)
    directory.add("puller", PULL)
    await made.put()
    yield made
    door.close()
    store.close()


@pytest.fixture
def owner(plane: Plane) -> Client:
    return plane.as_service("owner")
