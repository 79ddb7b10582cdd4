"""The one logger of an instance: no line is lost, whoever of us dies."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from silo import engine

from .engine_world import World, eventually

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(engine.find_binaries() is None, reason="no engine is built here"),
]
LEVELS = pytest.mark.parametrize("level", [engine.Level.PROCESS, engine.Level.SANDBOX])


def find_loggers(world: World) -> list[int]:
    told = f"\0--folder\0{world.paths.run}/output\0"
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                if told in (place / "cmdline").read_text(errors="replace"):
                    found.append(int(place.name))
            except OSError:
                continue
    return found


def read(world: World, container: str) -> list[str]:
    return engine.read_logs(world.get_log(container)).splitlines()


def count(lines: int) -> str:
    """Return a program that counts to so many, and then waits."""
    return f"i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; done"


@LEVELS
async def test_no_line_is_lost_when_loggers_are_killed(world, image, level):
    lines = 20_000
    container = await world.start(image, "/bin/sh", "-c", count(lines), level=level)

    async with asyncio.TaskGroup() as group:
        ended = group.create_task(world.runtime.wait_exit(container))
        while not ended.done():
            for pid in find_loggers(world):
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
    await world.runtime.delete(container)

    said = read(world, container)
    # A logger that dies between writing and taking note of it says the same again.
    assert list(dict.fromkeys(said)) == [f"line {number}" for number in range(1, lines + 1)]


@LEVELS
async def test_what_is_said_while_nobody_is_there_is_kept(world, image, level):
    program = f"echo early; sleep 1; {count(500)}; sleep 1000 & wait"
    container = await world.start(image, "/bin/sh", "-c", program, level=level)
    await eventually(lambda: read(world, container) == ["early"])
    await world.runtime.close()
    await world.registries.close()
    (logger,) = find_loggers(world)
    os.kill(logger, signal.SIGKILL)
    world.kill_daemon()
    await asyncio.sleep(2)
    await world.start_daemon()
    world.open_runtime()
    await world.runtime.take_up()

    await eventually(lambda: len(read(world, container)) == 501)
    assert read(world, container)[-1] == "line 500"


async def test_a_container_may_end_and_its_logger_die_at_once(world, image):
    container = await world.start(image, "/bin/sh", "-c", "sleep 1; echo last words")
    (logger,) = find_loggers(world)
    os.kill(logger, signal.SIGSTOP)
    await world.runtime.wait_exit(container)
    os.kill(logger, signal.SIGKILL)
    await world.runtime.delete(container)

    assert read(world, container) == ["last words"]


async def test_one_logger_serves_all_and_goes_with_the_last(world, image):
    several = [
        await world.start(image, "/bin/sh", "-c", f"echo {n}; sleep 1000 & wait") for n in range(3)
    ]
    for number, container in enumerate(several):
        await eventually(lambda: read(world, container) == [str(number)])  # noqa: B023
        assert world.get_log(container).stat().st_mode & 0o777 == 0o600
    (logger,) = find_loggers(world)
    cgroups = Path(f"/proc/{logger}/cgroup").read_text()
    await world.runtime.close()
    assert find_loggers(world) == [logger]

    await world.registries.close()
    world.open_runtime()
    await world.runtime.take_up()
    for container in several:
        await world.runtime.delete(container)
    assert list((world.paths.run / "output").iterdir()) == []
    await world.runtime.close()
    await eventually(lambda: not find_loggers(world))
    world.open_runtime()
    assert f"/silo/{world.instance}/logger" in cgroups
