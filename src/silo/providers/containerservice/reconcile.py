"""How a stored cluster becomes a running one, in the control process."""

from collections.abc import Sequence
from dataclasses import dataclass

from silo import arm, core, kube

from . import errors
from .node_group import NodeGroups
from .properties import ManagedCluster
from .surroundings import Surroundings
from .wish import plan_cluster
from .writing import FULL_TYPE

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
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            raise errors.ClusterFailed(str(error)) from error

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

    async def list_plans(self) -> Sequence[kube.ClusterPlan]:
        """Return every cluster that is to be, to be taken up after a start."""

        def read(conn: core.Connection) -> list[kube.ClusterPlan]:
            every = self.around.resources.list(conn, arm.parse_resource_id("/"), FULL_TYPE)
            return [plan_cluster(one) for one in every if not one.deleting]

        return await self.around.resources.store.read(read)

    def _require_clusters(self) -> kube.Clusters:
        reason = self.around.unavailable()
        if reason or self.around.clusters is None:
            raise errors.KubernetesUnavailable(reason or "this process runs none.")
        return self.around.clusters()
