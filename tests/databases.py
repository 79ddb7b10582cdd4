"""Databases with every table in them: made once, then copied, for making one costs many tests."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from silo import core


def open_store(folder: Path) -> core.Store:
    """Return a store in a folder, with the tables of every room that is imported by now."""
    return core.Store(Path(shutil.copy(_make_template(len(core.metadata.tables)), folder)))


@functools.cache
def _make_template(_tables: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="silo-database-"))
    atexit.register(shutil.rmtree, folder)
    store = core.Store(folder / "silo.db")
    store.create_tables()
    store.close()
    return folder / "silo.db"
