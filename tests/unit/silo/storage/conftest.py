"""Fixtures of the file service's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.storage.world import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = open_world(tmp_path)
    yield made
    made.store.close()
