"""Whoever waits for a commit hears of it at once, whichever process or thread wrote."""

import asyncio
import contextlib

import pytest

from silo import core
from silo.core import commits as commits_module

LONG_S = 60.0


@pytest.fixture
def store(tmp_path):
    opened = core.Store(tmp_path / "silo.db")
    opened.create_tables()
    yield opened
    opened.close()


async def test_a_commit_of_another_process_is_heard_at_once(store, tmp_path):
    other = core.Store(tmp_path / "silo.db")
    with contextlib.closing(core.Commits(store)) as commits, contextlib.closing(other):
        async with asyncio.timeout(LONG_S / 2), asyncio.TaskGroup() as group:
            waiting = group.create_task(commits.wait(LONG_S))
            await asyncio.sleep(0)
            assert not waiting.done()
            other.write_now(core.bump_generation)
        assert store.get_generation() == 2


async def test_a_commit_while_nobody_waits_is_not_lost(store):
    with contextlib.closing(core.Commits(store)) as commits:
        await store.write(core.bump_generation)
        async with asyncio.timeout(LONG_S / 2):
            await commits.wait(LONG_S)


async def test_without_a_commit_time_passes(store):
    with contextlib.closing(core.Commits(store)) as commits:
        await commits.wait(0.01)


async def test_the_first_commit_of_all_is_heard(tmp_path):
    fresh = core.Store(tmp_path / "fresh.db")
    with contextlib.closing(core.Commits(fresh)) as commits, contextlib.closing(fresh):
        fresh.create_tables()
        async with asyncio.timeout(LONG_S / 2):
            await commits.wait(LONG_S)


async def test_where_the_kernel_tells_nothing_time_is_left(store, monkeypatch):
    monkeypatch.setattr(commits_module, "_watch", lambda _path: -1)
    with contextlib.closing(core.Commits(store)) as commits:
        await store.write(core.bump_generation)
        await commits.wait(0.01)
