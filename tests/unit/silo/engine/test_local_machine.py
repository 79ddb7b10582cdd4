"""How many containers a machine makes at once."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from silo import engine
from silo.engine import cgroups, local_machine
from silo.engine.capacity import Capacity
from silo.engine.machine import Ground

IMAGE = engine.Image("app", "sha256:0", "chain", entrypoint=("/app",))
CORES = 2
MANY = 12


class SlowRuntime:
    """Makes containers that start when a test says so."""

    instance = "i"

    def __init__(self):
        self.making = 0
        self.made = []
        self.go = asyncio.Semaphore(0)

    async def get_first_id(self, _group, _level):
        return 0x70000000

    async def create(self, id_, *_parts, **_options):
        self.making += 1
        await self.go.acquire()
        self.making -= 1
        self.made.append(id_)

    async def start(self, _id):
        pass


class NoNetworks:
    async def attach(self, _uid, _plan):
        return SimpleNamespace(netns_path="/run/netns/x", address="10.0.0.4", public_address="")


@pytest.fixture
async def runtime(monkeypatch):
    monkeypatch.setattr(local_machine, "read_capacity", lambda: Capacity(CORES, 2**30))
    return SlowRuntime()


async def start_many(tasks, runtime, tmp_path, level):
    paths = engine.Paths.of_instance(tmp_path, "i")
    machine = engine.LocalMachine(runtime, NoNetworks(), None, paths)
    container = engine.ContainerPlan("web", "app")
    for number in range(MANY):
        plan = engine.GroupPlan(f"uid{number}", 1, "group", containers=(container,), level=level)
        tasks.create_task(machine.start(plan, container, IMAGE, Ground("/run/netns/x")))
    for _ in range(MANY):
        await asyncio.sleep(0)


async def test_no_more_are_made_at_once_than_cores_can_work_on(runtime, tmp_path):
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        await start_many(tasks, runtime, tmp_path, engine.Level.PROCESS)
        for left in range(MANY, 0, -1):
            assert runtime.making == min(CORES + 1, left)
            runtime.go.release()
            while len(runtime.made) == MANY - left:
                await asyncio.sleep(0)
            for _ in range(MANY):
                await asyncio.sleep(0)
    assert len(runtime.made) == MANY


async def test_nobody_waits_for_a_sandbox_that_boots_slowly(runtime, tmp_path):
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        await start_many(tasks, runtime, tmp_path, engine.Level.SANDBOX)
        assert runtime.making == MANY
        for _ in range(MANY):
            runtime.go.release()


async def test_a_sandbox_that_a_crash_left_with_a_whole_core_gets_its_share(
    runtime, tmp_path, monkeypatch
):
    written = []
    monkeypatch.setattr(cgroups, "set_quota", lambda *words: written.append(words))
    paths = engine.Paths.of_instance(tmp_path, "i")
    machine = engine.LocalMachine(
        runtime, NoNetworks(), None, replace(paths, run=tmp_path / "run", state=tmp_path)
    )
    containers = tuple(engine.ContainerPlan(name, "app", cpu=0.2) for name in "ab")
    plan = engine.GroupPlan("uid", 1, "group", containers=containers, level=engine.Level.SANDBOX)

    await machine.prepare(plan)
    await machine.prepare(replace(plan, level=engine.Level.PROCESS))

    assert written == [("/silo/i/uid/sandbox", 40_000, 100_000)]
