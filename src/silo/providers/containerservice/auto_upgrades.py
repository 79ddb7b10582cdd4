"""Clusters that are upgraded by themselves: which version, which image, and when.

What is written is a wish of Silo's own, in the activity log as such; how nodes are replaced is
their pools' ``upgradeSettings``, as for anybody's upgrade.

Source: https://learn.microsoft.com/azure/aks/auto-upgrade-cluster, auto-upgrade-node-os-image.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from silo import arm, audit, core, kube

from .maintenance import FULL_TYPE as MAINTENANCE
from .maintenance import GENERAL, NODES, VERSIONS, MaintenanceConfiguration
from .properties import ManagedCluster
from .surroundings import Surroundings
from .versions import count_version, list_upgrades
from .windows import is_open
from .wish import read_cluster, read_wish
from .writing import FULL_TYPE, Writing

log = structlog.get_logger()

_LOOK_S = 10.0
_NODE_IMAGE = "node-image"
_TARGETS = ("patch", "stable", "rapid")


@dataclass(frozen=True, slots=True)
class Step:
    """What a cluster is brought to next."""

    version: str
    pools: Mapping[str, tuple[str, str]]
    """Version and image of those that change."""
    reason: str


class AutoUpgrader:
    """Looks at every cluster that has a channel, in the control process."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._resources = around.resources
        self._failed: dict[str, int] = {}
        """Clusters that could not be looked at, and the generation that the log has of each."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> None:
        """Begin whatever is due."""
        try:
            idle = await self._resources.store.read(self._list_idle)
            uids = {one.uid for one in idle}
            self._failed = {uid: seen for uid, seen in self._failed.items() if uid in uids}
            for resource in idle:
                await self._look_at(resource)
        except core.StoreUnavailable as error:
            log.warning("clusters are not upgraded", why=str(error))
        except Exception:
            # The process tends everybody's containers: it does not end for upgrades.
            log.exception("clusters are not upgraded")

    def _list_idle(self, conn: core.Connection) -> Sequence[arm.Resource]:
        """Return clusters that are well; one that failed waits for somebody to see why.

        What is in their documents is not read here: one that cannot be read is nobody else's.
        """
        if self._around.unavailable():
            return []
        every = self._resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
        return [
            one for one in every if not one.deleting and one.is_settled and one.state == "Succeeded"
        ]

    async def _look_at(self, resource: arm.Resource) -> None:
        try:
            await self._advance(resource)
        except core.StoreUnavailable:
            raise
        except Exception:
            # A document as another version stored it, or a bug of ours: others go on.
            if self._failed.get(resource.uid) != resource.generation:
                self._failed[resource.uid] = resource.generation
                log.exception("cluster is not upgraded", resource=resource.id.text)

    async def _advance(self, resource: arm.Resource) -> None:
        cluster, kits = read_cluster(resource), self._around.kits
        if (
            not read_wish(resource).running
            or plan_step(cluster, kits, versions=True, images=True) is None
        ):
            return
        store, now = self._resources.store, self._resources.clock.now()
        configurations = await store.read(
            lambda conn: self._resources.list_children(conn, resource.id, MAINTENANCE)
        )
        # How long a schedule has been going on is its author's choice: nobody else waits.
        versions = await asyncio.to_thread(may_begin, VERSIONS, configurations, now)
        images = await asyncio.to_thread(may_begin, NODES, configurations, now)
        step = plan_step(cluster, kits, versions=versions, images=images)
        if step is not None:
            await store.write(lambda conn: self._take(conn, resource, step))

    def _take(self, conn: core.Connection, seen: arm.Resource, step: Step) -> None:
        """Write the wish and who has it, unless the cluster is another one by now."""
        current = self._resources.find_by_uid(conn, seen.uid)
        if current is None or current.deleting or current.generation != seen.generation:
            return
        now = self._resources.clock.now()
        stamp = replace(arm.make_stamp(now), correlation_id=str(uuid.uuid4()))
        written = Writing(self._around).renew(current, step.version, step.pools)
        self._resources.put(
            conn, replace(written, generation=current.generation + 1, changed=stamp)
        )
        record = audit.Record(
            time=now,
            category="Administrative",
            operation=f"{FULL_TYPE}/write",
            scope=current.id.text,
            result="Started",
            caller=stamp.by,
            correlation_id=stamp.correlation_id,
            properties={"reason": step.reason, "kubernetesVersion": step.version},
        )
        audit.append(conn, record)
        log.info("cluster is upgraded", resource=seen.id.text, step=str(step))


def plan_step(
    cluster: ManagedCluster, kits: Mapping[str, kube.Kit], *, versions: bool, images: bool
) -> Step | None:
    """Return what the channels of a cluster ask for next, where each may begin; None is nothing."""
    profile, current = cluster.auto_upgrade_profile, cluster.kubernetes_version or ""
    if profile is None:
        return None
    channel = (profile.upgrade_channel or "none").lower()
    of_nodes = (profile.node_os_upgrade_channel or "none").lower()
    follows = versions and channel in _TARGETS
    version = choose_target(channel, current, kits) if follows else current
    renews = (versions and channel == _NODE_IMAGE) or (images and of_nodes == "nodeimage")
    pools: dict[str, tuple[str, str]] = {}
    for pool in cluster.agent_pool_profiles or ():
        had = (pool.orchestrator_version or "", pool.node_image_version or "")
        behind = follows and count_version(had[0]) < count_version(version)
        own = version if behind else had[0]
        wanted = (own, kits[own].image) if own in kits and (behind or renews) else had
        if wanted != had:
            pools[pool.name] = wanted
    if version == current and not pools:
        return None
    reason = f"auto-upgrade: upgradeChannel {channel}, nodeOSUpgradeChannel {of_nodes}"
    return Step(version, pools, reason)


def choose_target(channel: str, current: str, known: Iterable[str]) -> str:
    """Return the version that a channel brings a cluster to next, one minor at the most."""
    minors = sorted({count_version(one)[:2] for one in known}, reverse=True)
    now = count_version(current)[:2]
    bound = {"patch": now, "rapid": minors[0], "stable": minors[1] if minors[1:] else (0, 0)}
    for one in list_upgrades(current, known):
        if count_version(one)[:2] <= bound[channel]:
            return one
    return current


def may_begin(name: str, configurations: Sequence[arm.Resource], now: datetime) -> bool:
    """Tell whether a kind of upgrade may begin: by its own configuration, or the general one."""
    found = {one.id.name.casefold(): one for one in configurations}
    stored = found.get(name.casefold()) or found.get(GENERAL.casefold())
    if stored is None:
        return True
    configuration = MaintenanceConfiguration.model_validate(dict(stored.properties))
    return is_open(configuration, core.parse_time(stored.created.at).date(), now)
