"""Fixtures of the registry's tests: a plane with one registry, and its owner."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.silo.registry.world import (
    ARM_AUDIENCE,
    AUDIENCE,
    DELETE,
    PULL,
    PUSH,
    RESOURCE_ID,
    Client,
    FakeClock,
    FakeDirectory,
    Plane,
)

from silo import core, registry


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> core.KeyRing:
    """Return keys read once: checking an RSA key takes longer than most tests."""
    return core.KeyRing(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with one registry, made once and copied by each test."""
    path = tmp_path_factory.mktemp("database") / "silo.db"
    store = core.Store(path)
    store.create_tables()
    store.write_now(
        lambda conn: registry.put_registry(conn, "acme", RESOURCE_ID, admin_enabled=False)
    )
    store.close()
    return path


@pytest.fixture
async def plane(tmp_path: Path, keys: core.KeyRing, database: Path) -> AsyncIterator[Plane]:
    shutil.copy(database, tmp_path / "silo.db")
    store = core.Store(tmp_path / "silo.db")
    clock = FakeClock()
    directory = FakeDirectory()
    vault = core.Vault(tmp_path / "keys" / "registry.key")
    keys._clock = clock
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
    yield made
    door.close()
    store.close()


@pytest.fixture
def owner(plane: Plane) -> Client:
    return plane.as_service("owner")
