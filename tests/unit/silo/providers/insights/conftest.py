from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.providers.world import World, open_world

from silo import core
from silo.providers import insights


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for built in open_world(tmp_path):
        monitor = core.Store(tmp_path / "monitor.db")
        insights.create_tables(monitor)
        provider = insights.provider(built.resources, built.authorizer, monitor, 14)
        built.operations = provider.operations
        yield built
        monitor.close()
