"""The nodes of one cluster on this machine: they come up, are replaced, and go."""

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from silo import core, engine

from . import (
    addons,
    control_groups,
    draining,
    images,
    node_files,
    node_notes,
    node_objects,
    node_spaces,
    nodes,
    pulling,
)
from .api import Api, is_node_ready, list_pod_ranges
from .binaries import Kit
from .errors import DrainFailed, NodesBlocked, StepFailed, VersionMissing
from .ground import Ground
from .node_notes import Note
from .nodes import Node
from .plans import MAX_SURGES, NODE_SPACE, SURGE_PLACE, ClusterPlan, NodePlan
from .tending import Tending
from .traffic import Traffic
from .waiting import forwards, wait_until

log = structlog.get_logger()

_NUMBER = 6
"""Digits of a node's number, at the end of its name."""
_SURGE = "zzzz"
"""Begins the number of a node that a pool has more while others are replaced: the last ones."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PROGRAMS = ("kube-proxy", "kubelet", "containerd", "init")
_TRIES = 20
_LET_GO_S = 1.0
"""Until load balancers have seen that a node goes, and who came through it was answered."""


class Fleet:
    """Brings nodes up and takes them away; every function can be done twice."""

    def __init__(
        self, cluster: ClusterPlan, ground: Ground, tending: Tending, api: Api, traffic: Traffic
    ) -> None:
        self._cluster = cluster
        self._ground = ground
        self._tending = tending
        self._api = api
        self._traffic = traffic
        self._paths = ground.locate(cluster.uid)

    async def follow(
        self, say: Callable[[str], None], blocked: Collection[str] = frozenset()
    ) -> None:
        """Have the nodes that are planned, and no others; the blocked ones stay as they are.

        Raises:
            NodesBlocked: pods do not leave some that were to be replaced.

        """
        wanted = {plan.name: plan for plan in self._cluster.nodes}
        say("The nodes are starting.")
        outdated = [plan for plan in wanted.values() if self._is_outdated(plan)]
        async with asyncio.TaskGroup() as tasks:
            for plan in wanted.values():
                if plan not in outdated:
                    tasks.create_task(self.bring_up(plan))
                elif not self._runs(plan.name) or (
                    plan.name in blocked and not plan.rollout.quarantine
                ):
                    tasks.create_task(self._bring_back(plan))
        pools: dict[str, list[NodePlan]] = {}
        for plan in outdated:
            pools.setdefault(_find_set(plan.name), []).append(plan)
        notes = self._list_notes()
        stay = {*wanted, *_list_stand_ins(notes, pools, blocked)}
        leaving = [name for name in notes if name not in stay]
        if leaving:
            say("Pods are leaving the nodes that are to go.")
            await self.retire(leaving)
        failures: dict[str, str] = {}
        begun = {_find_set(name) for name in notes if is_surge(name)}
        # The pool that has begun goes on first.
        for pool in sorted(pools, key=lambda name: (name not in begun, name)):
            due = [plan for plan in pools[pool] if plan.name not in blocked]
            if due:
                say("The nodes are being replaced.")
                failures |= await self.roll(due)
        await self._forget_strays()
        if failures:
            raise NodesBlocked(failures, next(iter(failures.values())))

    async def hold(self, say: Callable[[str], None]) -> None:
        """Have the nodes that are there run as they are, whatever is planned."""
        say("What was begun is left as it is.")
        wanted = {plan.name: plan for plan in self._cluster.nodes}
        for name, note in self._list_notes().items():
            if note is None or not note.joined:
                continue
            if name in wanted:
                await self._bring_back(wanted[name])
            await self._change(name, node_objects.uncordon)

    async def bring_up(self, plan: NodePlan) -> None:
        """Have a node run as planned; return once it takes pods."""
        ground, tending = self._ground, self._tending
        before = self._list_notes().get(plan.name)
        kit, image = self._choose_kit(plan, before)
        labels = (*plan.labels, (node_objects.IMAGE, image))
        plan = replace(plan, image=image, labels=labels)
        note = Note.of_plan(plan, before, str(kit.folder))
        await tending.do(node_notes.write_note, self._paths, note)
        paths = self._paths.node(plan.name, plan.place)
        first_id = await tending.do(node_spaces.ensure_users, ground.state, self._paths, paths)
        member = self._cluster.name_member(plan)
        at = await ground.networks.attach(
            member,
            engine.NetworkPlan(
                router=self._cluster.router,
                address=plan.address,
                subnet=str(NODE_SPACE),
                owner=paths.users,
            ),
        )
        await ground.serve(member)
        born = replace(plan, taints=note.born_with)
        node = Node(
            *(self._cluster, born, self._paths, at.netns_path),
            *(self._name_group(plan.name), ground.bundle, ground.registries, first_id),
        )
        await tending.do(self._prepare, node, kit)
        await self._traffic.prepare(plan)
        first = node_spaces.describe_init(node, kit, ground.binaries)
        containerd, kubelet, proxy = nodes.list_processes(node)
        await tending.ensure(first)
        await tending.ensure(containerd)
        init = tending.find(first.name)
        answer = functools.partial(tending.look, nodes.answers, node, init)
        await wait_until(answer, f"containerd of {plan.name} is silent")
        for archive in await tending.do(self._pack_images, kit):
            await tending.do(nodes.ensure_image, node, init, archive)
        await tending.ensure(kubelet)
        path = node_objects.find_path(plan.name)

        async def is_known() -> bool:
            ranges = list_pod_ranges(await self._api.find(path) or {})
            # Pods keep their address between nodes, so the router has to know where they are.
            if ranges:
                await ground.networks.route(member, ranges)
            return bool(ranges)

        async def is_ready() -> bool:
            return is_node_ready(await self._api.find(path) or {})

        # Started before its node is known it would wait half a minute and then guess.
        await wait_until(is_known, f"the node {plan.name} does not register")
        await self._change(plan.name, lambda found: node_objects.describe(found, plan))
        await self._change(plan.name, node_objects.uncordon)
        if self._cluster.networked and not await is_ready():
            # It is ready for pods before it knows the way to them.
            await self._change(plan.name, node_objects.set_apart)
        await tending.ensure(proxy)
        if self._cluster.networked:
            await wait_until(is_ready, f"the node {plan.name} does not get ready")
        await wait_until(lambda: forwards(at.netns_path), f"{plan.name} does not forward")
        await self._change(plan.name, node_objects.join)
        await tending.do(node_notes.write_note, self._paths, replace(note, joined=True))

    async def retire(
        self, names: Collection[str], *, drain_s: float | None = None, soak_s: float = 0.0
    ) -> None:
        """Empty nodes as the budgets over their pods allow, and take them away."""
        # All of them first, or pods would move from one that goes to the next.
        for name in names:
            await self._change(name, node_objects.cordon)
        async with asyncio.TaskGroup() as tasks:
            for name in names:
                tasks.create_task(self._retire_one(name, drain_s, soak_s))

    async def roll(self, outdated: Sequence[NodePlan]) -> dict[str, str]:
        """Replace nodes of a pool by what they are to be, some at a time; return who could not be.

        There are as many more meanwhile, unless the pool is to do without them.
        """
        pace, failures = outdated[0].rollout, dict[str, str]()
        surges = self._plan_surges(outdated)
        async with asyncio.TaskGroup() as tasks:
            for surge in surges:
                tasks.create_task(self.bring_up(surge))
        turns = asyncio.Semaphore(len(surges) or max(1, pace.unavailable))

        async def take(plan: NodePlan) -> None:
            async with turns:
                try:
                    await self.retire([plan.name], drain_s=plan.drain_s, soak_s=pace.soak_s)
                except* DrainFailed as group:
                    failures[plan.name] = str(group.exceptions[0])
                    leave = node_objects.quarantine if pace.quarantine else node_objects.uncordon
                    await self._change(plan.name, leave)
                else:
                    await self.bring_up(plan)

        async with asyncio.TaskGroup() as tasks:
            for plan in outdated:
                tasks.create_task(take(plan))
        # Also those that were begun when there was more to replace; the first ones stay longest.
        own = {name for name in self._list_notes() if is_surge(name) and _is_of(name, outdated[0])}
        stay = len(failures) if pace.quarantine else 0
        more = sorted(own | {surge.name for surge in surges}, reverse=True)
        await self.retire(more[stay:])
        return failures

    def _plan_surges(self, outdated: Sequence[NodePlan]) -> list[NodePlan]:
        """Return the nodes more of a pool; those that were begun keep their places."""
        count = min(outdated[0].rollout.surge, len(outdated), MAX_SURGES)
        names = [name_surge(outdated[0], index) for index in range(count)]
        notes = self._list_notes()
        taken = {note.place for name, note in notes.items() if note and name not in names}
        free = (SURGE_PLACE + step for step in range(MAX_SURGES))
        kept = {name: note.place for name, note in notes.items() if note and name in names}
        left = (place for place in free if place not in taken and place not in kept.values())
        return [
            replace(outdated[0], name=name, place=kept[name] if name in kept else next(left))
            for name in names
        ]

    async def _bring_back(self, plan: NodePlan) -> None:
        """Have a node run once more as it was, for its pods until they can go elsewhere."""
        note = self._list_notes().get(plan.name)
        if note is None:
            return
        try:
            await self.bring_up(
                replace(plan, place=note.place, version=note.version, image=note.image)
            )
        except (StepFailed, VersionMissing) as error:
            # It is to go in any case.
            log.warning("node does not come back", node=plan.name, why=str(error))

    async def _retire_one(self, name: str, drain_s: float | None, soak_s: float) -> None:
        note, runs = self._list_notes().get(name), self._runs(name)
        if note is not None and runs and await self._find(name):
            await draining.drain(self._api, name, note.drain_s if drain_s is None else drain_s)
            await self._change(name, node_objects.set_apart)
            await asyncio.sleep(max(_LET_GO_S, soak_s))
        await self._tending.end(tuple(f"{program}-{name}" for program in _PROGRAMS))
        if not runs:
            await draining.forget(self._api, name)
        await self._api.delete(node_objects.find_path(name))
        if note is not None:
            await self._leave_network(self._name_member(note.place))
            await self._tending.do(self._clear, name, self._paths.node(name, note.place).run)
        await self._tending.do(self._clear, name, self._paths.node(name, 0).state)
        log.info("node is gone", cluster=self._cluster.uid, node=name)

    async def _change(
        self, name: str, plan: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        """Change a node's object, if there is one, while others change it too."""
        for _ in range(_TRIES):
            found = await self._find(name)
            parts = plan(found) if found else {}
            if not parts or await self._api.amend(node_objects.find_path(name), parts):
                return
        raise StepFailed(f"the node {name} does not take a change")

    async def _find(self, name: str) -> Mapping[str, Any] | None:
        """Return a node's object; None only when there is none."""
        found, _ = await self._api.list("/api/v1/nodes", f"metadata.name={name}")
        return next(iter(found), None)

    def _runs(self, name: str) -> bool:
        return self._tending.runs(f"kubelet-{name}")

    def _is_outdated(self, plan: NodePlan) -> bool:
        note = self._list_notes().get(plan.name)
        if note is None or note.version != plan.version:
            return note is not None
        if plan.image in {"", note.image}:
            return False
        # What is not built here any more nothing can be made from.
        kit = self._ground.kits.get(plan.version or self._cluster.version)
        return kit is not None and kit.image == plan.image

    def _choose_kit(self, plan: NodePlan, before: Note | None) -> tuple[Kit, str]:
        """Return what a node is made from, and its name: one that runs goes on with what it has."""
        kit = self._ground.find_kit(plan.version or self._cluster.version)
        if before is None or before.version != plan.version or not self._runs(plan.name):
            return kit, kit.image
        folder = Path(before.folder)
        if not before.folder or not folder.is_dir():
            return kit, kit.image
        # Other programs in the same folder are another build; those that run are not of it.
        return replace(kit, folder=folder), before.image

    def _list_notes(self) -> dict[str, Note | None]:
        return node_notes.list_notes(self._paths)

    async def _forget_strays(self) -> None:
        """Take nodes off the network of which nothing else is left."""
        notes = [note for note in self._list_notes().values() if note is not None]
        known = {self._name_member(note.place) for note in notes}
        for member in await self._ground.networks.list_members(self._cluster.uid):
            if member.rpartition(".")[2].isdecimal() and member not in known:
                await self._leave_network(member)

    async def _leave_network(self, member: str) -> None:
        await self._ground.leave(member)
        await self._ground.networks.detach(member)

    def _prepare(self, node: Node, kit: Kit) -> None:
        node_files.write_files(node, kit, self._ground.clock.now())
        pulling.close_metadata(node)

    def _pack_images(self, kit: Kit) -> Sequence[Path]:
        packed, newest = [], self._ground.find_kit(self._cluster.version)
        for program, name in addons.list_images(kit, self._cluster):
            target = self._ground.state / "images" / f"{kit.build}-{program.name}.tar"
            if not target.exists():
                # A node may be older than what its cluster was given since.
                source = program if program.exists() else newest.folder / program.name
                images.pack(source, name, target)
            packed.append(target)
        return packed

    def _clear(self, name: str, folder: Path) -> None:
        """End what runs on a node and remove a folder with what is mounted in it."""
        control_groups.kill(self._name_group(name))
        mounts = engine.KernelMounts()
        for place in mounts.list_below(folder):
            mounts.unmount(place)
        core.remove_tree(folder)
        for kept in (self._paths.pki, self._paths.logs):
            for path in kept.glob(f"*-{name}.*"):
                path.unlink(missing_ok=True)

    def _name_group(self, name: str) -> str:
        return f"{self._ground.name_group(self._cluster.uid)}/{name}"

    def _name_member(self, place: int) -> str:
        return f"{self._cluster.uid}.{place}"


def name_surge(plan: NodePlan, index: int = 0) -> str:
    """Return the name of one of the nodes that a pool has more while its nodes are replaced."""
    tens, ones = divmod(len(_DIGITS) ** 2 - 1 - index, len(_DIGITS))
    return f"{_find_set(plan.name)}{_SURGE}{_DIGITS[tens]}{_DIGITS[ones]}"


def is_surge(name: str) -> bool:
    """Tell whether a node is one of those."""
    return name[-_NUMBER:].startswith(_SURGE)


def _find_set(name: str) -> str:
    """Return how all names of the pool's nodes begin."""
    return name[:-_NUMBER]


def _is_of(name: str, plan: NodePlan) -> bool:
    return _find_set(name) == _find_set(plan.name)


def _list_stand_ins(
    notes: Collection[str], pools: Mapping[str, Sequence[NodePlan]], blocked: Collection[str]
) -> set[str]:
    """Return the nodes more that stay: for those to come, or for those that cannot be emptied."""
    found: set[str] = set()
    for pool, plans in pools.items():
        due = any(plan.name not in blocked for plan in plans)
        count = MAX_SURGES if due else sum(plan.rollout.quarantine for plan in plans)
        names = {name_surge(plans[0], index) for index in range(count)}
        found |= {name for name in notes if _find_set(name) == pool and name in names}
    return found
