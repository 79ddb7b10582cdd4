"""What can go wrong with clusters.

* KubeError
  * ArchiveRefused: it cannot be written, or is not one to be put back
  * ClusterStarting: on its way; ask again
  * ServiceRefused: it asks for what a load balancer cannot give
  * StepFailed: the machine does not let us make something
    * DrainFailed: pods do not leave a node
    * NodesBlocked: nodes are not replaced for that
  * UpgradeFailed: the cluster is as it was before
  * VersionMissing: the programs of this version are not here
"""

from collections.abc import Collection

from silo import core


class KubeError(core.SiloError):
    """A cluster is not as it is to be."""


class ClusterStarting(KubeError):
    """The cluster is on its way; ask again."""


class ArchiveRefused(KubeError):
    """An archive of a cluster cannot be written, or is not one to be put back."""


class ServiceRefused(KubeError):
    """A service asks for what a load balancer here cannot give."""


class StepFailed(KubeError):
    """The machine does not let us make what a cluster needs."""


class DrainFailed(StepFailed):
    """Pods do not leave a node in time, or may not."""


class NodesBlocked(StepFailed):
    """Pods do not leave some of the nodes that were to be replaced; all others are."""

    def __init__(self, nodes: Collection[str], why: str) -> None:
        names = sorted(nodes)
        super().__init__(f"Nodes that were not replaced: {', '.join(names)}. {why}")
        self.nodes = frozenset(nodes)


class UpgradeFailed(KubeError):
    """The control plane of another version does not come up; the one before is to come back."""


class VersionMissing(KubeError):
    """The programs of this version are not here."""
