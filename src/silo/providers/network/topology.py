"""How networks, subnets, security groups and running groups hang together; read from the table."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import Any

from silo import arm, core, engine

from . import security_rules
from .properties import SecurityRule, Subnet, VirtualNetwork

NAMESPACE = "Microsoft.Network"
NETWORKS = f"{NAMESPACE}/virtualNetworks"
SUBNETS = f"{NAMESPACE}/virtualNetworks/subnets"
GROUPS = f"{NAMESPACE}/networkSecurityGroups"
RULES = f"{NAMESPACE}/networkSecurityGroups/securityRules"
_TENANT = arm.parse_resource_id("/")


@dataclass(frozen=True, slots=True)
class Topology:
    """The questions that several types ask."""

    resources: arm.Resources

    def list_subnets(self, conn: core.Connection, vnet: arm.ResourceId) -> Sequence[arm.Resource]:
        """Return the subnets of a virtual network."""
        return self.resources.list_children(conn, vnet, SUBNETS)

    def list_rules(self, conn: core.Connection, group: arm.ResourceId) -> Sequence[arm.Resource]:
        """Return the rules of a network security group, Azure's own not among them."""
        return self.resources.list_children(conn, group, RULES)

    def list_guarded(self, conn: core.Connection, group: arm.ResourceId) -> list[arm.Resource]:
        """Return the subnets that refer to a network security group."""
        return [
            subnet
            for subnet in self.resources.list(conn, _TENANT, SUBNETS)
            if _get_group(subnet) == group.key
        ]

    def list_users(self, conn: core.Connection, subnet: arm.Resource) -> list[arm.Resource | str]:
        """Return who has an address in a subnet; by uid who is in no table."""
        return [
            self.resources.find_by_uid(conn, lease.owner) or lease.owner
            for lease in engine.list_leases(conn, subnet.uid)
        ]

    def is_used(self, conn: core.Connection, vnet: arm.ResourceId) -> bool:
        """Tell whether any group is in a virtual network: then rules must reach the kernel."""
        return any(engine.list_leases(conn, subnet.uid) for subnet in self.list_subnets(conn, vnet))

    def find_rules(self, conn: core.Connection, vnet_uid: str) -> engine.RuleSet | None:
        """Return the rules in force of the virtual network with that uid."""
        vnet = self.resources.find_by_uid(conn, vnet_uid)
        return None if vnet is None else self.read_rules(conn, vnet)

    def read_rules(self, conn: core.Connection, vnet: arm.Resource) -> engine.RuleSet:
        """Return what a virtual network lets through."""
        wanted = VirtualNetwork.model_validate(vnet.properties)
        prefixes = wanted.address_space.address_prefixes
        space = [IPv4Network(prefix) for prefix in prefixes]
        subnets = [
            self._read_subnet(conn, subnet, space)
            for subnet in self.list_subnets(conn, vnet.id)
            if not subnet.deleting or engine.list_leases(conn, subnet.uid)
        ]
        return engine.RuleSet(tuple(prefixes), tuple(subnets))

    def list_rule_sets(
        self, conn: core.Connection, subnets: Sequence[arm.Resource]
    ) -> dict[str, engine.RuleSet]:
        """Return the rules of every virtual network of these subnets, by its uid."""
        found: dict[str, engine.RuleSet] = {}
        for subnet in subnets:
            vnet = self.resources.find(conn, get_parent(subnet.id))
            if vnet is not None and vnet.uid not in found:
                found[vnet.uid] = self.read_rules(conn, vnet)
        return found

    def _read_subnet(
        self, conn: core.Connection, resource: arm.Resource, space: Sequence[IPv4Network]
    ) -> engine.SubnetRules:
        subnet = Subnet.model_validate(resource.properties)
        if subnet.network_security_group is None:
            return engine.SubnetRules(subnet.prefixes)
        group = arm.parse_resource_id(subnet.network_security_group.id)
        rules = [
            (rule.id.name, SecurityRule.model_validate(rule.properties))
            for rule in self.list_rules(conn, group)
            if not rule.deleting
        ]
        return engine.SubnetRules(
            subnet.prefixes,
            security_rules.compile_rules(rules, "Inbound", space),
            security_rules.compile_rules(rules, "Outbound", space),
        )


def get_parent(id_: arm.ResourceId) -> arm.ResourceId:
    """Return the resource that a nested one hangs on."""
    parent = id_.parent
    if parent is None:
        raise arm.InvalidResourceId(id_.text)
    return parent


def settle(resource: arm.Resource) -> arm.Resource:
    """Return a wish that is fulfilled by being stored: nothing in the world asks for it."""
    return replace(resource, settled_generation=resource.generation, outcome=arm.Outcome())


def describe_users(users: Sequence[arm.Resource | str]) -> list[str]:
    """Return who they are, for a message."""
    return [user.id.text if isinstance(user, arm.Resource) else user for user in users]


def are_leaving(users: Sequence[arm.Resource | str]) -> bool:
    """Tell whether all of them are being deleted: then there is something to wait for."""
    return all(isinstance(user, arm.Resource) and user.deleting for user in users)


def render_child(resource: arm.Resource) -> dict[str, Any]:
    """Return a nested resource as its parent shows it."""
    return {
        "id": resource.id.text,
        "name": resource.id.name,
        "type": resource.id.full_type,
        "etag": resource.etag,
        "properties": {**resource.properties, "provisioningState": resource.state},
    }


def render_guid(resource: arm.Resource) -> str:
    """Return the ``resourceGuid``."""
    return str(uuid.UUID(resource.uid))


def _get_group(subnet: arm.Resource) -> str:
    """Return the key of the group that a subnet refers to, however the reference was written."""
    reference = Subnet.model_validate(subnet.properties).network_security_group
    return arm.parse_resource_id(reference.id).key if reference else ""
