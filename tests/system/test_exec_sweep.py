"""Programs in containers whose starter died are ended, and nobody else's."""

import asyncio
import os

import pytest
from tools import images

from silo import engine
from silo.engine import exec_sweep

from .engine_world import CLOCK, World, give_password
from .small_registry import SmallRegistry

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(engine.find_binaries() is None, reason="no engine is built here"),
]


@pytest.fixture
async def world(tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    registry = SmallRegistry(folder)
    made = World(tmp_path, registry)
    await made.open()
    yield made
    await made.close()
    registry.close()


async def test_a_program_of_a_dead_process_is_ended(world, tmp_path, monkeypatch):
    monkeypatch.setattr(exec_sweep, "_YOUNG_S", 0.0)
    layout = images.make_probe(tmp_path / "layout", "1")
    image = await world.runtime.ensure_image(world.registry.add("probe", layout), give_password)
    container = await world.start(image, "/bin/probe", "sleep")
    lost = await world.runtime.exec(container, ("/bin/busybox", "sleep", "4444"))
    kept = await world.runtime.exec(container, ("/bin/busybox", "sleep", "5555"))
    os.close(lost._lock)  # as the kernel does when a process dies
    lost._lock = -1
    sweeper = engine.ExecSweeper(world.paths, CLOCK)

    await asyncio.sleep(0.05)
    await sweeper.sweep()
    _, said = await world.runtime.run(container, ("/bin/busybox", "ps"))

    assert "4444" not in said
    assert "5555" in said
    assert len(list((world.paths.run / "exec").iterdir())) == 1
    await kept.close()
    await lost.close()
    await sweeper._client.close()
