"""How a stored cluster becomes a running one, in the control process."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from silo import arm, core, kube

from . import errors
from .node_group import NodeGroups
from .properties import ManagedCluster
from .surroundings import Surroundings
from .wish import go_back, list_versions, plan_cluster, read_wish, store_wish
from .writing import FULL_TYPE

log = structlog.get_logger()

_LOOK_S = 0.05
"""A cluster that starts holds the question for a second by itself."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """The effects of a wish, through the room that runs clusters."""

    around: Surroundings

    async def reconcile(self, resource: arm.Resource, _wanted: ManagedCluster) -> None:
        """Have the cluster be as it is wanted now."""
        clusters = self._require_clusters()
        try:
            await clusters.apply(plan_cluster(resource))
        except kube.ClusterStarting as error:
            raise arm.NotYet(str(error), retry_after_s=_LOOK_S) from error
        except kube.UpgradeFailed as error:
            before = await self._change(resource, go_back)
            # It runs as before already, or will; what is wrong with that is not asked for here.
            with contextlib.suppress(core.SiloError):
                await clusters.apply(plan_cluster(before))
            raise errors.ClusterFailed(str(error)) from error
        except core.StoreUnavailable:
            raise
        except (kube.DrainFailed, kube.NodesBlocked) as error:
            raise errors.PodDrainFailure(str(error)) from error
        except core.SiloError as error:
            raise errors.ClusterFailed(str(error)) from error
        if read_wish(resource).halted:
            await self._leave(resource)
        if read_wish(resource).running:
            images = kube.list_images(self.around.locate(resource.uid))
            await self._change(resource, lambda current: _note_reached(current, images))

    async def _leave(self, resource: arm.Resource) -> None:
        """Say that what was begun is left; a control plane not brought to its version stays so."""
        version = kube.find_version(self.around.locate(resource.uid))
        if version and version != read_wish(resource).version:
            await self._change(resource, go_back)
        raise arm.OperationCanceled

    async def remove(self, resource: arm.Resource) -> None:
        """Take the cluster off the machine, and its resource group away."""
        await self._remove_from_machine(resource)
        store, groups = self.around.resources.store, NodeGroups(self.around.resources)
        if await store.write(lambda conn: groups.begin_removal(conn, resource)):
            raise arm.NotYet("the nodes' resource group must go first", retry_after_s=_LOOK_S)

    async def _remove_from_machine(self, resource: arm.Resource) -> None:
        if self.around.clusters is None:
            # Nothing of it can be here that would have to go.
            return
        try:
            # Also while clusters are switched off: what it stored goes with it.
            await self.around.clusters().delete(resource.uid)
        except kube.ClusterStarting as error:
            raise arm.NotYet(str(error)) from error

    async def list_plans(self) -> Mapping[str, kube.ClusterPlan | None]:
        """Return every cluster that is to be, by its uid, to be taken up after a start.

        One that cannot be planned has no plan: others go on, and what it stored is kept. What is
        said of it, of one whose stored data are gone, or that failed before, is found out anew.
        """
        resources = self.around.resources

        def read(conn: core.Connection) -> Mapping[str, kube.ClusterPlan | None]:
            every = resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
            found = {one.uid: _try_plan(one) for one in every if not one.deleting}
            for one in every:
                if one.deleting or not one.is_settled:
                    continue
                if found[one.uid] is None or one.state == "Failed" or self._is_lost(one):
                    stamp = arm.make_stamp(resources.clock.now())
                    asked = replace(one, generation=one.generation + 1, changed=stamp)
                    resources.put(conn, asked)
            return found

        return await resources.store.write(read)

    def _is_lost(self, resource: arm.Resource) -> bool:
        etcd = self.around.locate(resource.uid).etcd
        return bool(read_wish(resource).reached) and not etcd.exists()

    async def _change(
        self, resource: arm.Resource, change: Callable[[arm.Resource], arm.Resource]
    ) -> arm.Resource:
        """Store what came of a wish, unless there is a newer one; return what it says then."""
        resources = self.around.resources

        def write(conn: core.Connection) -> None:
            current = resources.find_by_uid(conn, resource.uid)
            if current is not None and current.generation == resource.generation:
                changed = change(current)
                if changed != current:
                    resources.put(conn, changed)

        await resources.store.write(write)
        return change(resource)

    def _require_clusters(self) -> kube.Clusters:
        reason = self.around.unavailable()
        if reason or self.around.clusters is None:
            raise errors.KubernetesUnavailable(reason or "this process runs none.")
        return self.around.clusters()


def _try_plan(resource: arm.Resource) -> kube.ClusterPlan | None:
    try:
        return plan_cluster(resource)
    except Exception:
        # As another version of ours stored it, or a bug of ours.
        log.exception("cluster cannot be planned", resource=resource.id.text)
        return None


def _note_reached(resource: arm.Resource, images: Mapping[str, str]) -> arm.Resource:
    """Return a cluster that knows what came up: of each pool the image that its nodes are from."""
    pools, found = [], dict[str, str]()
    by_pool: dict[str, set[str]] = {}
    for node in plan_cluster(resource).nodes:
        by_pool.setdefault(node.pool, set()).add(images.get(node.name, node.image))
    for pool in resource.properties["agentPoolProfiles"]:
        wanted = pool.get("nodeImageVersion") or ""
        image = min(by_pool.get(pool["name"]) or {wanted})
        found[pool["name"]] = image
        pools.append({**pool, "nodeImageVersion": image} if image else pool)
    wish = replace(read_wish(resource), reached=list_versions(resource), images=found)
    return store_wish(resource, wish).with_properties(agentPoolProfiles=pools)
