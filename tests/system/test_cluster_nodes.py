"""A cluster of several nodes: pods and services from one to another, and nodes that come and go."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tools import strangers

from silo import engine, kube
from silo.engine import netns
from silo.kube import nodes

from .cluster_world import KIT, PROBE, SIZE, World, eventually, find_ready, leave_up, open_world

PROGRAM = f"/{strangers.probe_path().name}"


def plan_node(index: int) -> kube.NodePlan:
    name = f"aks-nodepool1-10000000-vmss00000{index}"
    return kube.NodePlan(name, kube.FIRST_NODE_PLACE + index, SIZE)


TWO = (plan_node(0), plan_node(1))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Bring a cluster of two nodes up, with a pod that answers on each; leave it to itself."""
    with open_world(tmp_path_factory.mktemp("nodes"), KIT) as made:
        made.nodes = TWO
        leave_up(made)
        for index, node in enumerate(TWO):
            run_pod(made, f"server-{index}", node.name, "serve", "tcp", "8000")
        yield made


def follow(world: World, *nodes: kube.NodePlan) -> str:
    """Have somebody tend the cluster until it has these nodes; return why it has not."""
    world.nodes = nodes
    failures: list[str] = []

    async def come_up() -> None:
        async with world.tended() as clusters:
            try:
                await world.come_up(clusters)
            except kube.KubeError as error:
                failures.append(str(error))

    asyncio.run(come_up())
    return "".join(failures)


def run_pod(world: World, name: str, node: str, *words: str) -> None:
    overrides = json.dumps({"spec": {"nodeName": node}})
    options = (f"--image={PROBE}", "--image-pull-policy=Never", f"--overrides={overrides}")
    world.kubectl("run", name, *options, "--", *words)
    eventually(lambda: world.find_phase(name) == "Running", f"{name} never runs")


def list_nodes(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.read("nodes")["items"]
    return found


def list_servers(world: World) -> list[str]:
    return [world.find_container(f"server-{index}") for index in (0, 1)]


def find_address(world: World, pod: str) -> str:
    return str(world.read("pod", pod)["status"]["podIP"])


def talk(world: World, pod: str, target: str) -> Any:
    """Have a pod say a word to somebody; once it is heard, whatever is on its way has come."""
    told: list[Any] = []

    def is_heard() -> bool:
        try:
            said = world.kubectl("exec", pod, "--", PROGRAM, "talk", "tcp", target)
        except AssertionError:
            return False  # a kubelet that has just started does not know its pods yet
        told.append(json.loads(said))
        return bool(told[-1]["reached"])

    eventually(is_heard, f"{pod} does not reach {target}")
    return told[-1]


def test_every_node_is_ready_and_has_pods_of_its_own(world: World) -> None:
    nodes = list_nodes(world)

    assert [find_ready(node) for node in nodes] == ["True", "True"]
    assert len({node["spec"]["podCIDR"] for node in nodes}) == 2


@pytest.mark.parametrize(("one", "other"), [("server-0", "server-1"), ("server-1", "server-0")])
def test_pods_speak_with_one_another_in_their_own_names(world: World, one: str, other: str) -> None:
    told = talk(world, one, f"{find_address(world, other)}:8000")

    # No node translated it on the way.
    assert told["answer"] == told["local"]
    assert told["local"].startswith(f"{find_address(world, one)}:")


def test_service_and_name_are_found_from_every_node(world: World) -> None:
    eventually(lambda: world.has_ready("coredns"), "CoreDNS never gets ready")
    world.kubectl("expose", "pod", "server-0", "--port=80", "--target-port=8000", "--name=far")

    for pod in ("server-0", "server-1"):
        assert talk(world, pod, "far.default.svc.cluster.local:80")["reached"]


def test_api_server_reaches_pods_of_every_node(world: World) -> None:
    """As it reaches webhooks and aggregated APIs: by the pod's own address."""
    for index in (0, 1):
        run_pod(world, f"web-{index}", TWO[index].name, "http", "8000")
        path = f"/api/v1/namespaces/default/pods/http:web-{index}:8000/proxy/"
        eventually(lambda path=path: world.can_read(path), f"web-{index} never answers")
        peer = world.read_raw(path)["peer"].rpartition(":")[0]

        assert peer == world.plan.address


def test_labels_and_taints_change_without_harm(world: World) -> None:
    before, pids = world.find_container("server-1"), world.list_pids()
    labels, taints = (("team", "a"),), ("gpu=yes:NoSchedule",)
    world.kubectl("label", "node", TWO[1].name, "theirs=stay")
    assert follow(world, TWO[0], replace(TWO[1], labels=labels, taints=taints)) == ""
    node = world.read("node", TWO[1].name)
    assert follow(world, *TWO) == ""
    bare = world.read("node", TWO[1].name)

    assert node["metadata"]["labels"]["team"] == "a"
    assert node["spec"]["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    assert "team" not in bare["metadata"]["labels"]
    assert bare["metadata"]["labels"]["theirs"] == "stay"
    assert "taints" not in bare["spec"]
    assert (world.find_container("server-1"), world.list_pids()) == (before, pids)


def find_image(world: World, node: str) -> str:
    labels = world.read("node", node)["metadata"]["labels"]
    return str(labels["kubernetes.azure.com/node-image-version"])


def test_node_comes_and_goes_as_budgets_allow_and_touches_no_other(world: World) -> None:
    third = replace(plan_node(2), drain_s=2.0)
    before, containers = world.list_pids(), list_servers(world)
    assert follow(world, *TWO, third) == ""

    assert [find_ready(node) for node in list_nodes(world)] == ["True"] * 3
    now = world.list_pids()
    assert {name: pid for name, pid in now.items() if name in before} == before
    programs = ("containerd", "init", "kube-proxy", "kubelet")
    assert sorted(set(now) - set(before)) == [f"{each}-{third.name}" for each in programs]

    world.give_image(world.folder / "probe.tar")
    run_pod(world, "guarded", third.name, "sleep")
    world.kubectl("label", "pod", "guarded", "budget=yes")
    world.kubectl("create", "pdb", "keep", "--selector=budget=yes", "--min-available=1")
    assert "default/guarded" in follow(world, *TWO)
    assert world.read("node", third.name)["spec"]["unschedulable"] is True
    assert world.find_phase("guarded") == "Running"

    world.kubectl("delete", "pdb", "keep")
    # Two seconds may be short for a pod to end on a busy machine; Silo goes on trying.
    eventually(lambda: follow(world, *TWO) == "", "the node never goes")
    assert [node["metadata"]["name"] for node in list_nodes(world)] == [one.name for one in TWO]
    assert (world.list_pids(), list_servers(world)) == (before, containers)
    paths = world.paths.node(third.name, third.place)
    assert (paths.state.exists(), paths.run.exists()) == (False, False)
    assert engine.KernelMounts().list_below(paths.run) == []
    groups = f"*/silo/{world.instance}/clusters/*/{third.name}"
    assert list(Path("/sys/fs/cgroup").glob(groups)) == []
    assert not (netns.FOLDER / f"silo-{world.instance}-g-{world.uid}.{third.place}").exists()
    assert list(world.paths.pki.glob(f"*{third.name}*")) == []


def hold_pod(world: World, name: str, node: str) -> None:
    """Have a pod on a node that nobody may move."""
    overrides = json.dumps({"spec": {"nodeName": node}})
    image = (f"--image={nodes.PAUSE_IMAGE}", "--image-pull-policy=Never")
    world.kubectl("run", name, *image, f"--overrides={overrides}", f"--labels=held={name}")
    eventually(lambda: world.find_phase(name) == "Running", f"{name} never runs")
    world.kubectl("create", "pdb", name, f"--selector=held={name}", "--min-available=1")


def build_another(world: World) -> kube.Kit:
    """Return the same programs, built once more as far as anybody can tell."""
    folder = world.folder / "kubernetes-another" / "bin"
    shutil.copytree(world.kit.folder, folder)
    (folder / "more").write_text("of another build")
    return replace(world.kit, folder=folder)


def test_node_of_another_build_takes_the_place_of_the_old_one(world: World) -> None:
    containers = list_servers(world)
    third = replace(plan_node(3), image=world.kit.image)
    assert follow(world, *TWO, third) == ""
    before = {one["metadata"]["name"]: one["metadata"]["uid"] for one in list_nodes(world)}
    world.kit = build_another(world)
    # There is another build, and nobody has asked for it.
    assert follow(world, *TWO, third) == ""
    same = {one["metadata"]["name"]: one["metadata"]["uid"] for one in list_nodes(world)}
    assert same == before
    assert find_image(world, third.name) == third.image
    hold_pod(world, "held", third.name)
    pace = kube.Rollout(surge=0, unavailable=1, quarantine=True)
    newer = replace(third, image=world.kit.image, drain_s=2.0, rollout=pace)
    assert third.name in follow(world, *TWO, newer)
    node = world.read("node", third.name)
    assert node["metadata"]["labels"]["kubernetes.azure.com/upgrade-status"] == "Quarantined"
    assert node["spec"]["unschedulable"] is True
    assert world.find_phase("held") == "Running"
    world.kubectl("delete", "pdb", "held")
    # Two seconds may be short for a pod to end on a busy machine.
    eventually(lambda: follow(world, *TWO, newer) == "", "the node is never replaced")
    assert find_image(world, third.name) == world.kit.image != third.image
    assert "unschedulable" not in world.read("node", third.name)["spec"]
    after = {one["metadata"]["name"]: one["metadata"]["uid"] for one in list_nodes(world)}

    assert sorted(after) == sorted(before)
    changed = [name for name, uid in after.items() if uid != before[name]]
    assert changed == [plan_node(3).name]
    assert list_servers(world) == containers
    assert follow(world, *TWO) == ""
