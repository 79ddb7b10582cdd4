"""What writing and deleting a cluster does in the transaction that does it."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from silo import arm, core, engine, kube, workload

from . import errors, machines
from .audit_positions import forget_position
from .entra import settle_profile
from .network_profile import check_free
from .node_group import NodeGroups
from .pod_security import read_level
from .properties import AgentPool, ManagedCluster, NetworkProfile
from .sizes import GIB, choose_size, find_size, list_fitting
from .surroundings import Surroundings
from .token_issuer import settle_issuer
from .upgrades import choose_image, choose_pool_version, choose_version, remember
from .versions import count_version
from .wish import HIDDEN, Wish, read_cluster, read_wish

FULL_TYPE = "Microsoft.ContainerService/managedClusters"
_MODEL = ("orchestrator_version", "node_image_version")


@dataclass(frozen=True, slots=True)
class Writing:
    """The transaction's part of PUT, PATCH and DELETE."""

    around: Surroundings

    def write(
        self,
        conn: core.Connection,
        change: arm.Change[ManagedCluster],
        resource: arm.Resource,
    ) -> arm.Resource:
        """Choose what was left to the server; refuse what this machine has not."""
        reason = self.around.unavailable()
        if reason:
            raise errors.KubernetesUnavailable(reason)
        check_free(change.wanted.network_profile or NetworkProfile(), self.around.reserved)
        resource = workload.write_identities(conn, change, resource)
        before = read_wish(change.current) if change.current is not None else None
        if before is not None and not before.running:
            raise errors.ClusterStopped
        pools_before = (
            read_cluster(change.current).agent_pool_profiles if change.current is not None else None
        )
        cluster = change.wanted
        version = choose_version(
            resource.id.name,
            cluster.kubernetes_version or "",
            before.version if before else None,
            self.around.kits,
        )
        wish = (
            replace(before, version=version, halted=False)
            if before
            else self._found(conn, resource, cluster, version)
        )
        room = self._find_room(conn, resource)
        kept = {pool.name: pool for pool in pools_before or ()}
        given = {pool.name: pool for pool in cluster.agent_pool_profiles or ()}
        # A pool that the body does not name stays as it is.
        left = replace(room, memory_bytes=room.memory_bytes - _sum_memory(kept.values()))
        pools = [
            self._fill_pool(pool, resource, wish, kept.get(name), left)
            for name, pool in {**kept, **given}.items()
        ]
        wish = self._remember(wish, kept, pools)
        _check_rollback(cluster, kept, pools)
        _check_room(pools, kept.values(), room)
        address = f"{self.around.issuers}/{self.around.tenant}/{resource.uid}/"
        issuer, profiles = settle_issuer(cluster, change.current, wish, address)
        wish = replace(
            wish,
            issuer=issuer,
            machines=machines.settle(wish.machines, pools),
            pod_security=read_level(resource),
        )
        document = cluster.model_copy(
            update={
                "kubernetes_version": version,
                "agent_pool_profiles": tuple(pools),
                "aad_profile": settle_profile(cluster, change.current, self.around.tenant),
                **profiles,
            }
        ).model_dump(mode="json", by_alias=True, exclude_none=True)
        stored = resource.with_document(
            properties={**document, HIDDEN: wish.store()},
            sku={"name": "Base", "tier": "Free"},
        )
        return NodeGroups(self.around.resources).give(conn, change, stored)

    def renew(
        self, resource: arm.Resource, version: str, pools: Mapping[str, tuple[str, str]]
    ) -> arm.Resource:
        """Return a cluster of another version, and pools of others, as nobody but Silo asked."""
        before = {pool.name: pool for pool in read_cluster(resource).agent_pool_profiles or ()}
        after = [
            pool.model_copy(
                update=dict(zip(_MODEL, pools[pool.name], strict=True))
                if pool.name in pools
                else {}
            )
            for pool in before.values()
        ]
        wish = self._remember(replace(read_wish(resource), version=version), before, after)
        stored = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in after]
        return resource.with_properties(
            kubernetesVersion=version, agentPoolProfiles=stored, **{HIDDEN: wish.store()}
        )

    def resize(
        self, conn: core.Connection, resource: arm.Resource, pool: str, count: int
    ) -> arm.Resource:
        """Return a cluster with another number of nodes in a pool, as nobody but Silo asked.

        Raises:
            QuotaExceeded: this machine has no room for them.

        """
        wish, before = read_wish(resource), read_cluster(resource).agent_pool_profiles or ()
        pools = [
            one.model_copy(update={"count": count}) if one.name == pool else one for one in before
        ]
        _check_room(pools, before, self._find_room(conn, resource))
        wish = replace(wish, machines=machines.settle(wish.machines, pools))
        stored = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in pools]
        return resource.with_properties(agentPoolProfiles=stored, **{HIDDEN: wish.store()})

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Give back the address, the name and the identity."""
        engine.release_names(conn, resource.uid)
        forget_position(conn, resource.uid)
        self.around.release(conn, resource.uid)
        workload.delete_identities(conn, resource)

    def _found(
        self,
        conn: core.Connection,
        resource: arm.Resource,
        cluster: ManagedCluster,
        version: str,
    ) -> Wish:
        """Give a new cluster its address and its name."""
        prefix = str(cluster.dns_prefix).lower()
        digest = hashlib.sha256(resource.id.text.casefold().encode()).hexdigest()[:8]
        fqdn = f"{prefix}-{digest}.hcp.{resource.location}.azmk8s.{self.around.domain}"
        if not engine.claim_name(conn, fqdn, resource.uid):
            raise errors.DnsPrefixTaken(fqdn)
        access = cluster.api_server_access_profile
        if access and access.enable_private_cluster:
            zone = f"{uuid.UUID(resource.uid)}.privatelink.{resource.location}"
            own = f"{prefix}-{digest}.{zone}.azmk8s.{self.around.domain}"
            # Its names are known and lead nowhere, but within the cluster.
            engine.claim_name(conn, own, resource.uid)
            return Wish(version, fqdn, "", private_fqdn=own)
        address = self.around.lease_public(conn, resource.uid)
        engine.point_names(conn, resource.uid, address)
        return Wish(version, fqdn, address)

    def _remember(
        self, wish: Wish, before: Mapping[str, AgentPool], pools: Iterable[AgentPool]
    ) -> Wish:
        """Return a wish that knows what pools had which are to have something else."""
        now = self.around.resources.clock.now()
        for pool in pools:
            had = before.get(pool.name)
            model = (pool.orchestrator_version, pool.node_image_version)
            # What never came up is nothing to go back to.
            if had is None or pool.name not in wish.images:
                continue
            if model != (had.orchestrator_version, had.node_image_version):
                came_up = (wish.reached[pool.name], wish.images[pool.name])
                wish = replace(wish, history=remember(wish.history, pool.name, came_up, now))
        return wish

    def _find_room(self, conn: core.Connection, resource: arm.Resource) -> kube.Size:
        """Return what the nodes of other clusters leave: they share cores, but no memory."""
        machine = self.around.machine
        every = self.around.resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
        others = (read_cluster(one) for one in every if one.uid != resource.uid)
        promised = sum(_sum_memory(other.agent_pool_profiles or ()) for other in others)
        return kube.Size(machine.cores, max(0, machine.memory_bytes - promised))

    def _fill_pool(
        self,
        pool: AgentPool,
        resource: arm.Resource,
        wish: Wish,
        before: AgentPool | None,
        room: kube.Size,
    ) -> AgentPool:
        size_name = pool.vm_size or (before.vm_size if before else None) or choose_size(room)
        found = find_size(size_name)
        if found is None:
            fitting = ",".join(list_fitting(room))
            raise errors.SizeNotSupported(size_name, resource.location, fitting)
        name, size = found
        if before is None and pool.count and not _fits(size, room):
            raise errors.QuotaExceeded(name, room.cores, room.memory_bytes / GIB)
        had = before.orchestrator_version if before else None
        wanted = pool.orchestrator_version or ""
        kits, past = self.around.kits, wish.history.get(pool.name, ())
        recent = [version for version, *_ in past]
        own = choose_pool_version(resource.id.name, wanted, had, wish.version, kits, recent=recent)
        image = choose_image(
            pool.node_image_version or None,
            before.node_image_version if before else None,
            own,
            kits,
            new=own != had,
        )
        shown: dict[str, Any] = {
            "vm_size": name,
            "orchestrator_version": own,
            "node_image_version": image,
        }
        if before is not None and before.enable_auto_scaling and pool.enable_auto_scaling:
            # The number is the autoscaler's by now: a client sends back what it read before.
            count = max(before.count or 0, pool.min_count or 0)
            shown["count"] = min(count, pool.max_count or count)
        return pool.model_copy(update=shown)


def _check_rollback(
    cluster: ManagedCluster, before: Mapping[str, AgentPool], pools: Iterable[AgentPool]
) -> None:
    profile = cluster.auto_upgrade_profile
    channel = (profile.upgrade_channel if profile else None) or "none"
    for pool in pools:
        now = count_version(pool.orchestrator_version or "0")
        had = before.get(pool.name, pool).orchestrator_version or "0"
        if now < count_version(had) and channel.lower() != "none":
            raise errors.RollbackNotAllowed(pool.name, channel)


def _check_room(pools: Iterable[AgentPool], before: Iterable[AgentPool], room: kube.Size) -> None:
    """Refuse nodes that there is no memory for; those that are there have theirs already."""
    wanted = _sum_memory(pools)
    if wanted > max(room.memory_bytes, _sum_memory(before)):
        largest = max(pools, key=lambda pool: _sum_memory((pool,)))
        raise errors.QuotaExceeded(str(largest.vm_size), room.cores, room.memory_bytes / GIB)


def _sum_memory(pools: Iterable[AgentPool]) -> int:
    found = ((find_size(pool.vm_size or ""), pool.count or 0) for pool in pools)
    return sum(size[1].memory_bytes * count for size, count in found if size is not None)


def _fits(size: kube.Size, room: kube.Size) -> bool:
    return size.cores <= room.cores and size.memory_bytes <= room.memory_bytes
