"""A cluster and its pools as Azure shows them: the wish, and what follows from it."""

from collections.abc import Mapping
from typing import Any

from silo import arm

from .wish import HIDDEN, read_wish

_MAX_POOLS = 1
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
        "currentKubernetesVersion": wish.version,
        "fqdn": wish.fqdn,
        "maxAgentPools": _MAX_POOLS,
        # As Azure writes that there is none: clusters act by managed identities.
        "servicePrincipalProfile": {"clientId": "msi"},
        "powerState": _show_power(runs=runs),
    }


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
        "currentOrchestratorVersion": read_wish(resource).version,
        "powerState": _show_power(runs=runs),
        "provisioningState": resource.state,
    }


def _show_power(*, runs: bool) -> dict[str, str]:
    return {"code": "Running" if runs else "Stopped"}
