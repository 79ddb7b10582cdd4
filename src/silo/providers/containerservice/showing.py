"""A cluster and its pools as Azure shows them: the wish, and what follows from it."""

from collections.abc import Mapping
from typing import Any

from silo import arm

from .pools import MAX_POOLS
from .wish import HIDDEN, plan_cluster, read_cluster, read_wish

POOL_TYPE = "Microsoft.ContainerService/managedClusters/agentPools"


def render_cluster(resource: arm.Resource, *, runs: bool) -> Mapping[str, Any]:
    """Return the properties that are laid over the stored ones."""
    wish = read_wish(resource)
    runs = runs and wish.running
    return {
        HIDDEN: None,
        "agentPoolProfiles": [
            _show_pool(resource, one, runs=runs) for one in _list_stored(resource)
        ],
        "currentKubernetesVersion": wish.reached.get("", wish.version),
        "fqdn": wish.fqdn if has_public_name(resource) else None,
        **({"privateFQDN": wish.private_fqdn} if wish.private_fqdn else {}),
        "maxAgentPools": MAX_POOLS,
        # As Azure writes that there is none: clusters act by managed identities.
        "servicePrincipalProfile": {"clientId": "msi"},
        "powerState": _show_power(runs=runs),
    }


def has_public_name(resource: arm.Resource) -> bool:
    """Tell whether a cluster is known by the name that is not a private one's."""
    access = read_cluster(resource).api_server_access_profile
    return access is None or access.enable_private_cluster_public_fqdn is not False


def show_pool(resource: arm.Resource, pool: str, *, runs: bool) -> dict[str, Any] | None:
    """Return one pool as a resource of its own; None when there is none."""
    key = pool.casefold()
    found = list_pools(resource, runs=runs)
    return next((one for one in found if one["name"].casefold() == key), None)


def list_machines(resource: arm.Resource, pool: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the machines of a shown pool."""
    id_ = resource.id
    set_ = f"{pool['name']}-vmss"
    name = resource.properties["nodeResourceGroup"]
    group = f"/subscriptions/{id_.subscription}/resourceGroups/{name}"
    return [
        {
            "id": f"{pool['id']}/machines/{node.name}",
            "name": node.name,
            "type": f"{POOL_TYPE}/machines",
            "properties": {
                "network": {"ipAddresses": [{"ip": node.address, "family": "IPv4"}]},
                "resourceId": f"{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{set_}"
                f"/virtualMachines/{node.name.rpartition('vmss')[2]}",
                "provisioningState": resource.state,
            },
        }
        for node in plan_cluster(resource).nodes
        if node.pool == pool["name"]
    ]


def list_pools(resource: arm.Resource, *, runs: bool) -> list[dict[str, Any]]:
    """Return the pools of a cluster as resources of their own."""
    found = []
    runs = runs and read_wish(resource).running
    for stored in _list_stored(resource):
        shown = _show_pool(resource, stored, runs=runs)
        name = shown.pop("name")
        id_ = f"{resource.id.text}/agentPools/{name}"
        found.append({"id": id_, "name": name, "type": POOL_TYPE, "properties": shown})
    return found


def _list_stored(resource: arm.Resource) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = resource.properties["agentPoolProfiles"]
    return stored


def _show_pool(resource: arm.Resource, pool: Mapping[str, Any], *, runs: bool) -> dict[str, Any]:
    return {
        **pool,
        "currentOrchestratorVersion": read_wish(resource).reached.get(
            pool["name"], pool["orchestratorVersion"]
        ),
        "powerState": _show_power(runs=runs),
        "provisioningState": resource.state,
    }


def _show_power(*, runs: bool) -> dict[str, str]:
    return {"code": "Running" if runs else "Stopped"}
