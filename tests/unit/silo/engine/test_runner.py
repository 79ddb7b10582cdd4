"""What is left on the machine of a group that does not come up."""

import asyncio

from tests.databases import open_store

from silo import engine
from silo.engine import tables
from silo.engine.runner import Runner

from .fake_machine import FakeMachine, Hands, Process


async def nobody(_reference):
    return None


async def test_a_group_that_fails_leaves_nothing_of_what_was_laid_ahead(tmp_path, monkeypatch):
    laid = asyncio.Event()
    clock = Hands()
    machine = FakeMachine(clock)

    async def lay(plan, container, _image):
        machine.containers[plan.uid, container.name] = Process(engine.Status.CREATED)
        laid.set()

    async def prepare(_plan):
        await laid.wait()
        raise engine.VolumeRefused("There is no such share.")

    monkeypatch.setattr(machine, "lay", lay)
    monkeypatch.setattr(machine, "prepare", prepare)
    plan = engine.GroupPlan("uid", 1, "group", containers=(engine.ContainerPlan("web", "busybox"),))
    store = open_store(tmp_path)
    try:
        async with asyncio.timeout(30):
            await Runner(plan, nobody, machine, store, clock).run()
        view = store.read_now(lambda conn: tables.read_view(conn, "uid"))
    finally:
        store.close()

    assert view.state is engine.GroupState.FAILED
    assert laid.is_set()
    assert machine.containers == {}
