"""One cluster on its way up, step by step, and afterwards: what ends is started again."""

import asyncio
import shutil
import threading
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from silo import core, engine

from . import (
    addons,
    control_groups,
    control_plane,
    images,
    node_files,
    node_spaces,
    nodes,
    pulling,
    rotation,
)
from .api import Api, is_node_ready, list_pod_ranges
from .binaries import Kit
from .errors import StepFailed, VersionMissing
from .nodes import Node
from .paths import SHORT, ClusterPaths
from .plans import API_PORT, NODE_SPACE, ClusterPlan, NodePlan
from .processes import Keeper, Process
from .traffic import Traffic

log = structlog.get_logger()

STEP_S = 120.0
"""The longest that one step may take on a busy machine; most take a second or two."""
TRIES = 3
"""How often a cluster is begun before it is called failed."""
_LOOK_S = 0.05
_TEND_S = 0.5
_PAUSE_S = 2.0
_CONTROL = "control"
P = ParamSpec("P")
T = TypeVar("T")
Serve = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the machine has for clusters."""

    instance: str
    state: Path
    run: Path
    bundle: Path
    """Whom nodes believe when they pull."""
    kits: Mapping[str, Kit]
    binaries: engine.Binaries
    networks: engine.Networks
    clock: core.Clock
    serve: Serve
    """Opens the network's name server and the metadata endpoint for a node."""
    leave: Serve
    registries: tuple[str, ...]
    """The hosts, as patterns, whose images nodes pull as their identity."""

    def locate(self, uid: str) -> ClusterPaths:
        """Return the folders of a cluster."""
        return ClusterPaths.of_cluster(self.state, self.run, uid)

    def name_group(self, uid: str) -> str:
        """Return the control group of a cluster."""
        return f"/silo/{self.instance}/clusters/{uid[:SHORT]}"

    def list_left(self, keep: Collection[str]) -> list[str]:
        """Return the clusters that have a folder here and are not to be."""
        folder = self.state / "clusters"
        found = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
        return [uid for uid in found if uid not in keep]


class Runner:
    """Makes one plan true and keeps it so."""

    def __init__(self, plan: ClusterPlan, ground: Ground) -> None:
        self.plan = plan
        self.settled = asyncio.Event()
        """Set once the cluster is up, or is given up."""
        self.failure: core.SiloError | None = None
        self.doing = "The cluster is waiting for its turn."
        self._ground = ground
        self._paths = ground.locate(plan.uid)
        self._group = ground.name_group(plan.uid)
        self._keeper = Keeper(self._paths.processes, self._paths.logs)
        self._tended: dict[str, Process] = {}
        self._traffic = Traffic(plan, self._paths, ground.networks)
        self._answers = asyncio.Event()
        """Set while the API server answers, as far as is known."""
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Change nothing on the machine any more; returns once nothing is being changed."""
        with self._lock:
            self._closed = True

    async def run(self) -> None:
        """Bring the cluster up and tend it for ever."""
        failures = 0
        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._tend())
                    tasks.create_task(self._traffic.tend(self._answers))
                    await self._bring_up()
                    failures, self.failure = 0, None
                    self.settled.set()
            except* Exception as problems:  # noqa: BLE001 - told below
                # The edge of the loop: the machine says no, or a bug of ours; others go on.
                failures += 1
                problem = _find_first(problems)
                log.warning("cluster does not come up", cluster=self.plan.uid, why=str(problem))
                if failures >= TRIES:
                    self.failure = problem
                    self.settled.set()
            await asyncio.sleep(_PAUSE_S)

    async def _bring_up(self) -> None:
        """Take every step; those that are taken already take no time."""
        self._tended = {}
        self._answers.clear()
        if not self.plan.running or rotation.is_due(self._paths, self.plan.rotation):
            self.doing = "The cluster is stopping."
            await self._do(end_programs, self._group, self._paths)
        if not self.plan.running:
            return
        kit = self._ground.kits.get(self.plan.version)
        if kit is None:
            raise VersionMissing(f"Kubernetes {self.plan.version} is not installed here.")
        control = await self._start_control_plane(kit)
        api = Api(self.plan, self._paths)
        try:
            self.doing = "The API server is starting."
            await _wait(api.is_ready, "the API server does not get ready")
            self._answers.set()
            for process in control[2:]:
                await self._ensure(process)
            await _wait(
                lambda: rotation.is_told(api, self._paths), "pods do not hear of the authority"
            )
            archives = await self._do(self._pack_images, kit)
            self.doing = "The nodes are starting."
            async with asyncio.TaskGroup() as tasks:
                for each in self.plan.nodes:
                    tasks.create_task(self._start_node(each, kit, api, archives))
            for path, document in addons.list_objects(self.plan, self._paths).items():
                await api.put(path, document)
        finally:
            await api.close()

    async def _start_control_plane(self, kit: Kit) -> Sequence[Process]:
        networks, plan = self._ground.networks, self.plan
        await self._do(control_plane.require_stored, plan, self._paths)
        at = await networks.attach(
            f"{plan.uid}.{_CONTROL}",
            engine.NetworkPlan(
                router=name_router(plan.uid),
                address=plan.address,
                subnet=str(NODE_SPACE),
                public_address=plan.public_address,
                ports=(engine.Port("TCP", API_PORT),),
            ),
        )
        await networks.apply_rules(name_router(plan.uid), _allow_inside(plan))
        now = self._ground.clock.now()
        await self._do(rotation.ensure, self._paths, plan.rotation)
        await self._do(control_plane.prepare, plan, self._paths, now)
        processes = control_plane.list_processes(plan, kit, self._paths, at.netns_path, self._group)
        for process in processes[:2]:
            await self._ensure(process)
        return processes

    async def _start_node(
        self, plan: NodePlan, kit: Kit, api: Api, archives: Sequence[Path]
    ) -> None:
        ground = self._ground
        member = self.plan.name_member(plan)
        at = await ground.networks.attach(
            member,
            engine.NetworkPlan(
                router=name_router(self.plan.uid), address=plan.address, subnet=str(NODE_SPACE)
            ),
        )
        await ground.serve(member)
        group = f"{self._group}/{plan.name}"
        node = Node(
            *(self.plan, plan, self._paths, at.netns_path, group),
            *(ground.bundle, ground.registries),
        )
        await self._do(self._prepare_node, node, kit)
        await self._traffic.prepare(plan)
        containerd, kubelet, proxy = nodes.list_processes(node, kit, ground.binaries)
        await self._ensure(containerd)
        await _wait(lambda: _connects(node.paths.socket), f"containerd of {plan.name} is silent")
        for archive in archives:
            await self._do(nodes.ensure_image, node, ground.binaries, archive)
        await self._ensure(kubelet)
        path = f"/api/v1/nodes/{plan.name}"

        async def is_known() -> bool:
            known = await api.find(path)
            ranges = list_pod_ranges(known or {})
            # Pods keep their address between nodes, so the router has to know where they are.
            if ranges:
                await ground.networks.route(member, ranges)
            return bool(ranges)

        async def is_ready() -> bool:
            return is_node_ready(await api.find(path) or {})

        # Started before its node is known it would wait half a minute and then guess.
        await _wait(is_known, f"the node {plan.name} does not register")
        await self._ensure(proxy)
        await _wait(is_ready, f"the node {plan.name} does not get ready")

    def _prepare_node(self, node: Node, kit: Kit) -> None:
        node_files.write_files(node, kit, self._ground.binaries, self._ground.clock.now())
        pulling.close_metadata(node)
        control_groups.make(node.group)
        control_groups.limit(node.group, node.plan.size)
        node_spaces.make_namespaces(node)

    def _pack_images(self, kit: Kit) -> Sequence[Path]:
        packed = []
        for program, name in addons.list_images(kit):
            target = self._ground.state / "images" / f"{kit.build}-{program.name}.tar"
            if not target.exists():
                images.pack(program, name, target)
            packed.append(target)
        return packed

    async def _do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Change something on the machine: one thing at a time, and nothing once we are closed.

        Who waits may be cancelled, but not the work: what it leaves is there for ``close`` to see.
        """

        def locked() -> T:
            with self._lock:
                if self._closed:
                    raise StepFailed("the cluster is no longer tended")
                return work(*args, **kwargs)

        return await asyncio.to_thread(locked)

    async def _ensure(self, process: Process) -> None:
        await self._do(self._keeper.ensure, process)
        self._tended[process.name] = process

    async def _tend(self) -> None:
        """Start again whatever of it ends."""
        while True:
            await asyncio.sleep(_TEND_S)
            for process in list(self._tended.values()):
                if await self._do(self._keeper.ensure, process):
                    log.warning(
                        "program of a cluster ended", cluster=self.plan.uid, program=process.name
                    )


def name_router(uid: str) -> str:
    """Return the key of a cluster's router; a virtual network's is its bare uid."""
    return f"cluster-{uid}"


def _allow_inside(plan: ClusterPlan) -> engine.RuleSet:
    """Have nodes, pods and control plane speak with one another; the rest has to be published."""
    space = (str(NODE_SPACE), str(plan.pods))
    return engine.RuleSet(space, (engine.SubnetRules(space, None, None),))


def _find_first(problems: BaseExceptionGroup[Exception]) -> core.SiloError:
    """Return what went wrong first, in words of ours."""
    first: BaseException = problems
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, core.SiloError):
        return first
    log.error("step of a cluster failed", exc_info=first)
    # Tenants read it, and what the machine says names its folders.
    return StepFailed("A step failed; the log of Silo says which.")


async def remove_cluster(ground: Ground, uid: str) -> None:
    """Take a cluster off the machine; repeatable."""
    paths = ground.locate(uid)
    await asyncio.to_thread(end_programs, ground.name_group(uid), paths)
    for member in await ground.networks.list_members(uid):
        await ground.leave(member)
        await ground.networks.detach(member)
    await asyncio.to_thread(shutil.rmtree, paths.run, ignore_errors=True)
    await asyncio.to_thread(shutil.rmtree, paths.state, ignore_errors=True)


def end_programs(group: str, paths: ClusterPaths) -> None:
    """End everything that runs in a cluster; what it has stored stays."""
    control_groups.kill(group)
    mounts = engine.KernelMounts()
    for folder in (paths.run, paths.state):
        for place in mounts.list_below(folder):
            mounts.unmount(place)


async def _wait(true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    try:
        async with asyncio.timeout(STEP_S):
            while True:
                if await true():
                    return
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise StepFailed(f"{otherwise} within {STEP_S:.0f} seconds") from None


async def _connects(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True
