"""A directory to test with: a real store, a clock that stands still, a tenant with an admin."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest
from tests.unit.silo.identity.sign_in_world import World, make_world

from silo import core, identity

TENANT = identity.Tenant("11111111-1111-4111-8111-111111111111", "silo.test", "Silo")


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    time: datetime = field(default=datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=UTC))

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with every table and a tenant; making it takes longer than a test."""
    path = tmp_path_factory.mktemp("database") / "silo.db"
    store = core.Store(path)
    store.create_tables()
    store.write_now(lambda conn: identity.put_tenant(conn, TENANT))
    store.close()
    return path


@pytest.fixture
def store(tmp_path: Path, database: Path) -> Iterator[core.Store]:
    store = core.Store(Path(shutil.copy(database, tmp_path)))
    yield store
    store.close()


@pytest.fixture
def graph(store: core.Store, clock: FakeClock) -> Any:
    """Return a Graph with one administrator; typed as ``graph_client.Graph`` where it is used."""
    from tests.unit.silo.identity.graph_client import make_graph

    return make_graph(store, clock)


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    core.KeyRing(folder)
    return folder


@pytest.fixture
def keys(key_folder: Path, clock: FakeClock) -> core.KeyRing:
    return core.KeyRing(key_folder, clock)


@pytest.fixture
def fast_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory; the real cost is half a second per sign-in test."""
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr("silo.identity.credentials._hasher", hasher)


@pytest.fixture
def world(
    store: core.Store, keys: core.KeyRing, clock: FakeClock, fast_argon2: None
) -> Iterator[World]:
    world = make_world(store, keys, clock, TENANT)
    yield world
    world.issuer.close()
