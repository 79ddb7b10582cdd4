"""What is kept of a cluster beside what the client said, and the plan that follows from both."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from ipaddress import IPv4Network
from typing import Any

from silo import arm, kube

from . import machines
from .entra import plan_sign_in
from .ingress_profile import read_controller
from .properties import AgentPool, ManagedCluster, NetworkProfile, UpgradeSettings
from .rollouts import plan_rollout
from .sizes import find_size
from .sources import read_sources

HIDDEN = "silo"
_PRIORITY = "kubernetes.azure.com/scalesetpriority"
_ENFORCED = ("azure", "calico")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the server chose when the cluster was made, and what was done with it since."""

    version: str
    fqdn: str
    public_address: str
    """Of a private cluster it is nothing."""
    node_group: str = ""
    """The uid of the nodes' resource group."""
    running: bool = True
    """Whether it was started, or stopped, last."""
    rotation: int = 0
    """How often its certificates were rotated."""
    machines: Mapping[str, Any] = field(default_factory=dict)
    """Which nodes its pools have (see ``machines.py``)."""
    reached: Mapping[str, str] = field(default_factory=dict)
    """The versions that came up last, by pool; the control plane's is under no name."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The node images that came up last, by pool."""
    history: Mapping[str, Any] = field(default_factory=dict)
    """By pool, the oldest first: version, image and until when it had them."""
    halted: bool = False
    """Whether what was being done was aborted, and nobody has written since."""
    private_fqdn: str = ""
    pod_security: str = kube.POD_SECURITY_LEVELS[0]
    """What the tag said when the cluster was written: tags change without being checked."""
    issuer: str = ""
    """The public issuer of its tokens, if it has one."""
    signing: int = 0
    """How often the key that they are signed with was rotated."""

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


def list_versions(resource: arm.Resource) -> dict[str, str]:
    """Return the versions that are wished, as ``Wish.reached`` has those that came up."""
    pools = read_cluster(resource).agent_pool_profiles or ()
    return {
        "": read_wish(resource).version,
        **{pool.name: pool.orchestrator_version or "" for pool in pools},
    }


def go_back(resource: arm.Resource) -> arm.Resource:
    """Return a cluster that wishes for the versions that came up last."""
    wish, properties = read_wish(resource), resource.properties
    version = wish.reached.get("", wish.version)
    pools = [
        {
            **pool,
            "orchestratorVersion": wish.reached.get(pool["name"], version),
            "nodeImageVersion": wish.images.get(pool["name"], pool.get("nodeImageVersion")),
        }
        for pool in properties["agentPoolProfiles"]
    ]
    return store_wish(resource, replace(wish, version=version)).with_properties(
        kubernetesVersion=version, agentPoolProfiles=pools
    )


def plan_cluster(resource: arm.Resource) -> kube.ClusterPlan:
    """Return what the machine is to make of a stored cluster."""
    wish, cluster = read_wish(resource), read_cluster(resource)
    network = cluster.network_profile or NetworkProfile()
    access = cluster.api_server_access_profile
    pools = cluster.agent_pool_profiles or ()
    memory = machines.settle(wish.machines, pools)
    nodes = [
        _plan_node(resource, pool, machine, place)
        for pool in pools
        for machine, place in machines.list_live(memory, pool.name)
    ]
    return kube.ClusterPlan(
        uid=resource.uid,
        version=wish.version,
        fqdn=wish.fqdn,
        public_address=wish.public_address,
        private_fqdn=wish.private_fqdn,
        nodes=tuple(nodes),
        pods=IPv4Network(network.pod_cidr) if network.pod_cidr else kube.SUBNET_PODS,
        services=IPv4Network(network.service_cidr or kube.SERVICE_SPACE),
        dns=network.dns_service_ip or "",
        networked=network.network_plugin != "none",
        ingress=read_controller(cluster.ingress_profile),
        policies=network.network_policy in _ENFORCED,
        api_sources=read_sources((access.authorized_ip_ranges if access else None) or ()),
        running=wish.running,
        rotation=wish.rotation,
        sign_in=plan_sign_in(cluster.aad_profile),
        pod_security=wish.pod_security,
        issuer=wish.issuer,
        signing=wish.signing,
        pod_identity=_has_pod_identity(cluster),
        local_accounts=not cluster.disable_local_accounts,
        halted=wish.halted,
        was_up=bool(wish.reached),
    )


def _has_pod_identity(cluster: ManagedCluster) -> bool:
    profile = cluster.security_profile
    return bool(profile and profile.workload_identity and profile.workload_identity.enabled)


def name_machine(resource: arm.Resource, pool: str, machine: int) -> str:
    """Return the name of a pool's node."""
    digest = hashlib.sha256(resource.uid.encode()).hexdigest()
    number = int(digest, 16) % 90_000_000 + 10_000_000
    return f"aks-{pool}-{number}-vmss{machines.write_number(machine)}"


def plan_sample(resource: arm.Resource, pool: AgentPool) -> kube.NodePlan:
    """Return what a node more of a pool would be."""
    live = machines.list_live(read_wish(resource).machines, pool.name)
    return _plan_node(resource, pool, max((each for each, _ in live), default=-1) + 1, 0)


def _plan_node(resource: arm.Resource, pool: AgentPool, machine: int, place: int) -> kube.NodePlan:
    found = find_size(pool.vm_size or "")
    if found is None:
        raise LookupError(pool.vm_size)
    name, size = found
    spot = pool.scale_set_priority == "Spot"
    labels = {
        **(pool.node_labels or {}),
        "agentpool": pool.name,
        "kubernetes.azure.com/agentpool": pool.name,
        "kubernetes.azure.com/mode": (pool.mode or "System").lower(),
        "node.kubernetes.io/instance-type": name,
        "topology.kubernetes.io/region": resource.location,
        **({_PRIORITY: "spot"} if spot else {}),
    }
    minutes = pool.upgrade_settings and pool.upgrade_settings.drain_timeout_in_minutes
    return kube.NodePlan(
        name_machine(resource, pool.name, machine),
        place,
        size,
        tuple(sorted(labels.items())),
        pool.max_pods or kube.MAX_PODS,
        taints=(*(pool.node_taints or ()), *((f"{_PRIORITY}=spot:NoSchedule",) if spot else ())),
        pool=pool.name,
        version=pool.orchestrator_version or "",
        image=pool.node_image_version or "",
        rollout=plan_rollout(pool.upgrade_settings or UpgradeSettings(), pool.count or 0),
        drain_s=minutes * 60.0 if minutes else kube.DRAIN_S,
    )
