import asyncio
import contextlib
from dataclasses import replace

import pytest
from tests.databases import open_store

from silo import engine
from silo.engine import groups as groups_module
from silo.engine import runner as runner_module
from silo.engine import tables

from .fake_machine import FakeMachine, Hands


async def nobody(_reference):
    return None


def make_plan(uid="uid", generation=1, **parts):
    containers = parts.pop("containers", (engine.ContainerPlan("web", "busybox"),))
    return engine.GroupPlan(uid, generation, "group", containers=containers, **parts)


class World:
    def __init__(self, folder):
        self.store = open_store(folder)
        self.clock = Hands()
        self.machine = FakeMachine(self.clock)
        self.planned = []

    @contextlib.asynccontextmanager
    async def engine(self):
        """Run an engine as a process does, until it is killed."""
        groups = engine.Groups(self.machine, self.store, self.clock)

        async def list_plans():
            return [engine.Planned(plan, nobody) for plan in self.planned]

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(groups.run(list_plans))
            yield groups
            task.cancel()

    async def apply(self, groups, plan):
        self.planned = [one for one in self.planned if one.uid != plan.uid] + [plan]
        await groups.apply(plan, nobody)

    def view(self, uid="uid"):
        return self.store.read_now(lambda conn: tables.read_view(conn, uid))

    async def see(self, wanted, uid="uid"):
        """Wait until the view is as a test wants it."""
        async with asyncio.timeout(30):
            while (view := self.view(uid)) is None or not wanted(view):
                await asyncio.sleep(0.005)
        return view


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.store.close()


async def test_a_group_runs_and_tells_how_it_came_to_it(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())

        view = world.view()
        assert view.state is engine.GroupState.RUNNING
        assert view.address == "10.0.0.4"
        names = [event.name for event in view.containers[0].events]
        assert names == ["Pulling", "Pulled", "Started"]


async def test_a_container_is_laid_while_its_network_is_made(world, monkeypatch):
    laid = asyncio.Event()

    async def lay(_plan, _container, _image):
        laid.set()
        raise engine.ContainerRefused("told at the start")

    async def prepare(plan):
        await laid.wait()
        return await FakeMachine.prepare(world.machine, plan)

    monkeypatch.setattr(world.machine, "lay", lay)
    monkeypatch.setattr(world.machine, "prepare", prepare)
    async with world.engine() as groups:
        await world.apply(groups, make_plan())

        assert world.view().state is engine.GroupState.RUNNING


async def test_a_group_has_ended_when_its_output_is_whole(world, monkeypatch):
    whole = asyncio.Event()

    async def discard(uid, name):
        await whole.wait()
        await FakeMachine.discard(world.machine, uid, name)

    monkeypatch.setattr(world.machine, "discard", discard)
    async with world.engine() as groups:
        await world.apply(groups, make_plan(restart=engine.Restart.NEVER))
        world.machine.end("uid", "web", 0)
        seen = await world.see(lambda view: view.containers[0].current.exit_code == 0)
        assert seen.state is engine.GroupState.RUNNING
        whole.set()
        await world.see(lambda view: view.state is engine.GroupState.SUCCEEDED)


async def test_applying_the_same_plan_again_starts_nothing(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        await world.apply(groups, make_plan())

    assert world.machine.done.count(("start", "web")) == 1


async def test_a_newer_generation_replaces_what_runs(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        await world.apply(groups, make_plan(generation=2))

    done = [step for step in world.machine.done if step[0] in {"start", "stop"}]
    assert done == [("start", "web"), ("stop", "web"), ("start", "web")]


async def test_a_container_that_ends_is_restarted_and_counted(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        world.machine.end("uid", "web", 3)

        view = await world.see(lambda view: view.containers[0].restart_count == 1)

        assert view.containers[0].previous.exit_code == 3


async def test_a_group_that_never_restarts_ends_with_its_exit_code(world):
    world.machine.instant["web"] = 4
    async with world.engine() as groups:
        await world.apply(groups, make_plan(restart=engine.Restart.NEVER))

        # The view is told first; what ran is taken away right after it.
        view = await world.see(
            lambda view: view.state is engine.GroupState.FAILED and not world.machine.containers
        )

        assert view.containers[0].current.exit_code == 4


async def test_an_image_that_cannot_be_had_fails_the_group_with_that_reason(world):
    world.machine.refused["busybox"] = engine.ImageInaccessible("busybox", "denied")
    async with world.engine() as groups:
        with pytest.raises(engine.ImageInaccessible):
            await world.apply(groups, make_plan())

    assert world.view().state is engine.GroupState.FAILED
    assert [event.name for event in world.view().containers[0].events] == ["Pulling", "Failed"]
    assert not any(step[0] == "start" for step in world.machine.done)


async def test_a_stopped_group_runs_nothing_and_gives_back_what_it_held(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        await world.apply(groups, make_plan(wanted="stopped"))

    assert world.machine.containers == {}
    assert world.machine.prepared == set()
    assert world.view().state is engine.GroupState.STOPPED
    assert world.view().containers[0].current.exit_code == 137


async def test_a_deleted_group_leaves_nothing(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        world.planned = []
        await groups.delete("uid")
        await groups.delete("uid")

    assert world.machine.containers == {}
    assert ("forget", "uid") in world.machine.done
    assert world.view() is None


async def test_containers_live_on_over_a_crash_of_the_engine(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
    async with world.engine() as groups:
        await world.apply(groups, make_plan())

    assert world.machine.done.count(("start", "web")) == 1
    assert ("stop", "web") not in world.machine.done


async def test_an_exit_while_the_engine_was_down_is_known_afterwards(world):
    plan = make_plan(restart=engine.Restart.NEVER)
    async with world.engine() as groups:
        await world.apply(groups, plan)
    world.machine.end("uid", "web", 9)

    async with world.engine():
        view = await world.see(lambda view: view.state is engine.GroupState.FAILED)

    assert view.containers[0].current.exit_code == 9


async def test_what_a_crash_left_of_other_groups_is_swept(world):
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        await world.apply(groups, make_plan("other"))
    world.planned = [make_plan()]

    async with world.engine() as groups:
        await world.apply(groups, make_plan())

    assert {uid for uid, _ in world.machine.containers} == {"uid"}
    assert world.view("other") is None


async def test_an_ended_group_is_not_started_again_by_a_restart_of_the_engine(world):
    world.machine.instant["web"] = 0
    plan = make_plan(restart=engine.Restart.NEVER)
    async with world.engine() as groups:
        await world.apply(groups, plan)
        await world.see(lambda view: view.state is engine.GroupState.SUCCEEDED)
    async with world.engine() as groups:
        await world.apply(groups, plan)

    assert world.machine.done.count(("start", "web")) == 1


async def test_a_failed_liveness_probe_kills_the_container_and_restarts_it(world):
    probe = engine.Probe(command=("check",), period_s=0.02, failure_threshold=2)
    world.machine.answers["check",] = 1
    web = replace(engine.ContainerPlan("web", "busybox"), liveness=probe)
    async with world.engine() as groups:
        await world.apply(groups, make_plan(containers=(web,)))

        view = await world.see(lambda view: view.containers[0].restart_count >= 1)

    names = [event.name for event in view.containers[0].events]
    assert "Unhealthy" in names
    assert "Killing" in names


async def test_nobody_is_let_in_before_a_container_is_ready(world):
    probe = engine.Probe(command=("ready",), period_s=0.02, failure_threshold=1)
    world.machine.answers["ready",] = 1
    ports = (engine.Port("TCP", 80),)
    web = engine.ContainerPlan("web", "busybox", readiness=probe, ports=ports)
    other = engine.ContainerPlan("other", "busybox", ports=(engine.Port("TCP", 81),))
    network = engine.NetworkPlan(ports=(*ports, *other.ports))
    async with world.engine() as groups:
        await world.apply(groups, make_plan(containers=(web, other), network=network))
        view = await world.see(lambda view: _count(view, "Unhealthy") > 1)
        assert world.machine.published == (81,)
        assert view.state is engine.GroupState.RUNNING

        world.machine.answers["ready",] = 0
        await world.see(lambda view: view.containers[0].ready)
        assert world.machine.published == (80, 81)

        world.machine.answers["ready",] = 1
        await world.see(lambda view: not view.containers[0].ready)
        assert world.machine.published == (81,)
        assert world.view().containers[0].restart_count == 0


async def test_what_is_ready_stays_so_over_a_crash_of_the_engine(world):
    probe = engine.Probe(command=("ready",), period_s=0.02)
    ports = (engine.Port("TCP", 80),)
    web = engine.ContainerPlan("web", "busybox", readiness=probe, ports=ports)
    plan = make_plan(containers=(web,), network=engine.NetworkPlan(ports=ports))
    async with world.engine() as groups:
        await world.apply(groups, plan)
        await world.see(lambda view: view.containers[0].ready)
    # The probe would say no, later; what was let in before is not shut out meanwhile.
    web = replace(web, readiness=replace(probe, initial_delay_s=60))
    async with world.engine() as groups:
        await world.apply(groups, replace(plan, containers=(web,)))

        assert world.machine.published == (80,)


async def test_a_failure_is_told_and_then_cleaned_up_until_that_succeeds(world, monkeypatch):
    monkeypatch.setattr(runner_module, "FIRST_PAUSE_S", 0.01)
    world.machine.refused["nothing"] = engine.ImageInaccessible("nothing", "denied")
    discard, tries = world.machine.discard, []

    async def refuse(uid, name):
        tries.append(name)
        if len(tries) < 3:
            raise OSError("busy")
        await discard(uid, name)

    world.machine.discard = refuse
    parts = (engine.ContainerPlan("web", "busybox"), engine.ContainerPlan("bad", "nothing"))
    async with world.engine() as groups:
        with pytest.raises(engine.ImageInaccessible):
            await world.apply(groups, make_plan(containers=parts))
        view = await world.see(lambda view: view.state is engine.GroupState.FAILED)

    assert world.machine.containers == {}
    assert view.containers[0].current.exit_code == 137
    assert [event.name for event in view.events] == ["Failed"]


def _count(view, name):
    return sum(event.count for event in view.containers[0].events if event.name == name)


async def test_a_group_that_takes_long_is_told_to_be_on_its_way(world, monkeypatch):
    first = engine.ContainerPlan("first", "busybox")
    async with world.engine() as groups:
        await groups._ready.wait()
        monkeypatch.setattr(groups_module, "PATIENCE_S", 0.05)
        with pytest.raises(engine.GroupStarting):
            await world.apply(groups, make_plan(init=(first,)))
        monkeypatch.undo()
        await world.see(lambda view: view.init[0].current.state is engine.State.RUNNING)
        world.machine.end("uid", "first", 0)
        await world.see(lambda view: view.state is engine.GroupState.RUNNING)

        await world.apply(groups, make_plan(init=(first,)))


async def test_a_container_that_vanishes_has_ended_for_the_restart_policy(world):
    gone = asyncio.Event()
    waiting = world.machine.wait

    async def wait(uid, name):
        if gone.is_set():
            return await waiting(uid, name)
        await gone.wait()
        raise engine.ContainerMissing("gone")

    world.machine.wait = wait
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        gone.set()

        view = await world.see(lambda view: view.containers[0].restart_count == 1)

    assert view.containers[0].previous.exit_code == 137


async def test_a_running_group_is_not_ended_for_a_moments_trouble(world, monkeypatch):
    monkeypatch.setattr(runner_module, "FIRST_PAUSE_S", 0.01)
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        discard = world.machine.discard

        async def refuse(uid, name):
            world.machine.discard = discard
            raise engine.EngineError("a moment's trouble")

        world.machine.discard = refuse
        world.machine.end("uid", "web", 1)

        view = await world.see(lambda view: view.containers[0].restart_count == 1)

    assert view.state is engine.GroupState.RUNNING


async def test_a_failing_init_container_is_tried_again_with_pauses(world):
    world.machine.instant["first"] = 1
    plan = make_plan(init=(engine.ContainerPlan("first", "busybox"),))
    async with world.engine() as groups:
        with pytest.raises(engine.GroupStarting):
            await world.apply(groups, plan)
        seen = world.view()
        world.planned = []

    assert seen.state is engine.GroupState.PENDING
    assert seen.init[0].restart_count == 1
    assert seen.init[0].current.detail == "CrashLoopBackOff"


async def test_a_name_leads_to_the_group_while_it_runs(world):
    def claim(conn):
        assert engine.claim_name(conn, "web.west.test", "uid")
        assert not engine.claim_name(conn, "WEB.west.test", "other")

    world.store.write_now(claim)
    async with world.engine() as groups:
        await world.apply(groups, make_plan())
        running = world.store.read_now(lambda conn: tables.resolve_name(conn, "Web.west.test"))
        await world.apply(groups, make_plan(wanted="stopped"))
        stopped = world.store.read_now(lambda conn: tables.resolve_name(conn, "web.west.test"))

    assert (running, stopped) == ("10.0.0.4", "")
