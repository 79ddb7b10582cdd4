"""A cluster of real programs: up, found again, killed, and gone without a trace."""

import asyncio
import base64
import hashlib
import json
import os
import socket
import ssl
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from silo import engine, kube
from silo.engine import links, netns
from silo.kube import nodes

from .cluster_world import (
    KIT,
    NODE,
    PROBE,
    World,
    eventually,
    find_ready,
    is_alive,
    open_world,
)
from .net_probes import knock, listening


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a machine for one cluster, which is gone in the end."""
    with open_world(tmp_path_factory.mktemp("clusters"), KIT) as made:
        yield made


@pytest.fixture
def world(machine: World) -> World:
    """Have the cluster up and left to itself, whatever another test did to it."""
    if not machine.paths.processes.exists():
        (machine.folder / "admin.json").unlink(missing_ok=True)
        while_tended(machine, lambda: None)
        machine.give_image(machine.folder / "probe.tar")
    return machine


def while_tended(world: World, work: Callable[[], None]) -> None:
    async def tend() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            await asyncio.to_thread(work)

    asyncio.run(tend())


def start_pod(world: World, name: str) -> str:
    """Return the container of a pod that stays, once it runs."""
    world.kubectl("run", name, f"--image={nodes.PAUSE_IMAGE}", "--image-pull-policy=Never")
    eventually(lambda: world.find_phase(name) == "Running", "the pod never runs")
    return world.find_container(name)


def test_node_is_ready_and_of_the_version_that_was_asked_for(world: World) -> None:
    (node,) = world.read("nodes")["items"]

    assert find_ready(node) == "True"
    assert node["metadata"]["name"] == NODE
    assert node["status"]["nodeInfo"]["kubeletVersion"] == f"v{world.kit.version}"
    assert world.read_raw("/version")["gitVersion"] == f"v{world.kit.version}"


def test_pod_finds_the_clusters_names(world: World) -> None:
    name = "kubernetes.default.svc.cluster.local"
    pod = ("run", "finder", f"--image={PROBE}", "--image-pull-policy=Never", "--restart=Never")

    def find() -> None:
        eventually(lambda: world.has_ready("coredns"), "CoreDNS never gets ready")
        world.kubectl(*pod, "--", "resolve", name)
        eventually(lambda: world.find_phase("finder") == "Succeeded", "the pod never ends well")

    # Policies are enforced: nobody hears a new pod of which nobody has been told.
    while_tended(world, find)

    assert json.loads(world.kubectl("logs", "finder"))["addresses"] == [world.plan.api_service]


def test_whoever_tends_it_next_finds_it_running(world: World) -> None:
    before = world.list_pids()

    while_tended(world, lambda: None)

    assert len(before) == 8
    assert world.list_pids() == before


def test_nobody_without_a_certificate_is_answered(world: World) -> None:
    address = world.plan.public_address
    context = ssl.create_default_context(cafile=str(world.paths.pki / "ca.crt"))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(f"https://{address}/api", timeout=30)

    refused.value.close()
    assert refused.value.code == 401
    # etcd listens on loopback of the control plane alone.
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection((address, 2379), timeout=3)


def test_secrets_are_not_on_disk_as_they_are(world: World) -> None:
    words = {kind: f"{kind}-{os.urandom(12).hex()}" for kind in ("secret", "configmap")}
    world.kubectl("create", "secret", "generic", "word", f"--from-literal=w={words['secret']}")
    world.kubectl("create", "configmap", "word", f"--from-literal=w={words['configmap']}")

    assert base64.b64decode(world.read("secret", "word")["data"]["w"]).decode() == words["secret"]
    # What is not encrypted is found: so one looks in the right place.
    assert world.is_stored(words["configmap"])
    assert not world.is_stored(words["secret"])
    assert not world.is_stored(base64.b64encode(words["secret"].encode()).decode())


def test_pods_that_reach_for_the_machine_are_refused(world: World) -> None:
    for name, value in {"hostPID": True, "hostNetwork": True}.items():
        run = ("run", "wide", f"--image={nodes.PAUSE_IMAGE}")
        words = (*run, f"--overrides={json.dumps({'spec': {name: value}})}")
        with pytest.raises(AssertionError, match="violates PodSecurity"):
            world.kubectl(*words)


def test_what_it_keeps_is_for_root_alone(world: World) -> None:
    tops = (world.paths.state, world.paths.run)

    assert [top for top in tops if stat.S_IMODE(top.stat().st_mode) != 0o700] == []
    keys = [*world.paths.pki.glob("*.key"), *world.paths.config.iterdir()]
    assert len(keys) > 10
    assert [key for key in keys if key.stat().st_mode & 0o077] == []


def test_ended_and_begun_again_it_has_what_it_stored(world: World) -> None:
    before = start_pod(world, "stored")
    asyncio.run(world.end())
    assert not list(Path("/sys/fs/cgroup").glob(f"*/silo/{world.instance}/clusters/*/*"))

    while_tended(world, lambda: None)

    eventually(
        lambda: world.find_container("stored") not in {"", before}, "the pod does not run again"
    )


def test_network_policy_decides_what_reaches_a_pod(world: World) -> None:
    for name, words in {"web": ("serve", "tcp", "80"), "friend": (), "foe": ()}.items():
        pod = ("run", name, f"--image={PROBE}", "--image-pull-policy=Never")
        world.kubectl(*pod, "--", *(words or ("serve", "tcp", "9")))
    world.kubectl("expose", "pod", "web", "--port=8080", "--target-port=80")
    policy = {
        "podSelector": {"matchLabels": {"run": "web"}},
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": {"run": "friend"}}}],
                "ports": [{"port": 80}],
            }
        ],
    }

    def tell_apart() -> None:
        for name in ("web", "friend", "foe"):
            eventually(lambda name=name: world.find_phase(name) == "Running", f"{name} never runs")
        web = f"{world.find_address('web')}:80"
        service = f"{world.read('service', 'web')['spec']['clusterIP']}:8080"
        for name in ("friend", "foe"):
            eventually(lambda name=name: world.reaches(name, service), f"{name} reaches nobody")
        world.create("networking.k8s.io/v1", "NetworkPolicy", "web", policy)
        eventually(lambda: not world.reaches("foe", service), "the policy is not enforced")
        assert not world.reaches("foe", web)
        assert world.reaches("friend", service)
        assert world.reaches("friend", web)

    while_tended(world, tell_apart)
    # Nobody tends it, and it is enforced.
    assert not world.reaches("foe", f"{world.find_address('web')}:80")
    assert world.reaches("friend", f"{world.find_address('web')}:80")


def test_load_balancer_leads_to_pods_and_tells_who_asks(world: World) -> None:
    address, here = str(world.pools.public[6]), str(world.pools.host)
    pod = ("run", "shop", f"--image={PROBE}", "--image-pull-policy=Never")
    world.kubectl(*pod, "--", "serve", "tcp", "80")
    spec = {
        "type": "LoadBalancer",
        "selector": {"run": "shop"},
        "ports": [{"port": 8080, "targetPort": 80}],
        "externalTrafficPolicy": "Local",
    }

    def find_ingress() -> list[dict[str, str]]:
        found = world.read("service", "shop")["status"]["loadBalancer"]
        return list(found.get("ingress", ()))

    def shop() -> None:
        world.create("v1", "Service", "shop", spec)
        eventually(find_ingress, "the service never has an address")
        assert find_ingress()[0]["ip"] == address
        # The pod sees its client's own address.
        eventually(lambda: ask(address, 8080) == here, "nobody answers for the service")
        assert ask(address, 80) == ""
        narrow = {**spec, "loadBalancerSourceRanges": ["192.0.2.0/24"]}
        world.create("v1", "Service", "shop", narrow)
        eventually(lambda: ask(address, 8080) == "", "other sources are let in")
        wide = {**spec, "loadBalancerSourceRanges": [f"{here}/32"]}
        world.create("v1", "Service", "shop", wide)
        eventually(lambda: ask(address, 8080) == here, "the source is not let in")
        world.kubectl("delete", "service", "shop")
        assert ask(address, 8080) == ""

    async def tend() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            await asyncio.to_thread(shop)

    asyncio.run(tend())


def test_api_is_asked_from_authorised_ranges_alone(world: World) -> None:
    address = world.plan.public_address

    def is_open() -> bool:
        try:
            socket.create_connection((address, kube.API_PORT), timeout=2).close()
        except OSError:
            return False
        return True

    async def narrow() -> None:
        async with world.tended() as clusters:
            # Silo itself sees that the nodes are ready all the same.
            nobody = replace(world.plan, api_sources=("203.0.113.0/24",))
            await world.come_up(clusters, nobody)
            assert not await asyncio.to_thread(is_open)
            us = replace(world.plan, api_sources=("127.0.0.1/32",))
            await world.come_up(clusters, us)
            await asyncio.to_thread(eventually, is_open, "the API server is not reached")
            await world.come_up(clusters)
            await asyncio.to_thread(eventually, is_open, "the API server is not reached")

    asyncio.run(narrow())


def test_pods_reach_nothing_of_the_machine(world: World) -> None:
    here, port = str(world.pools.host), 18_999
    pod = ("run", "inside", f"--image={PROBE}", "--image-pull-policy=Never")
    world.kubectl(*pod, "--", "serve", "tcp", "80")
    eventually(lambda: world.find_phase("inside") == "Running", "the pod never runs")

    with listening(None, port, address=here) as came:
        assert knock(None, here, port) == here
        assert not world.reaches("inside", f"{here}:{port}")
    assert came == [here]


def ask(address: str, port: int) -> str:
    """Return who a pod's ``serve tcp`` says that we are; nothing when nobody answers."""
    try:
        with socket.create_connection((address, port), timeout=1) as made:
            made.sendall(b"hello\n")
            return made.recv(100).decode().rpartition(":")[0]
    except OSError:
        return ""


def test_removal_leaves_nothing(world: World) -> None:
    group = f"silo/{world.instance}/clusters"

    async def remove() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)
            await world.go(clusters)
            await world.go(clusters)

    pids = world.list_pids()
    asyncio.run(remove())

    # What nobody has asked about since it ended is still listed, and does nothing.
    assert {name: pid for name, pid in pids.items() if is_alive(pid)} == {}
    assert [one for one in Path("/sys/fs/cgroup").glob(f"*/{group}/*") if one.is_dir()] == []
    assert engine.KernelMounts().list_below(world.run) == []
    assert engine.KernelMounts().list_below(world.folder) == []
    assert netns.list_namespaces(f"silo-{world.instance}") == []
    prefix = f"si{hashlib.sha256(world.instance.encode()).hexdigest()[:6]}"
    assert links.list_devices(prefix) == []
    assert not world.paths.state.exists()
    assert not world.paths.run.exists()
