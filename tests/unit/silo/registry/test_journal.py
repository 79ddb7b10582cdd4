"""The log of what was only looked at: counted, written in time, never dropped in silence."""

import asyncio

import pytest
from tests.unit.silo.registry.world import Plane

from silo import core
from silo.registry import journal
from silo.registry.errors import Unavailable

CALLER = journal.Caller("kim", "oid", "192.0.2.1")


def look(reference: str) -> journal.Look:
    return journal.Look("Pull", "Succeeded", 200, "/r", "hello", reference, CALLER)


async def test_a_log_that_cannot_be_written_is_kept_and_counted_on(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = journal.Journal(plane.store, plane.clock)
    mine.note(look("a"))

    async def fail(_work: object) -> None:
        mine.note(look("a"))
        mine.note(look("b"))
        raise core.StoreFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(plane.store, "write", fail)
        with pytest.raises(core.StoreFull):
            await mine.flush()
    await mine.flush()

    counts = {
        r["properties"]["reference"]: r["properties"]["count"] for r in await plane.list_log()
    }
    assert counts == {"a": 2, "b": 1}


async def test_nothing_more_is_served_when_too_much_waits(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "LIMIT", 2)
    mine = journal.Journal(plane.store, plane.clock)
    mine.note(look("a"))
    mine.note(look("b"))

    mine.note(look("a"))
    with pytest.raises(Unavailable):
        mine.note(look("c"))


async def test_what_waits_is_written_when_the_worker_ends(plane: Plane) -> None:
    mine = journal.Journal(plane.store, plane.clock)
    async with asyncio.TaskGroup() as group:
        loop = group.create_task(mine.run())
        await asyncio.sleep(0)
        mine.note(look("a"))
        loop.cancel()

    assert [r["properties"]["reference"] for r in await plane.list_log()] == ["a"]
