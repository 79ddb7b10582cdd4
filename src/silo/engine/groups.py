"""Every group of this machine: made as planned, kept so, and taken away without a trace."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from silo import core

from . import tables
from .containers import Credentials
from .errors import EngineError, EngineUnavailable
from .machine import Machine
from .plans import GroupPlan
from .runner import GRACE_S, Runner

log = structlog.get_logger()

PATIENCE_S = 1.0
"""How long ``apply`` waits for a group to come up before it says that it is still starting; a newer
wish for the group waits as long at most."""
RETRY_S = 2.0


class GroupStarting(EngineError):
    """The group is on its way; ask again."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what opens the registries it names."""

    plan: GroupPlan
    credentials: Credentials


ListPlans = Callable[[], Awaitable[Sequence[Planned]]]


class Groups:
    """Tends groups while ``run`` runs; what it knows besides is on the machine or in the store."""

    def __init__(self, machine: Machine, store: core.Store, clock: core.Clock) -> None:
        self._machine = machine
        self._store = store
        self._clock = clock
        self._runners: dict[str, tuple[Runner, asyncio.Task[None]]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._ready = asyncio.Event()

    async def run(self, list_plans: ListPlans) -> None:
        """Take up the groups that are, sweep what is left of others, and tend them for ever."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self._take_up(list_plans)
            self._ready.set()
            await asyncio.Event().wait()

    async def apply(self, plan: GroupPlan, credentials: Credentials) -> None:
        """Make a group as planned; return once it runs, has run, or is stopped as wanted.

        Raises:
            GroupStarting: not yet. Any other SiloError: it does not come up, and why.

        """
        await self._wait_ready()
        held = self._runners.get(plan.uid)
        if held is None or not _is_same(held[0].plan, plan):
            await self._drop(plan.uid)
            runner = self._begin(Planned(plan, credentials))
        else:
            runner = held[0]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await runner.settled.wait()
        except TimeoutError:
            raise GroupStarting("The group is still starting.") from None
        if runner.failure is not None:
            raise runner.failure

    async def delete(self, uid: str) -> None:
        """Take a group off the machine, with everything that is its own; repeatable."""
        await self._wait_ready()
        await self._drop(uid)
        found = await self._machine.list_containers(uid)
        async with asyncio.TaskGroup() as group:
            for one in found:
                group.create_task(self._end(uid, one.name))
        await self._machine.forget(uid)
        await self._store.write(lambda conn: tables.delete_seen(conn, uid))

    async def sweep(self, keep: Sequence[str]) -> None:
        """Take away containers, networks and volumes of groups that are not to be."""
        wanted = frozenset(keep)
        for found in await self._machine.list_containers():
            if found.group not in wanted:
                log.warning("container of no group", container=found.id, group=found.group)
                await self._end(found.group, found.name)
        await self._machine.sweep(wanted)

        def forget(conn: core.Connection) -> None:
            for uid in set(tables.list_uids(conn)) - wanted:
                tables.delete_seen(conn, uid)

        await self._store.write(forget)

    async def _take_up(self, list_plans: ListPlans) -> None:
        while True:
            try:
                planned = await list_plans()
                await self.sweep([one.plan.uid for one in planned])
                break
            except (core.SiloError, OSError) as error:
                # Something of a group that is no more does not go yet, or containerd is away.
                log.warning("groups cannot be taken up yet", why=str(error))
            await asyncio.sleep(RETRY_S)
        for one in planned:
            self._begin(one)

    async def _wait_ready(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._ready.wait()
        except TimeoutError:
            raise GroupStarting("The engine is still starting.") from None

    def _begin(self, planned: Planned) -> Runner:
        if self._tasks is None:
            raise EngineUnavailable("The engine does not run.")
        runner = Runner(planned.plan, planned.credentials, self._machine, self._store, self._clock)
        self._runners[planned.plan.uid] = runner, self._tasks.create_task(runner.run())
        return runner

    async def _drop(self, uid: str) -> None:
        """Stop tending a group; its containers go on."""
        held = self._runners.pop(uid, None)
        if held is not None:
            held[1].cancel()
            await asyncio.wait([held[1]])

    async def _end(self, uid: str, name: str) -> None:
        await self._machine.stop(uid, name, GRACE_S)
        await self._machine.discard(uid, name)


def _is_same(held: GroupPlan, plan: GroupPlan) -> bool:
    return (held.generation, held.wanted) == (plan.generation, plan.wanted)
