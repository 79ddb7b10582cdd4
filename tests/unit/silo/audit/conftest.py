from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import open_store

from silo import core


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = open_store(tmp_path)
    yield store
    store.close()
