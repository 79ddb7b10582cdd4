"""A machine for clusters without a Silo: what runs on it goes on when nobody tends it."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kits import demand_kits
from tools import strangers

from silo import core, engine, kube
from silo.kube import control_groups, images, nodes, processes

KIT = next(iter(demand_kits().values()))
CLOCK = core.SystemClock()
WAIT_S = 240.0
"""Far more than a busy machine needs."""
PROBE = "localhost/test/probe:1"
NODE = "aks-nodepool1-10000000-vmss000000"
SIZE = kube.Size(1.5, 3 << 30)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Gives one service an address, and forgets at once: there is one."""

    pools: engine.Pools

    async def lease(self, owner: str, *, internal: bool, asked: str) -> str:
        assert not internal, owner
        assert not asked, owner
        return str(self.pools.public[6])

    async def name(self, owner: str, name: str, address: str) -> None:
        assert not name, (owner, address)

    async def release(self, owner: str) -> None:
        assert owner

    async def list_owners(self, cluster: str) -> list[str]:
        assert cluster
        return []


@dataclass(slots=True)
class World:
    """One cluster, of one node unless told, and the folders that it is in."""

    folder: Path
    kit: kube.Kit
    pools: engine.Pools
    instance: str = field(default_factory=lambda: f"k{secrets.token_hex(4)}")
    uid: str = field(default_factory=lambda: secrets.token_hex(16))
    kits: tuple[kube.Kit, ...] = ()
    """Others that are here as well."""
    nodes: tuple[kube.NodePlan, ...] = (kube.NodePlan(NODE, kube.FIRST_NODE_PLACE, SIZE),)

    @property
    def run(self) -> Path:
        return engine.Paths.of_instance(self.folder, self.instance).run

    @property
    def paths(self) -> kube.ClusterPaths:
        return kube.ClusterPaths.of_cluster(self.folder / "kube", self.run, self.uid)

    @property
    def plan(self) -> kube.ClusterPlan:
        public = str(self.pools.public[5])
        return kube.ClusterPlan(
            self.uid, self.kit.version, "k.hcp.test", public, self.nodes, policies=True
        )

    @asynccontextmanager
    async def tended(self, *, wanted: bool = True) -> AsyncIterator[kube.Clusters]:
        """Have somebody tend the cluster, as Silo's control process does."""
        networks = await self.open_networks()
        resolver = engine.Resolver(networks.open_socket, lambda _: None)
        clusters = self.open_clusters(networks, resolver)

        async def list_plans() -> dict[str, kube.ClusterPlan | None]:
            return {self.uid: self.plan} if wanted else {}

        async with asyncio.TaskGroup() as tasks:
            tending = tasks.create_task(clusters.run(list_plans))
            answering = tasks.create_task(resolver.run())
            try:
                yield clusters
            finally:
                tending.cancel()
                answering.cancel()
                for member in await networks.list_members(self.uid):
                    await resolver.close(member)
        await networks.close()

    async def open_networks(self) -> engine.Networks:
        self.run.mkdir(parents=True, exist_ok=True)
        networks = engine.Networks(
            self.instance, self.pools, engine.Doors("127.0.0.1", 18443), self.run
        )
        await networks.start()
        return networks

    def open_clusters(self, networks: engine.Networks, resolver: engine.Resolver) -> kube.Clusters:
        found = engine.find_binaries()
        assert found is not None
        return kube.Clusters(
            kube.Ground(
                instance=self.instance,
                state=self.folder / "kube",
                run=self.run,
                bundle=Path("/etc/ssl/certs/ca-certificates.crt"),
                kits={kit.version: kit for kit in (self.kit, *self.kits)},
                binaries=found,
                networks=networks,
                clock=CLOCK,
                serve=resolver.open,
                serve_names=resolver.open,
                addresses=Addresses(self.pools),
                leave=resolver.close,
                registries=("*.azurecr.silo.test",),
            )
        )

    async def end(self) -> None:
        """End everything that runs, as ``silo down --groups`` and a reboot do."""
        networks = await self.open_networks()
        resolver = engine.Resolver(networks.open_socket, lambda _: None)
        await self.open_clusters(networks, resolver).end_all()
        await networks.stop()
        await networks.close()
        await asyncio.to_thread(control_groups.kill, f"/silo/{self.instance}")
        await asyncio.to_thread(shutil.rmtree, self.run, ignore_errors=True)

    async def come_up(self, clusters: kube.Clusters, plan: kube.ClusterPlan | None = None) -> None:
        """Return once the cluster is up as planned."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await clusters.apply(plan or self.plan)
                except kube.ClusterStarting:
                    continue
                return

    async def go(self, clusters: kube.Clusters) -> None:
        """Return once the cluster is gone."""
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    await clusters.delete(self.uid)
                except kube.ClusterStarting:
                    continue
                return

    def kubectl(self, *words: str) -> str:
        """Run kubectl as an administrator."""
        config = self.folder / "admin.json"
        if not config.exists():
            address = self.plan.public_address
            text = kube.render_admin(self.paths, address, "k", "clusterAdmin", CLOCK.now())
            assert text is not None
            config.write_text(text)
        command = [str(self.kit.kubernetes), "kubectl", f"--kubeconfig={config}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def read(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def read_raw(self, path: str) -> Any:
        return json.loads(self.kubectl("get", "--raw", path))

    def can_read(self, path: str) -> bool:
        """Tell whether something answers there."""
        try:
            return self.kubectl("get", "--raw", path) != ""
        except AssertionError:
            return False

    def create(self, version: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Make an object."""
        document = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(document))
        self.kubectl("apply", "-f", str(path))

    def find_phase(self, pod: str) -> str:
        return str(self.read("pod", pod)["status"]["phase"])

    def find_address(self, pod: str) -> str:
        """Return a pod's address; nothing while it has none."""
        return str(self.read("pod", pod)["status"].get("podIP") or "")

    def reaches(self, pod: str, target: str) -> bool:
        """Tell whether a pod gets an answer from somebody's ``serve tcp``."""
        told = json.loads(self.kubectl("exec", pod, "--", "/probe", "talk", "tcp", target))
        return bool(told["reached"])

    def find_container(self, pod: str) -> str:
        """Return the id of a pod's one container; nothing while it does not run."""
        (found,) = self.read("pod", pod)["status"]["containerStatuses"]
        return str(found["containerID"]) if "running" in found["state"] else ""

    def has_ready(self, deployment: str) -> bool:
        found = self.read("-n", "kube-system", "deployment", deployment)
        return bool(found["status"].get("readyReplicas"))

    def is_well(self, before: dict[str, int]) -> bool:
        """Tell whether these programs run again, and the node is ready."""
        now = self.list_pids()
        if any(now.get(name, pid) == pid for name, pid in before.items()):
            return False
        try:
            return all(find_ready(node) == "True" for node in self.read("nodes")["items"])
        except AssertionError:
            return False  # the API server is still on its way

    def give_image(self, archive: Path) -> None:
        """Bring an image to every node."""
        ctr = (str(nodes.ENGINE / "ctr"), "--namespace=k8s.io", "images", "import", "-")
        for node in self.nodes:
            with archive.open("rb") as given:
                words = self.inside(*ctr, node=node.name)
                subprocess.run(words, stdin=given, check=True, timeout=WAIT_S)

    def inside(self, *words: str, node: str = NODE) -> list[str]:
        """Return the words that run a program in a node, as its root."""
        return [*processes.enter_all(self.list_pids()[nodes.name_init(node)]), *words]

    def is_stored(self, word: str) -> bool:
        """Tell whether a word is in the files of etcd, or in what the API server noted."""
        files = [*self.paths.etcd.rglob("*"), *self.paths.audit.rglob("*")]
        return any(word.encode() in one.read_bytes() for one in files if one.is_file())

    def list_pids(self) -> dict[str, int]:
        """Return the cluster's programs by name."""
        notes = self.paths.processes.glob("*.json")
        return {note.stem: json.loads(note.read_text())[0] for note in notes}


def find_ready(node: dict[str, Any]) -> str:
    """Return what a node says of whether it is ready."""
    found = {one["type"]: one["status"] for one in node["status"]["conditions"]}
    return str(found["Ready"])


def is_alive(pid: int) -> bool:
    """Tell whether a process has not ended yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(") ")[2].split()[0] not in {"Z", "X"}


def eventually(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@contextmanager
def open_world(folder: Path, kit: kube.Kit) -> Iterator[World]:
    """Give a machine for one cluster, and the probe's image beside it; all is gone in the end."""
    before = os.umask(0o077)
    pools = engine.split_pools(*engine.choose_pools(folder.name, folder))
    made = World(folder, kit, pools)
    images.pack(strangers.probe_path(), PROBE, folder / "probe.tar")

    async def go() -> None:
        async with made.tended(wanted=False) as clusters:
            await made.go(clusters)

    try:
        yield made
        asyncio.run(go())
    finally:
        asyncio.run(made.end())
        os.umask(before)


def leave_up(world: World) -> None:
    """Bring the cluster up with the probe's image on its node; leave it to itself."""

    async def come_up() -> None:
        async with world.tended() as clusters:
            await world.come_up(clusters)

    asyncio.run(come_up())
    world.give_image(world.folder / "probe.tar")
