"""Which clusters can be had here; everything else is refused by name. Pure.

Whatever Azure would follow and this location cannot is refused, also when it is not known: a wish
that is silently passed over would be a cluster that is not what its owner thinks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from silo import arm, kube

from . import errors
from .properties import AgentPool, ManagedCluster, NetworkProfile
from .wish import HIDDEN

_POOL_TYPE = "VirtualMachineScaleSets"
_EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})
_ANY = None
_READ_ONLY = frozenset(
    {
        "provisioningState",
        "powerState",
        "currentKubernetesVersion",
        "fqdn",
        "maxAgentPools",
        HIDDEN,
    }
)
"""What is shown and comes back with the whole cluster."""
_CLUSTER: Mapping[str, Sequence[Any] | None] = {
    "kubernetesVersion": _ANY,
    "dnsPrefix": _ANY,
    "agentPoolProfiles": _ANY,
    "networkProfile": _ANY,
    "enableRBAC": (True,),
    "nodeResourceGroup": _ANY,
    "identityProfile": _ANY,
    "servicePrincipalProfile": ({"clientId": "msi"},),
    "aadProfile": _ANY,
    "disableLocalAccounts": _ANY,
    "supportPlan": ("KubernetesOfficial",),
    "bootstrapProfile": ({"artifactSource": "Direct"},),
    "nodeProvisioningProfile": ({"mode": "Manual"},),
}
_POOL: Mapping[str, Sequence[Any] | None] = {
    "name": _ANY,
    "count": (1,),
    "vmSize": _ANY,
    "maxPods": _ANY,
    "orchestratorVersion": _ANY,
    "currentOrchestratorVersion": _ANY,
    "provisioningState": _ANY,
    "powerState": _ANY,
    "mode": ("System",),
    "osType": ("Linux",),
    "type": (_POOL_TYPE,),
    "scaleSetPriority": ("Regular",),
}
_AAD: Mapping[str, Sequence[Any] | None] = {
    "managed": (True,),
    "adminGroupObjectIDs": _ANY,
    "tenantID": _ANY,
}
_NETWORK: Mapping[str, Sequence[Any]] = {
    "networkPlugin": ("azure",),
    "networkPluginMode": ("overlay",),
    # Both are NetworkPolicy as Kubernetes has it; Cilium's own kinds would be passed over.
    "networkPolicy": ("none", "azure", "calico"),
    "networkDataplane": ("azure",),
    "podCidr": (str(kube.POD_SPACE),),
    "podCidrs": ([str(kube.POD_SPACE)],),
    "serviceCidr": (str(kube.SERVICE_SPACE),),
    "serviceCidrs": ([str(kube.SERVICE_SPACE)],),
    "dnsServiceIP": (str(kube.SERVICE_SPACE[10]),),
    "loadBalancerSku": ("standard",),
    "outboundType": ("loadBalancer",),
    "ipFamilies": (["IPv4"],),
}


def check_cluster(change: arm.Change[ManagedCluster]) -> ManagedCluster:
    """Hold a PUT or PATCH to what can be done; return it with Azure's defaults filled in."""
    _check_sku(change.document)
    given = {
        name: value
        for name, value in (change.document.get("properties") or {}).items()
        if name not in _READ_ONLY
    }
    _check_parts("properties", given, _CLUSTER)
    # Unlike other switches this one asks for something when it is off.
    if given.get("enableRBAC") not in (None, True):
        raise errors.PropertyNotSupported("properties.enableRBAC", "false")
    _check_parts("properties.networkProfile", given.get("networkProfile") or {}, _NETWORK)
    _check_parts("properties.aadProfile", given.get("aadProfile") or {}, _AAD)
    pools = given.get("agentPoolProfiles") or []
    if not pools:
        raise errors.PropertyRequired("properties.agentPoolProfiles")
    if len(pools) > 1:
        raise errors.PropertyNotSupported("properties.agentPoolProfiles", f"{len(pools)} pools")
    path = "properties.agentPoolProfiles[0]"
    _check_parts(path, pools[0], _POOL)
    if not pools[0].get("name"):
        raise errors.PropertyRequired(f"{path}.name")
    if pools[0].get("count") != 1:
        raise errors.PropertyNotSupported(f"{path}.count", str(pools[0].get("count")))
    if not given.get("dnsPrefix"):
        raise errors.PropertyRequired("properties.dnsPrefix")
    if change.current is not None:
        _check_change(change.current.properties, given)
    return _with_defaults(ManagedCluster.model_validate(given))


def _check_sku(document: Mapping[str, Any]) -> None:
    sku = document.get("sku") or {}
    for name, known in (("name", ("base", "")), ("tier", ("free", ""))):
        value = str(sku.get(name) or "") if isinstance(sku, dict) else str(sku)
        if value.casefold() not in known:
            raise errors.PropertyNotSupported(f"sku.{name}", value)


def _check_parts(
    path: str, given: Mapping[str, Any], known: Mapping[str, Sequence[Any] | None]
) -> None:
    for name, value in given.items():
        if _is_empty(value):
            continue
        if name not in known:
            raise errors.PropertyNotSupported(f"{path}.{name}", _show(value))
        allowed = known[name]
        if allowed is not None and not any(_is_same(value, one) for one in allowed):
            raise errors.PropertyNotSupported(f"{path}.{name}", _show(value))


def _is_empty(value: Any) -> bool:
    """Tell whether a value asks for nothing, whatever is nested in it."""
    if isinstance(value, dict):
        return all(map(_is_empty, value.values()))
    return value in _EMPTY


def _is_same(value: Any, known: Any) -> bool:
    if isinstance(value, str) and isinstance(known, str):
        return value.casefold() == known.casefold()
    return type(value) is type(known) and bool(value == known)


def _show(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _check_change(before: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if str(given["dnsPrefix"]) != before["dnsPrefix"]:
        raise errors.PropertyCannotChange("properties.dnsPrefix")
    (old,), (new,) = before["agentPoolProfiles"], given["agentPoolProfiles"]
    for name in ("name", "vmSize", "maxPods"):
        wanted = new.get(name)
        if not _is_empty(wanted) and not _is_same(wanted, old[name]):
            raise errors.PropertyCannotChange(f"properties.agentPoolProfiles.{name}")


def _with_defaults(cluster: ManagedCluster) -> ManagedCluster:
    """Return the cluster with what AKS answers where nothing was said."""
    pools = tuple(_fill_pool(pool) for pool in cluster.agent_pool_profiles or ())
    network = NetworkProfile.model_validate({name: known[0] for name, known in _NETWORK.items()})
    given = cluster.network_profile
    if given and given.network_policy:
        policy = given.network_policy.lower()
        network = network.model_copy(update={"network_policy": policy})
    return cluster.model_copy(
        update={
            "agent_pool_profiles": pools,
            "network_profile": network,
            "enable_rbac": True,
            "disable_local_accounts": bool(cluster.disable_local_accounts),
        }
    )


def _fill_pool(pool: AgentPool) -> AgentPool:
    return pool.model_copy(
        update={
            "mode": "System",
            "os_type": "Linux",
            "type": _POOL_TYPE,
            "scale_set_priority": "Regular",
            "max_pods": pool.max_pods or kube.MAX_PODS,
        }
    )
