"""What is kept of a cluster beside what the client said, and the plan that follows from both."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from silo import arm, kube

from .entra import plan_sign_in
from .properties import AgentPool, ManagedCluster
from .sizes import find_size

HIDDEN = "silo"
_ENFORCED = ("azure", "calico")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the server chose when the cluster was made, and what was done with it since."""

    version: str
    fqdn: str
    public_address: str
    node_group: str = ""
    """The uid of the nodes' resource group."""
    running: bool = True
    """Whether it was started, or stopped, last."""
    rotation: int = 0
    """How often its certificates were rotated."""

    def store(self) -> dict[str, Any]:
        """Return it as it is kept in the document."""
        return asdict(self)


def read_wish(resource: arm.Resource) -> Wish:
    """Return what is kept beside a stored cluster."""
    kept: Mapping[str, Any] = resource.properties[HIDDEN]
    return Wish(**kept)


def store_wish(resource: arm.Resource, wish: Wish) -> arm.Resource:
    """Return a cluster with another wish beside what the client said."""
    return resource.with_properties(**{HIDDEN: wish.store()})


def read_cluster(resource: arm.Resource) -> ManagedCluster:
    """Return a stored cluster as it was asked for, the server's choices filled in."""
    return ManagedCluster.model_validate(dict(resource.properties))


def plan_cluster(resource: arm.Resource) -> kube.ClusterPlan:
    """Return what the machine is to make of a stored cluster."""
    wish, cluster = read_wish(resource), read_cluster(resource)
    number = int(hashlib.sha256(resource.uid.encode()).hexdigest(), 16) % 90_000_000 + 10_000_000
    profile = cluster.network_profile
    places = iter(range(kube.FIRST_NODE_PLACE, 1000))
    nodes = [
        _plan_node(pool, number, index, next(places))
        for pool in cluster.agent_pool_profiles or ()
        for index in range(pool.count or 0)
    ]
    return kube.ClusterPlan(
        uid=resource.uid,
        version=wish.version,
        fqdn=wish.fqdn,
        public_address=wish.public_address,
        nodes=tuple(nodes),
        policies=(profile.network_policy if profile else None) in _ENFORCED,
        running=wish.running,
        rotation=wish.rotation,
        sign_in=plan_sign_in(cluster.aad_profile),
        local_accounts=not cluster.disable_local_accounts,
        was_up=resource.settled_generation > 0 and resource.outcome.state == "Succeeded",
    )


def _plan_node(pool: AgentPool, number: int, index: int, place: int) -> kube.NodePlan:
    found = find_size(pool.vm_size or "")
    if found is None:
        raise LookupError(pool.vm_size)
    name, size = found
    labels = {
        "agentpool": pool.name,
        "kubernetes.azure.com/agentpool": pool.name,
        "kubernetes.azure.com/mode": (pool.mode or "System").lower(),
        "node.kubernetes.io/instance-type": name,
    }
    return kube.NodePlan(
        f"aks-{pool.name}-{number}-vmss{_count(index)}",
        place,
        size,
        tuple(sorted(labels.items())),
        pool.max_pods or kube.MAX_PODS,
    )


def _count(index: int) -> str:
    """Return the number of a machine in a scale set, as Azure writes it: six digits of base 36."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while index:
        index, rest = divmod(index, len(digits))
        text = digits[rest] + text
    return text.rjust(6, "0")
