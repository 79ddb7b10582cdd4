import asyncio
from pathlib import Path
from typing import Any

import pytest

from silo import engine
from silo.engine import attaching, tails


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "_LOOK_S", 0.01)
    monkeypatch.setattr(attaching, "_QUIET_S", 0.1)


def write(path: Path, *records: str) -> None:
    with path.open("a") as file:
        for number, record in enumerate(records, path.stat().st_size if path.exists() else 0):
            file.write(f"2026-11-23T10:00:00.{number:09}Z stdout {record}\n")


async def test_a_watcher_sees_what_is_said_from_now_on_to_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    write(path, "F before")
    ended = asyncio.Event()

    async def wait_exit() -> engine.Exit:
        await ended.wait()
        return engine.Exit(3, None)

    session = engine.OutputSession(path, wait_exit)
    await session.start()
    said: list[bytes] = []

    async def read() -> None:
        nonlocal said
        async for chunk in session.output():
            said += [chunk]

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(read())
        waiting = group.create_task(session.wait())
        write(path, "P be", "F gun")
        while len(said) < 2:
            await asyncio.sleep(0.01)
        write(path, "F last")
        ended.set()

    assert b"".join(said) == b"begun\nlast\n"
    assert waiting.result() == 3


async def test_a_watcher_may_come_before_the_first_word(tmp_path: Path) -> None:
    path = tmp_path / "web.log"

    async def wait_exit() -> engine.Exit:
        return engine.Exit(0, None)

    session = engine.OutputSession(path, wait_exit)
    await session.start()
    write(path, "F first")
    await session.wait()

    assert [chunk async for chunk in session.output()] == [b"first\n"]


async def test_a_watcher_sees_what_the_logger_writes_after_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "web.log"
    write(path, "F before")
    looks = 0

    def look(*where: Any) -> list[tails.Tail]:
        nonlocal looks
        looks += 1
        if looks == 3:  # the logger has waited for the rest of the line
            write(path, "P password? ")
        return tails.read_tail(*where)

    async def wait_exit() -> engine.Exit:
        raise engine.ContainerMissing("It is removed already.")

    monkeypatch.setattr(attaching, "read_tail", look)
    session = engine.OutputSession(path, wait_exit)
    await session.start()

    assert await session.wait() == -1
    assert [chunk async for chunk in session.output()] == [b"password? "]
