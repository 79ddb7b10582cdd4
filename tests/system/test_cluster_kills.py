"""Clusters whose programs are killed, or whoever tends them: all of it recovers alone."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from silo import engine, kube
from silo.engine import netns
from silo.kube import control_groups, nodes, waiting

from .cluster_world import KIT, NODE, WAIT_S, World, eventually, is_alive, open_world

_SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a machine for one cluster, which is gone in the end."""
    with open_world(tmp_path_factory.mktemp("kills"), KIT) as made:
        yield made


@pytest.fixture
def world(machine: World) -> World:
    """Have the cluster up and left to itself, whatever another test did to it."""
    if not machine.paths.processes.exists():
        (machine.folder / "admin.json").unlink(missing_ok=True)
        be_killed_while(machine, tend, lambda: is_begun(machine))
        asyncio.run(come_up(machine))
    return machine


async def come_up(world: World) -> None:
    async with world.tended() as clusters:
        await world.come_up(clusters)


def tend(world: World) -> None:
    """Bring the cluster up and tend it; for a process of its own, which is to be killed."""

    async def for_ever() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            mark(world).touch()
            await asyncio.Event().wait()

    asyncio.run(for_ever())


def mark(world: World) -> Path:
    """Return the file that says that somebody has brought the cluster up."""
    return world.folder / "tended"


def remove(world: World) -> None:
    """Take the cluster away; for a process of its own, which is to be killed."""

    async def go() -> None:
        async with world.tended() as clusters:
            await world.go(clusters)

    asyncio.run(go())


def be_killed_while(world: World, work: Callable[[World], None], seen: Callable[[], bool]) -> None:
    """Have a process work, and kill it once something is seen, with no time to clear up."""
    process = _SPAWN.Process(target=work, args=(world,))
    process.start()
    try:
        deadline = time.monotonic() + WAIT_S
        while True:
            # Asked before: it may have come to its end while we looked.
            lives = process.is_alive()
            if seen():
                break
            assert lives
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.join()


def is_begun(world: World) -> bool:
    """Tell whether a node is half up."""
    return f"containerd-{NODE}" in world.list_pids()


def is_ending(world: World) -> bool:
    """Tell whether a cluster is half gone."""
    return not any(map(is_alive, world.list_pids().values()))


def find_status(world: World, pod: str, namespace: str = "default") -> tuple[str, str, int]:
    """Return a pod's uid, its container's id and how often that was started again."""
    found = world.read("-n", namespace, "pod", pod)
    (container,) = found["status"]["containerStatuses"]
    return found["metadata"]["uid"], container["containerID"], container["restartCount"]


def is_ready(world: World, pod: str, namespace: str) -> bool:
    found = world.read("-n", namespace, "pod", pod)["status"]["containerStatuses"]
    return all(one["ready"] for one in found)


def start_pod(world: World, name: str) -> None:
    world.kubectl("run", name, f"--image={nodes.PAUSE_IMAGE}", "--image-pull-policy=Never")
    eventually(lambda: world.find_phase(name) == "Running", "the pod never runs")


def test_each_program_that_is_killed_comes_back_and_no_pod_notices(world: World) -> None:
    start_pod(world, "steady")
    before = find_status(world, "steady")
    names = sorted(set(world.list_pids()) - {nodes.name_init(NODE)})
    assert len(names) == 7

    async def kill_each() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            for name in names:
                pid = world.list_pids()[name]
                os.kill(pid, signal.SIGKILL)
                async with asyncio.timeout(WAIT_S):
                    while not await asyncio.to_thread(world.is_well, {name: pid}):
                        await asyncio.sleep(0.2)

    asyncio.run(kill_each())

    def is_as_before() -> bool:
        return find_status(world, "steady") == before

    # The node may be told ready from before, and what runs on it not be looked at yet.
    eventually(is_as_before, "the pod did notice")


def test_pods_and_programs_outlive_whoever_tends_them(world: World) -> None:
    start_pod(world, "outliving")
    before, pids = find_status(world, "outliving"), world.list_pids()
    mark(world).unlink(missing_ok=True)
    be_killed_while(world, tend, mark(world).exists)

    assert world.list_pids() == pids
    assert all(map(is_alive, pids.values()))
    asyncio.run(come_up(world))
    assert (world.list_pids(), find_status(world, "outliving")) == (pids, before)


def test_killed_name_server_is_started_again_in_its_pod(world: World) -> None:
    eventually(lambda: world.has_ready("coredns"), "CoreDNS never gets ready")
    (pod,) = world.read("-n", "kube-system", "pods", "-l", "k8s-app=kube-dns")["items"]
    name = pod["metadata"]["name"]
    uid, _, restarts = find_status(world, name, "kube-system")
    (pid,) = find_programs(world, "coredns")
    os.kill(pid, signal.SIGKILL)

    eventually(
        lambda: find_status(world, name, "kube-system")[2] > restarts, "nobody starts it again"
    )
    eventually(lambda: is_ready(world, name, "kube-system"), "it does not get ready")
    assert find_status(world, name, "kube-system")[0] == uid


def find_programs(world: World, name: str) -> set[int]:
    """Return the processes of a program in the cluster's pods."""
    found = set()
    for pid in control_groups.list_processes(f"/silo/{world.instance}/clusters"):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                found.add(pid)
    return found


def test_node_that_loses_its_first_process_starts_anew(world: World) -> None:
    start_pod(world, "restarted")
    before = world.find_container("restarted")
    pids = {name: pid for name, pid in world.list_pids().items() if name.endswith(NODE)}

    async def kill_all() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            for pid in pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(WAIT_S):
                while not await asyncio.to_thread(world.is_well, pids):
                    await asyncio.sleep(0.5)

    asyncio.run(kill_all())

    eventually(
        lambda: world.find_container("restarted") not in {"", before}, "the pod does not run again"
    )


def break_kit(world: World) -> kube.Kit:
    """Return programs of a newer version whose API server does not come up."""
    folder = world.folder / "kubernetes-broken" / "bin"
    folder.mkdir(parents=True)
    program = folder / "kubernetes"
    real = world.kit.kubernetes
    program.write_text(f'#!/bin/sh\n[ "$1" = kube-apiserver ] && exit 1\nexec {real} "$@"\n')
    program.chmod(0o755)
    return kube.Kit("9.9.9", folder, {})


def test_upgrade_that_fails_leaves_the_cluster_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_pod(world, "staying")
    world.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    before, version = find_status(world, "staying"), world.read_raw("/version")["gitVersion"]
    broken = break_kit(world)
    newer = replace(world.plan, version=broken.version)
    world.kits = (broken,)
    failures: list[str] = []

    async def upgrade() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            # It would be waited for as long as on a busy machine.
            with monkeypatch.context() as patch:
                patch.setattr(waiting, "STEP_S", 8.0)
                try:
                    await world.come_up(clusters, newer)
                except kube.UpgradeFailed as error:
                    failures.append(str(error))
            await world.come_up(clusters)

    asyncio.run(upgrade())
    world.kits = ()

    assert broken.version in "".join(failures)
    assert world.read_raw("/version")["gitVersion"] == version
    assert world.read("configmap", "kept")["data"] == {"a": "b"}
    assert kube.find_version(world.paths) == world.kit.version
    eventually(lambda: find_status(world, "staying") == before, "the pod did notice")
    assert [one.name for one in world.paths.state.glob("etcd*")] == ["etcd"]


def list_left(world: World) -> list[Any]:
    """Return what is on the machine of the cluster."""
    uid, paths = world.uid, world.paths
    mounts, groups = engine.KernelMounts(), Path("/sys/fs/cgroup")
    return [
        *(path for path in (paths.state, paths.run) if path.exists()),
        *mounts.list_below(paths.state),
        *mounts.list_below(paths.run),
        *netns.FOLDER.glob(f"silo-{world.instance}-*{uid}*"),
        *groups.glob(f"*/silo/{world.instance}/clusters/*/"),
        *groups.glob(f"silo/{world.instance}/clusters/*/"),
    ]


def test_removal_that_is_cut_off_is_finished_and_leaves_nothing(world: World) -> None:
    pids = world.list_pids()
    assert list_left(world)
    be_killed_while(world, remove, lambda: is_ending(world))
    remove(world)

    assert list_left(world) == []
    assert {name: pid for name, pid in pids.items() if is_alive(pid)} == {}


def test_making_that_is_cut_off_leaves_nothing_once_it_is_removed(world: World) -> None:
    remove(world)
    be_killed_while(world, tend, lambda: is_begun(world))
    pids = world.list_pids()
    assert pids
    remove(world)

    assert list_left(world) == []
    assert {name: pid for name, pid in pids.items() if is_alive(pid)} == {}
