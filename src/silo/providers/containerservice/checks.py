"""Which clusters can be had here; everything else is refused by name. Pure.

Whatever Azure would follow and this location cannot is refused, also when it is not known: a wish
that is silently passed over would be a cluster that is not what its owner thinks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from silo import arm

from . import errors
from .access_profile import settle_access
from .autoscaler_profile import check_profile
from .ingress_profile import settle_ingress
from .network_profile import settle_network
from .parts import ANY, check_parts
from .pools import check_pools, fill_pool
from .properties import ManagedCluster, NetworkProfile
from .wish import HIDDEN

_READ_ONLY = frozenset(
    {
        "provisioningState",
        "powerState",
        "currentKubernetesVersion",
        "fqdn",
        "privateFQDN",
        "maxAgentPools",
        HIDDEN,
    }
)
"""What is shown and comes back with the whole cluster."""
_CLUSTER: Mapping[str, Sequence[Any] | None] = {
    "kubernetesVersion": ANY,
    "dnsPrefix": ANY,
    "agentPoolProfiles": ANY,
    "networkProfile": ANY,
    "autoScalerProfile": ANY,
    "autoUpgradeProfile": ANY,
    "enableRBAC": (True,),
    "nodeResourceGroup": ANY,
    "identityProfile": ANY,
    "servicePrincipalProfile": ({"clientId": "msi"},),
    "aadProfile": ANY,
    "apiServerAccessProfile": ANY,
    "disableLocalAccounts": ANY,
    "oidcIssuerProfile": ANY,
    "securityProfile": ANY,
    "ingressProfile": ANY,
    "supportPlan": ("KubernetesOfficial",),
    "bootstrapProfile": ({"artifactSource": "Direct"},),
    "nodeProvisioningProfile": ({"mode": "Manual"},),
}
_AAD: Mapping[str, Sequence[Any] | None] = {
    "managed": (True,),
    "adminGroupObjectIDs": ANY,
    "enableAzureRBAC": ANY,
    "tenantID": ANY,
}
_UPGRADE: Mapping[str, Sequence[Any]] = {
    "upgradeChannel": ("none", "patch", "stable", "rapid", "node-image"),
    # There is nothing of a node beside its image that could be patched.
    "nodeOSUpgradeChannel": ("None", "NodeImage"),
}
_ISSUER: Mapping[str, Sequence[Any] | None] = {"enabled": ANY, "issuerURL": ANY}
_SECURITY: Mapping[str, Sequence[Any] | None] = {"workloadIdentity": ({"enabled": True},)}


def check_cluster(change: arm.Change[ManagedCluster]) -> ManagedCluster:
    """Hold a PUT or PATCH to what can be done; return it with Azure's defaults filled in."""
    _check_sku(change.document)
    given = {
        name: value
        for name, value in (change.document.get("properties") or {}).items()
        if name not in _READ_ONLY
    }
    check_parts("properties", given, _CLUSTER)
    # Unlike other switches this one asks for something when it is off.
    if given.get("enableRBAC") not in (None, True):
        raise errors.PropertyNotSupported("properties.enableRBAC", "false")
    check_parts("properties.aadProfile", given.get("aadProfile") or {}, _AAD)
    check_parts("properties.autoUpgradeProfile", given.get("autoUpgradeProfile") or {}, _UPGRADE)
    check_parts("properties.oidcIssuerProfile", given.get("oidcIssuerProfile") or {}, _ISSUER)
    check_parts("properties.securityProfile", given.get("securityProfile") or {}, _SECURITY)
    kept = change.current.properties if change.current is not None else {}
    access = settle_access(
        given.get("apiServerAccessProfile") or {},
        kept.get("apiServerAccessProfile"),
        new=change.current is None,
    )
    ingress = settle_ingress(given.get("ingressProfile") or {}, kept.get("ingressProfile"))
    check_profile(given.get("autoScalerProfile") or {})
    before = change.current.properties["agentPoolProfiles"] if change.current is not None else ()
    check_pools(given.get("agentPoolProfiles") or [], before)
    if not given.get("dnsPrefix"):
        raise errors.PropertyRequired("properties.dnsPrefix")
    if change.current is not None:
        _check_change(change.current.properties, given)
    network = settle_network(given.get("networkProfile") or {}, kept.get("networkProfile"))
    settled = {**given, "ingressProfile": ingress, "apiServerAccessProfile": access}
    return _with_defaults(ManagedCluster.model_validate(settled), network)


def _check_sku(document: Mapping[str, Any]) -> None:
    sku = document.get("sku") or {}
    for name, known in (("name", ("base", "")), ("tier", ("free", ""))):
        value = str(sku.get(name) or "") if isinstance(sku, dict) else str(sku)
        if value.casefold() not in known:
            raise errors.PropertyNotSupported(f"sku.{name}", value)


def _check_change(before: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    if str(given["dnsPrefix"]) != before["dnsPrefix"]:
        raise errors.PropertyCannotChange("properties.dnsPrefix")


def _with_defaults(cluster: ManagedCluster, network: NetworkProfile) -> ManagedCluster:
    """Return the cluster with what AKS answers where nothing was said."""
    pools = tuple(fill_pool(pool) for pool in cluster.agent_pool_profiles or ())
    return cluster.model_copy(
        update={
            "agent_pool_profiles": pools,
            "network_profile": network,
            "enable_rbac": True,
            "disable_local_accounts": bool(cluster.disable_local_accounts),
        }
    )
