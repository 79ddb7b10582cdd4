from collections.abc import Iterator
from pathlib import Path

import pytest

from silo import core


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    yield store
    store.close()
