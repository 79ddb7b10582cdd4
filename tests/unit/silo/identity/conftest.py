"""A directory to test with: a real store, a clock that stands still, a tenant with an admin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    store.write_now(lambda conn: identity.put_tenant(conn, TENANT))
    yield store
    store.close()


@pytest.fixture
def graph(store: core.Store, clock: FakeClock) -> Any:
    """Return a Graph with one administrator; typed as ``graph_client.Graph`` where it is used."""
    from tests.unit.silo.identity.graph_client import make_graph

    return make_graph(store, clock)
