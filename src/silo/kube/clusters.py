"""Every cluster of this machine: brought up as planned, kept so, and taken away without a trace."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from silo import core

from .api import Api
from .autoscaling import Snapshot
from .errors import ClusterStarting
from .ground import Ground
from .plans import ClusterPlan
from .runner import Runner, end_programs, remove_cluster

log = structlog.get_logger()

PATIENCE_S = 1.0
"""How long ``apply`` waits before it says that the cluster is still on its way."""
RETRY_S = 2.0

ListPlans = Callable[[], Awaitable[Mapping[str, ClusterPlan | None]]]
"""Every cluster that is to be; one without a plan is not begun, nor removed."""


@dataclass(slots=True)
class _Held:
    runner: Runner
    task: asyncio.Task[None]


class Clusters:
    """Tends clusters while ``run`` runs; what it knows besides is on the machine."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._held: dict[str, _Held] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._ready = asyncio.Event()

    async def run(self, list_plans: ListPlans, *, wanted: bool = True) -> None:
        """Take up the clusters that are to be, remove what is left of others; tend for ever.

        Where no clusters are wanted those that run end; what they have stored stays.
        """
        if not wanted:
            await self.end_all()
            self._ready.set()
            await asyncio.Event().wait()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            while True:
                try:
                    plans = await list_plans()
                    break
                except core.StoreUnavailable as error:
                    log.warning("clusters cannot be listed yet", why=str(error))
                except Exception:
                    # A bug of ours. What is missing from the list is removed: until it is known
                    # nothing is touched.
                    log.exception("clusters cannot be listed")
                await asyncio.sleep(RETRY_S)
            for uid in self._ground.list_left(plans.keys()):
                log.warning("cluster that is no more", cluster=uid)
                try:
                    await remove_cluster(self._ground, uid)
                except Exception:
                    # NetlinkError is nothing more special; and container groups are tended by the
                    # same process, which a cluster that does not go must not end.
                    log.exception("it does not go", cluster=uid)
            for plan in plans.values():
                if plan is not None:
                    self._begin(plan)
            self._ready.set()
            await asyncio.Event().wait()

    async def apply(self, plan: ClusterPlan) -> None:
        """Make a cluster as planned; return once all its nodes are ready.

        Raises:
            ClusterStarting: not yet. Any other SiloError: it does not come up, and why.

        """
        await self._wait_ready()
        held = self._held.get(plan.uid)
        if held is not None and (held.runner.plan != plan or held.runner.told):
            if replace(held.runner.plan, nodes=plan.nodes) == plan:
                held.runner.change(plan)
            else:
                await self._drop(plan.uid)
                held = None
        held = held or self._begin(plan)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await held.runner.settled.wait()
        except TimeoutError:
            raise ClusterStarting(held.runner.doing) from None
        held.runner.tell()

    async def observe(self, uid: str) -> Snapshot:
        """Return what a cluster's API says of its nodes and pods.

        Raises:
            ClusterStarting: it does not run. StepFailed: nobody answers.

        """
        held = self._held.get(uid)
        if held is None or not held.runner.settled.is_set():
            raise ClusterStarting("The cluster is on its way.")
        api = Api(held.runner.plan, self._ground.locate(uid))
        try:
            nodes, _ = await api.list("/api/v1/nodes")
            pods, _ = await api.list("/api/v1/pods")
            budgets, _ = await api.list("/apis/policy/v1/poddisruptionbudgets")
        finally:
            await api.close()
        return Snapshot(nodes, pods, budgets)

    async def delete(self, uid: str) -> None:
        """Take a cluster off the machine with everything that is its own; repeatable."""
        await self._wait_ready()
        await self._drop(uid)
        await remove_cluster(self._ground, uid)

    async def end_all(self) -> None:
        """End the programs of every cluster here; what they have stored stays.

        For when nobody runs ``run``.
        """
        for uid in self._ground.list_left(()):
            paths = self._ground.locate(uid)
            try:
                await asyncio.to_thread(end_programs, self._ground.name_group(uid), paths)
            except (core.SiloError, OSError) as error:
                log.warning("cluster does not end", cluster=uid, why=str(error))

    async def _wait_ready(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._ready.wait()
        except TimeoutError:
            raise ClusterStarting("The machine is still starting.") from None

    def _begin(self, plan: ClusterPlan) -> _Held:
        if self._tasks is None:
            raise ClusterStarting("The machine does not run clusters yet.")
        runner = Runner(plan, self._ground)
        held = self._held[plan.uid] = _Held(runner, self._tasks.create_task(runner.run()))
        return held

    async def _drop(self, uid: str) -> None:
        """Stop tending a cluster; its programs go on."""
        held = self._held.pop(uid, None)
        if held is not None:
            held.task.cancel()
            await asyncio.wait([held.task])
            await asyncio.to_thread(held.runner.close)
