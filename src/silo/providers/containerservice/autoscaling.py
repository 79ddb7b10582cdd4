"""Pools that grow and shrink by themselves: the loop that looks at clusters and writes counts.

What it writes is a wish like anybody's, of Silo's own; nodes come and go by the reconcile loop.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from silo import arm, core, kube

from . import errors, machines
from .autoscaler_profile import read_pace
from .surroundings import Surroundings
from .wish import HIDDEN, name_machine, plan_sample, read_cluster, read_wish
from .writing import FULL_TYPE, Writing

log = structlog.get_logger()

_LOOK_S = 1.0
_ODD_S = 60.0
"""Until a cluster is looked at again that could not be."""


class Autoscaler:
    """Looks at every cluster with such a pool, as often as its profile says."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._resources = around.resources
        self._histories: dict[str, kube.History] = {}
        self._next: dict[str, float] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Look once at every cluster that is due."""
        try:
            for resource in await self._resources.store.read(self._list_due):
                await self._look_at(resource)
        except core.StoreUnavailable as error:
            log.warning("pools cannot be scaled", why=str(error))

    def _list_due(self, conn: core.Connection) -> Sequence[arm.Resource]:
        if self._around.unavailable() or self._around.clusters is None:
            return []
        now = self._resources.clock.monotonic()
        every = self._resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
        uids = {one.uid for one in every}
        self._histories = {uid: each for uid, each in self._histories.items() if uid in uids}
        self._next = {uid: when for uid, when in self._next.items() if uid in uids}
        return [
            one
            for one in every
            if self._next.get(one.uid, now) <= now and not one.deleting and one.is_settled
        ]

    async def _look_at(self, resource: arm.Resource) -> None:
        if self._around.clusters is None:
            return
        now = self._resources.clock.monotonic()
        try:
            wish, pools = read_wish(resource), list_scalable(resource)
            if not pools or wish.halted or not wish.running:
                return
            pace = read_pace(read_cluster(resource).auto_scaler_profile)
            self._next[resource.uid] = now + pace.scan_s
            history = self._histories.setdefault(resource.uid, kube.History())
            seen = await self._around.clusters().observe(resource.uid)
            # How much there is to weigh is its tenant's choice: nobody else waits for it.
            step = await asyncio.to_thread(kube.decide, seen, pools, history, pace, now)
            if step is not None:
                await self._resources.store.write(lambda conn: self._take(conn, resource, step))
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            log.info("pool is not scaled", resource=resource.id.text, why=str(error))
        except Exception:
            # A document as another version stored it, an object as no API server should have let
            # it in, or a bug of ours: others go on.
            self._next[resource.uid] = now + _ODD_S
            log.exception("pool is not scaled", resource=resource.id.text)

    def _take(
        self, conn: core.Connection, seen: arm.Resource, step: kube.Grow | kube.Shrink
    ) -> None:
        """Write another count, unless the cluster is another one by now."""
        current = self._resources.find_by_uid(conn, seen.uid)
        if current is None or current.deleting or current.generation != seen.generation:
            return
        pool = next(one for one in list_scalable(current) if one.name == step.pool)
        if isinstance(step, kube.Grow):
            written = self._grow(conn, current, pool, step.by)
        else:
            left = _drop(current, step)
            count = pool.count - len(step.nodes)
            written = Writing(self._around).resize(conn, left, pool.name, count)
        stamp = arm.make_stamp(self._resources.clock.now())
        self._resources.put(
            conn, replace(written, generation=current.generation + 1, changed=stamp)
        )
        log.info("pool is scaled", resource=seen.id.text, step=str(step))

    def _grow(
        self, conn: core.Connection, current: arm.Resource, pool: kube.ScalablePool, by: int
    ) -> arm.Resource:
        """Add as many nodes as there is room for, one at least."""
        writing = Writing(self._around)
        for more in range(by, 1, -1):
            try:
                return writing.resize(conn, current, pool.name, pool.count + more)
            except errors.QuotaExceeded:
                continue
        return writing.resize(conn, current, pool.name, pool.count + 1)


def list_scalable(resource: arm.Resource) -> list[kube.ScalablePool]:
    """Return the pools of a cluster that grow and shrink by themselves."""
    return [
        kube.ScalablePool(
            pool.name,
            pool.count or 0,
            pool.min_count or 0,
            pool.max_count or 0,
            plan_sample(resource, pool),
        )
        for pool in read_cluster(resource).agent_pool_profiles or ()
        if pool.enable_auto_scaling
    ]


def _drop(resource: arm.Resource, step: kube.Shrink) -> arm.Resource:
    """Return a cluster that has forgotten these machines of a pool."""
    wish = read_wish(resource)
    numbers = {
        number
        for number, _ in machines.list_live(wish.machines, step.pool)
        if name_machine(resource, step.pool, number) in step.nodes
    }
    kept = replace(wish, machines=machines.drop(wish.machines, step.pool, numbers))
    return resource.with_properties(**{HIDDEN: kept.store()})
