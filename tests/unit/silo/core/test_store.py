import asyncio
from pathlib import Path

from silo import core


def test_the_generation_follows_writes_of_the_same_thread(tmp_path: Path) -> None:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    before = store.get_generation()

    store.write_now(core.bump_generation)

    assert store.get_generation() == before + 1
    store.close()


async def test_the_generation_follows_writes_of_the_writer_thread(tmp_path: Path) -> None:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    before = store.get_generation()

    async with asyncio.timeout(10):
        await store.write(core.bump_generation)

    assert store.get_generation() == before + 1
    store.close()
