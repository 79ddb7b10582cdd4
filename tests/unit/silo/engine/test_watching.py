import asyncio

from silo import engine
from silo.engine.watching import Ended, Watch

from .fake_machine import FakeMachine, Hands

WEB = engine.ContainerPlan(
    "web", "busybox", readiness=engine.Probe(command=("check",), period_s=0.01)
)


async def start(tasks):
    clock = Hands()
    machine = FakeMachine(clock)
    await machine.start(engine.GroupPlan("uid", 1, "g", containers=(WEB,)), WEB, None, None)
    watch = Watch(machine, "uid", clock, tasks)
    watch.begin(WEB)
    return machine, watch


async def test_findings_and_the_end_are_told_in_their_order():
    async with asyncio.TaskGroup() as tasks:
        machine, watch = await start(tasks)

        looked = await watch.next(5)
        watch.stop_probing("web")
        machine.end("uid", "web", 3)
        ended = await watch.next(5)

    assert (looked.kind, looked.finding.well, looked.finding.over) == ("Readiness", True, True)
    assert (ended.name, ended.exit.code) == ("web", 3)


async def test_nothing_that_happens_is_told_as_nothing():
    async with asyncio.TaskGroup() as tasks:
        machine, watch = await start(tasks)
        watch.close()

        assert await watch.next(0.01) is None
        machine.end("uid", "web", 0)


async def test_a_container_that_is_gone_has_ended():
    async with asyncio.TaskGroup() as tasks:
        machine, watch = await start(tasks)
        watch.close()
        machine.containers.clear()

        async def gone(_uid, _name):
            raise engine.ContainerMissing("gone")

        machine.wait = gone

        told = await watch.next(5)

    assert isinstance(told, Ended)
    assert told.exit.code == 137
