import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import core, kube
from silo.kube import control_groups, runner


class Networks:
    """No network: whoever asks for one fails, as it would through a bug of ours."""

    def __init__(self):
        self.detached = []

    async def attach(self, uid, _plan):
        raise LookupError(uid)

    async def list_members(self, owner):
        return [f"{owner}.control"]

    async def detach(self, member):
        self.detached.append(member)


@pytest.fixture
def ground(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_PAUSE_S", 0.001)
    monkeypatch.setattr(control_groups, "kill", lambda _: None)

    async def serve(_uid):
        pass

    return kube.Ground(
        instance="i",
        state=tmp_path / "state",
        run=tmp_path / "run",
        bundle=Path("/ca.pem"),
        kits={"1.36.3": world.KIT},
        binaries=world.BINARIES,
        networks=Networks(),
        clock=core.SystemClock(),
        serve=serve,
        serve_names=serve,
        leave=serve,
        registries=world.REGISTRIES,
    )


@contextlib.asynccontextmanager
async def tended(ground, *plans, wanted=True, failures=(), unplanned=()):
    clusters, failures = kube.Clusters(ground), list(failures)

    async def list_plans():
        if failures:
            raise failures.pop()
        return {plan.uid: plan for plan in plans} | dict.fromkeys(unplanned)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(clusters.run(list_plans, wanted=wanted))
        yield clusters
        task.cancel()


async def apply(clusters, plan):
    while True:
        try:
            return await clusters.apply(plan)
        except kube.ClusterStarting:
            continue


async def test_version_that_is_not_here_is_told(ground):
    async with tended(ground) as clusters:
        with pytest.raises(kube.VersionMissing, match=r"1\.20\.0"):
            await apply(clusters, replace(world.PLAN, version="1.20.0"))


async def test_bug_in_one_cluster_ends_no_loop(ground):
    async with tended(ground, world.PLAN) as clusters:
        with pytest.raises(kube.StepFailed, match="the log of Silo"):
            await apply(clusters, world.PLAN)
        with pytest.raises(kube.StepFailed, match="the log of Silo"):
            await apply(clusters, replace(world.PLAN, uid="other"))


async def test_other_nodes_are_followed_in_place_and_another_version_is_begun_anew(ground):
    async with tended(ground, world.PLAN) as clusters:
        with pytest.raises(kube.StepFailed):
            await apply(clusters, world.PLAN)
        first = clusters._held[world.UID].runner
        with pytest.raises(kube.StepFailed):
            await apply(clusters, replace(world.PLAN, nodes=()))
        second = clusters._held[world.UID].runner
        with pytest.raises(kube.VersionMissing):
            await apply(clusters, replace(world.PLAN, nodes=(), version="1.20.0"))

        assert (second is first, first.plan.nodes) == (True, ())
        assert clusters._held[world.UID].runner is not first


async def test_failure_is_told_once_and_tried_again(ground):
    async with tended(ground, world.PLAN) as clusters:
        for _ in range(2):
            with pytest.raises(kube.StepFailed, match="the log of Silo"):
                await apply(clusters, world.PLAN)


async def test_cluster_without_what_it_stored_is_not_founded_anew(ground):
    async with tended(ground, replace(world.PLAN, was_up=True)) as clusters:
        with pytest.raises(kube.StepFailed, match="not here"):
            await apply(clusters, world.PLAN)
    # Nor once its last wish has failed for that.
    async with tended(ground, world.PLAN) as clusters:
        with pytest.raises(kube.StepFailed, match="not here"):
            await apply(clusters, world.PLAN)

    assert not ground.locate(world.UID).etcd.exists()


async def test_what_is_left_of_others_goes_at_the_start(ground):
    left = ground.state / "clusters" / "gone"
    left.mkdir(parents=True)
    async with tended(ground) as clusters, asyncio.timeout(10):
        await clusters.delete("never-was")

    assert not left.exists()
    assert "gone.control" in ground.networks.detached


async def test_nothing_goes_before_every_plan_is_known(ground):
    kept = ground.state / "clusters" / world.UID
    kept.mkdir(parents=True)
    async with tended(ground, world.PLAN, failures=[LookupError("Tiny")]) as clusters:
        with pytest.raises(kube.ClusterStarting):
            await clusters.apply(world.PLAN)

        assert kept.exists()
        assert ground.networks.detached == []


async def test_one_that_has_no_plan_is_kept_and_keeps_no_other_from_its_own(ground):
    kept = ground.state / "clusters" / "odd"
    kept.mkdir(parents=True)
    async with tended(ground, world.PLAN, unplanned=["odd"]) as clusters, asyncio.timeout(10):
        with pytest.raises(kube.StepFailed):
            await apply(clusters, world.PLAN)

    assert kept.exists()
    assert "odd.control" not in ground.networks.detached


async def test_one_that_does_not_go_ends_no_loop(ground, monkeypatch):
    (ground.state / "clusters" / "stuck").mkdir(parents=True)

    class NetlinkError(Exception):
        pass

    async def detach(member):
        if member.startswith("stuck"):
            raise NetlinkError(member)

    monkeypatch.setattr(ground.networks, "detach", detach)
    async with tended(ground) as clusters, asyncio.timeout(10):
        await clusters.delete("never-was")

    assert (ground.state / "clusters" / "stuck").exists()


async def test_clusters_that_are_not_wanted_end_and_keep_what_they_stored(ground, monkeypatch):
    kept = ground.state / "clusters" / world.UID / "etcd"
    kept.mkdir(parents=True)
    ended = []
    monkeypatch.setattr(control_groups, "kill", ended.append)
    async with tended(ground, world.PLAN, wanted=False) as clusters, asyncio.timeout(10):
        await clusters.delete("never-was")
        with pytest.raises(kube.ClusterStarting, match="does not run clusters"):
            await clusters.apply(world.PLAN)

        assert clusters._held == {}

    assert ended[0] == ground.name_group(world.UID)
    assert kept.exists()


async def test_one_that_is_not_wanted_goes_with_what_it_stored(ground):
    gone = ground.state / "clusters" / world.UID / "etcd"
    gone.mkdir(parents=True)
    async with tended(ground, world.PLAN, wanted=False) as clusters, asyncio.timeout(10):
        await clusters.delete(world.UID)

    assert not gone.exists()


async def test_one_that_does_not_end_keeps_no_other_from_it(ground, monkeypatch):
    for uid in ("one", "two"):
        (ground.state / "clusters" / uid).mkdir(parents=True)
    asked = []

    def kill(group):
        asked.append(group)
        raise TimeoutError

    monkeypatch.setattr(control_groups, "kill", kill)
    await kube.Clusters(ground).end_all()

    assert asked == [ground.name_group("one"), ground.name_group("two")]


async def test_closed_runner_changes_nothing(ground):
    made = runner.Runner(world.PLAN, ground)
    made.close()

    with pytest.raises(kube.StepFailed, match="no longer tended"):
        await made.tending.do(pytest.fail, "it was done")


async def test_rights_and_levels_are_settled_before_nodes_come(ground, monkeypatch):
    plan = replace(world.PLAN, sign_in=kube.SignIn(("g1",)), pod_security="restricted")
    written = []

    class Api:
        def __init__(self, _plan, _paths):
            pass

        async def is_ready(self):
            return True

        async def put(self, path, document):
            written.append((path, document))

        async def delete(self, path):
            assert path.endswith("/azure-workload-identity")

        async def close(self):
            pass

    async def start(*_):
        return ()

    async def is_told(*_):
        return True

    async def follow(*_):
        raise kube.StepFailed("no node gets ready")

    monkeypatch.setattr(runner, "Api", Api)
    monkeypatch.setattr(runner.Runner, "_start_control_plane", start)
    monkeypatch.setattr(runner.rotation, "is_told", is_told)
    monkeypatch.setattr(runner.Fleet, "follow", follow)
    ground.locate(world.UID).state.mkdir(parents=True)
    made = runner.Runner(plan, ground)
    with pytest.raises(kube.StepFailed, match="no node gets ready"):
        await made._bring_up(plan, None)

    (_, binding), (_, namespace) = written
    assert [one["name"] for one in binding["subjects"]] == ["g1"]
    assert namespace["metadata"]["name"] == "kube-system"


async def test_ending_all_keeps_what_is_stored(ground):
    kept = ground.state / "clusters" / "one" / "etcd"
    kept.mkdir(parents=True)

    await kube.Clusters(ground).end_all()

    assert kept.exists()


async def test_blocked_upgrade_is_told_and_tried_again_when_it_is_asked_for(ground, monkeypatch):
    tries = []

    async def bring_up(self, _plan, _traffic):
        tries.append(self._blocked)
        if self._blocked is None:
            raise kube.NodesBlocked(["one"], "They stay.")

    monkeypatch.setattr(runner.Runner, "_bring_up", bring_up)
    async with tended(ground, world.PLAN) as clusters:
        for asked in (1, 2):
            with pytest.raises(kube.NodesBlocked, match="one"):
                await apply(clusters, world.PLAN)
            assert [one is None for one in tries] == [True, False] * asked


async def test_cluster_that_never_came_up_ends_when_its_making_is_aborted(ground, monkeypatch):
    ended = []
    monkeypatch.setattr(runner, "end_programs", lambda *group: ended.append(group))
    async with tended(ground) as clusters:
        await apply(clusters, replace(world.PLAN, halted=True))

    assert len(ended) == 1
