"""One cluster on its way up, step by step, and afterwards: what ends is started again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from silo import core, engine

from . import (
    addons,
    app_routing,
    authentication,
    control_groups,
    control_plane,
    following,
    pod_identity,
    rotation,
    safeguards,
    upgrading,
)
from .api import Api
from .binaries import Kit
from .disks import Disks
from .errors import DrainFailed, NodesBlocked, StepFailed, UpgradeFailed
from .fleet import Fleet
from .ground import Ground
from .paths import ClusterPaths
from .plans import API_PORT, NODE_SPACE, ClusterPlan
from .processes import Keeper, Process
from .shares import ShareVolumes
from .side_door import SideDoor
from .sources import render_rules
from .storage_classes import DISKS, SHARES
from .storing import Maker, Storing
from .tending import Tending
from .traffic import Traffic
from .waiting import wait_until

log = structlog.get_logger()

TRIES = 3
"""How often a cluster is begun before it is called failed."""
_PAUSE_S = 2.0


class Runner:
    """Makes a plan true, and the next one in its place, and keeps it so."""

    def __init__(self, plan: ClusterPlan, ground: Ground) -> None:
        self.plan = plan
        self.settled = asyncio.Event()
        """Set once the cluster is as planned, or is given up."""
        self.failure: core.SiloError | None = None
        self.doing = "The cluster is waiting for its turn."
        self.tending = Tending(plan.uid, _open_keeper(ground.locate(plan.uid)))
        self._ground = ground
        self._paths = ground.locate(plan.uid)
        self._group = ground.name_group(plan.uid)
        self._blocked: NodesBlocked | None = None
        """What the last upgrade ended with; nothing is replaced before somebody asks again."""
        self.told = False
        """Whether they who asked for it know."""
        self._changed = asyncio.Event()
        self._answers = asyncio.Event()
        """Set while the API server answers, as far as is known."""

    def close(self) -> None:
        """Change nothing on the machine any more; returns once nothing is being changed."""
        self.tending.close()

    def tell(self) -> None:
        """Say how it went; what failed is told once where it is being tried again.

        Raises:
            SiloError: it does not come up, and why.

        """
        if isinstance(self.failure, UpgradeFailed):
            raise self.failure
        if self.failure is not None:
            failure, self.failure = self.failure, None
            self.settled.clear()
            raise failure
        if self._blocked is not None:
            self.told = True
            raise self._blocked

    def change(self, plan: ClusterPlan) -> None:
        """Follow another plan from now on; what runs and is in both of them is not touched."""
        self.plan, self.failure = plan, None
        self._blocked, self.told = None, False
        self.doing = "The cluster is being changed."
        self.settled.clear()
        self._changed.set()

    async def run(self) -> None:
        """Bring the cluster up and tend it for ever."""
        failures = 0
        while True:
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.tending.run())
                    while True:
                        await self._follow()
                        failures = 0
            except* Exception as problems:  # noqa: BLE001 - told below
                # The edge of the loop: the machine says no, or a bug of ours; others go on.
                failures = 1 if self.settled.is_set() else failures + 1
                problem = _find_first(problems)
                log.warning("cluster does not come up", cluster=self.plan.uid, why=str(problem))
                if isinstance(problem, NodesBlocked):
                    self._blocked = problem
                elif failures >= TRIES or isinstance(problem, (DrainFailed, UpgradeFailed)):
                    self.failure = problem
                    self.settled.set()
                if isinstance(problem, UpgradeFailed):
                    # Once is enough: whoever asked for it decides what comes next.
                    await self._changed.wait()
            await asyncio.sleep(_PAUSE_S)

    async def _follow(self) -> None:
        """Make the plan true and keep it so until there is another.

        What is given up in the middle is taken up by the next: every step can be done twice.
        """
        self._changed.clear()
        self._answers.clear()
        traffic = Traffic(self.plan, self._ground)
        async with asyncio.TaskGroup() as tasks:
            guard = tasks.create_task(traffic.tend(self._answers))
            give = tasks.create_task(
                following.follow(self.plan, self._paths, self._answers, self._open_storing().run)
            )
            door = tasks.create_task(self._open_door(self.plan))
            work = tasks.create_task(self._bring_up(self.plan, traffic))
            change = tasks.create_task(self._changed.wait())
            await asyncio.wait((work, change), return_when=asyncio.FIRST_COMPLETED)
            if not change.done() and work.exception() is None:
                self.failure = None
                self.settled.set()
            await change
            guard.cancel()
            give.cancel()
            door.cancel()
            work.cancel()

    async def _bring_up(self, plan: ClusterPlan, traffic: Traffic) -> None:
        """Take every step; those that are taken already take no time."""
        if plan.halted:
            version = await self.tending.do(upgrading.find_version, self._paths)
            if not version:
                await self.tending.do(end_programs, self._group, self._paths)
                return
            await upgrading.undo(self._paths, plan.version, self.tending)
            plan = replace(plan, version=version)
        if not plan.running or rotation.is_due(self._paths, plan.rotation):
            self._say("The cluster is stopping.")
            await self.tending.do(end_programs, self._group, self._paths)
        if not plan.running:
            return
        kit = self._ground.find_kit(plan.version)
        async with upgrading.guard(self._paths, plan.version, self.tending):
            control = await self._start_control_plane(plan, kit)
            self._say("The API server is starting.")
            await self._wait_for_answers(plan)
        api = Api(plan, self._paths)
        try:
            self._answers.set()
            for process in control[2:]:
                await self.tending.ensure(process)
            # Before what waits for nodes, which may never come: rights that were taken away end.
            await addons.ensure(api, authentication.list_objects(plan.sign_in))
            await addons.ensure(api, safeguards.list_objects(plan))
            await addons.ensure(api, pod_identity.list_objects(plan, self._ground.directory))
            await wait_until(
                lambda: rotation.is_told(api, self._paths), "pods do not hear of the authority"
            )
            fleet = Fleet(plan, self._ground, self.tending, api, traffic)
            if plan.halted:
                await fleet.hold(self._say)
            else:
                await fleet.follow(self._say, self._blocked.nodes if self._blocked else ())
            await safeguards.encrypt_anew(api, self._paths)
            await addons.ensure(api, addons.list_objects(plan, self._paths))
            await app_routing.clear(api, plan.ingress)
        finally:
            await api.close()

    def _open_storing(self) -> Storing:
        makers: dict[str, Maker] = {DISKS: Disks(self._paths, self.tending)}
        if self._ground.shares is not None:
            makers[SHARES] = ShareVolumes(self.plan.uid, self._ground.shares)
        return Storing(self._paths, self._ground.clock, self.tending, makers)

    async def _wait_for_answers(self, plan: ClusterPlan) -> None:
        api = Api(plan, self._paths)
        try:
            await wait_until(api.is_ready, "the API server does not get ready")
        finally:
            await api.close()

    async def _open_door(self, plan: ClusterPlan) -> None:
        if plan.is_guarded:
            networks, path = self._ground.networks, self._paths.door
            await SideDoor(networks, plan.control, API_PORT, path).run()

    async def _start_control_plane(self, plan: ClusterPlan, kit: Kit) -> Sequence[Process]:
        networks = self._ground.networks
        await self.tending.do(control_plane.require_stored, plan, self._paths)
        at = await networks.attach(
            plan.control,
            engine.NetworkPlan(
                router=plan.router,
                address=plan.address,
                subnet=str(NODE_SPACE),
                public_address=plan.public_address,
                ports=(engine.Port("TCP", API_PORT),),
            ),
        )
        await networks.apply_rules(plan.router, render_rules(plan, str(networks.pools.host)))
        await self._ground.serve_names(plan.control)
        now, directory = self._ground.clock.now(), self._ground.directory
        await self.tending.do(rotation.ensure, self._paths, plan.rotation)
        await self.tending.do(control_plane.prepare, plan, self._paths, now, directory)
        processes = control_plane.list_processes(plan, kit, self._paths, at.netns_path, self._group)
        for process in processes[:2]:
            await self.tending.ensure(process)
        return processes

    def _say(self, what: str) -> None:
        self.doing = what


def _open_keeper(paths: ClusterPaths) -> Keeper:
    return Keeper(paths.processes, paths.logs)


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
    if ground.shares is not None:
        try:
            await ground.shares.clear(uid)
        except (core.SiloError, OSError) as error:
            # What is left goes with the account, some minutes later.
            log.warning("shares of a cluster stay", cluster=uid, why=str(error))
    for member in await ground.networks.list_members(uid):
        await ground.leave(member)
        await ground.networks.detach(member)
    await asyncio.to_thread(core.remove_tree, paths.run)
    await asyncio.to_thread(core.remove_tree, paths.state)


def end_programs(group: str, paths: ClusterPaths) -> None:
    """End everything that runs in a cluster; what it has stored stays."""
    control_groups.kill(group)
    mounts = engine.KernelMounts()
    for folder in (paths.run, paths.state):
        for place in mounts.list_below(folder):
            mounts.unmount(place)
