import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    opened = core.Store(tmp_path / "silo.db")
    opened.create_tables()
    yield opened
    opened.close()


def count(store: core.Store) -> int:
    return store.read_now(lambda conn: conn.scalar(sa.text("SELECT count(*) FROM note"))) or 0


def make_note(conn: core.Connection) -> None:
    conn.execute(sa.text("INSERT INTO note VALUES (1)"))


def fail_after_a_note(conn: core.Connection) -> None:
    make_note(conn)
    raise LookupError("no such thing")


def test_a_read_within_a_read_joins_it(store: core.Store) -> None:
    def count(conn: core.Connection) -> int:
        return conn.scalar(sa.text("SELECT count(*) FROM generation")) or 0

    assert store.read_now(lambda conn: store.read_now(count) + count(conn)) == 2
    store.write_now(core.bump_generation)


async def test_a_failed_write_leaves_nothing_and_harms_no_other(store: core.Store) -> None:
    store.write_now(lambda conn: conn.execute(sa.text("CREATE TABLE note (value INTEGER)")))

    async def attempt() -> None:
        with pytest.raises(LookupError):
            await store.write(fail_after_a_note)

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(store.write(make_note))
            group.create_task(attempt())

    assert count(store) == 10


async def test_a_caller_that_goes_away_does_not_stop_the_writer(store: core.Store) -> None:
    store.write_now(lambda conn: conn.execute(sa.text("CREATE TABLE note (value INTEGER)")))

    async with asyncio.TaskGroup() as group:
        leaving = [group.create_task(store.write(make_note)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in leaving:
            task.cancel()
    await store.write(make_note)

    assert count(store) >= 1


async def test_a_broken_statement_is_the_callers_error(store: core.Store) -> None:
    with pytest.raises(core.StoreUnavailable):
        await store.write(lambda conn: conn.execute(sa.text("INSERT INTO missing VALUES (1)")))


async def test_another_process_sees_what_was_acknowledged(
    store: core.Store, tmp_path: Path
) -> None:
    other = core.Store(tmp_path / "silo.db")
    before = other.get_generation()

    await store.write(core.bump_generation)

    assert other.get_generation() == before + 1
    other.close()
