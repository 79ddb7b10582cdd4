"""Microsoft.Network: virtual networks, subnets, security groups, public addresses."""

from typing import Any

from silo import arm, engine

from .peerings import Peerings, check_peering
from .placements import Placements as Placements
from .properties import (
    NAME,
    Peering,
    PublicAddress,
    SecurityGroup,
    SecurityRule,
    Subnet,
    VirtualNetwork,
)
from .public_addresses import PublicAddresses, check_address
from .queries import Queries
from .refusals import Refusals
from .security_groups import SecurityGroups, check_group, check_one
from .subnets import Apply as Apply
from .subnets import Subnets, check_subnet
from .topology import NAMESPACE, Topology
from .virtual_networks import VirtualNetworks, check_network

_VERSIONS = (
    "2025-09-01",
    "2025-07-01",
    "2025-05-01",
    "2025-03-01",
    "2025-01-01",
    "2024-10-01",
    "2024-07-01",
    "2024-05-01",
    "2024-03-01",
    "2024-01-01",
    "2023-11-01",
    "2023-09-01",
    "2022-01-01",
    "2021-08-01",
    "2020-11-01",
    "2018-08-01",
)


_COMMON: dict[str, Any] = {
    "api_versions": _VERSIONS,
    "has_etag": True,
    "name_pattern": NAME,
}
_CHILD: dict[str, Any] = {**_COMMON, "located": False, "tracked": False, "patchable": False}


def provider(resources: arm.Resources, pools: engine.Pools, apply: Apply) -> arm.Provider:
    """Return the declaration; ``apply`` puts rules in force where groups run."""
    topology = Topology(resources, pools)
    in_subnets = Subnets(topology, apply)
    in_networks = VirtualNetworks(topology, in_subnets)
    in_peerings = Peerings(topology, in_subnets)
    in_groups = SecurityGroups(topology, in_subnets)
    addresses = PublicAddresses(pools)
    networks: arm.ResourceType[VirtualNetwork] = arm.ResourceType(
        name="virtualNetworks",
        properties=VirtualNetwork,
        **_COMMON,
        check=check_network,
        on_write=in_networks.write,
        check_delete=in_networks.check_delete,
        reconcile=in_networks.reconcile,
        view=in_networks.view,
        actions=(
            arm.Action(
                "CheckIPAddressAvailability",
                in_networks.check_address,
                method="GET",
                permission=f"{NAMESPACE}/virtualNetworks/checkIpAddressAvailability/read",
            ),
        ),
        coverage="partly: no gateways, route tables, endpoints",
    )
    subnets: arm.ResourceType[Subnet] = arm.ResourceType(
        name="virtualNetworks/subnets",
        properties=Subnet,
        **_CHILD,
        check=check_subnet,
        on_write=in_subnets.write,
        check_delete=in_subnets.check_delete,
        reconcile=in_subnets.reconcile,
        remove=in_subnets.remove,
        view=in_subnets.view,
        coverage="partly: an IPv4 prefix, and an IPv6 one; no route tables, gateways, endpoints",
    )
    peerings: arm.ResourceType[Peering] = arm.ResourceType(
        name="virtualNetworks/virtualNetworkPeerings",
        properties=Peering,
        **_CHILD,
        check=check_peering,
        on_write=in_peerings.write,
        on_delete=in_peerings.delete,
        reconcile=in_peerings.reconcile,
        remove=in_peerings.remove,
        view=in_peerings.view,
        coverage="partly: whole networks of this instance; no gateways, none of IPv6 alone",
    )
    groups: arm.ResourceType[SecurityGroup] = arm.ResourceType(
        name="networkSecurityGroups",
        properties=SecurityGroup,
        **_COMMON,
        check=check_group,
        on_write=in_groups.write,
        check_delete=in_groups.check_delete,
        reconcile=in_groups.reconcile,
        remove=in_groups.remove,
        view=in_groups.view,
        coverage="partly: on subnets; no flow logs",
    )
    rules: arm.ResourceType[SecurityRule] = arm.ResourceType(
        name="networkSecurityGroups/securityRules",
        properties=SecurityRule,
        **_CHILD,
        check=check_one,
        on_write=in_groups.write_rule,
        reconcile=in_groups.reconcile_rule,
        remove=in_groups.remove_rule,
        coverage="partly: the tags of what is here; no application security groups",
    )
    public: arm.ResourceType[PublicAddress] = arm.ResourceType(
        name="publicIPAddresses",
        properties=PublicAddress,
        **_COMMON,
        check=check_address,
        on_write=addresses.write,
        on_delete=addresses.delete,
        coverage="partly: IPv4 from the instance's pool; no DNS labels, prefixes, zones",
    )
    return arm.Provider(
        NAMESPACE,
        (networks, subnets, peerings, groups, rules, public),
        (*Queries(topology).list_operations(), *Refusals(resources).list_operations()),
    )
