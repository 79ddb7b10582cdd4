from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.providers.world import World, open_world

from silo.providers import insights


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for built in open_world(tmp_path):
        built.operations = insights.provider(built.resources, built.authorizer).operations
        yield built
