"""How networks, subnets, security groups and running groups hang together; read from the table."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, ip_network
from typing import Any

from silo import arm, core, engine

from . import security_rules
from .errors import PeeringSpacesOverlap
from .properties import Peering, SecurityRule, Subnet, VirtualNetwork

NAMESPACE = "Microsoft.Network"
NETWORKS = f"{NAMESPACE}/virtualNetworks"
SUBNETS = f"{NAMESPACE}/virtualNetworks/subnets"
GROUPS = f"{NAMESPACE}/networkSecurityGroups"
RULES = f"{NAMESPACE}/networkSecurityGroups/securityRules"
PEERINGS = f"{NAMESPACE}/virtualNetworks/virtualNetworkPeerings"
_TENANT = arm.parse_resource_id("/")


@dataclass(frozen=True, slots=True)
class Topology:
    """The questions that several types ask."""

    resources: arm.Resources
    pools: engine.Pools

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

    def list_peerings(self, conn: core.Connection, vnet: arm.ResourceId) -> Sequence[arm.Resource]:
        """Return the peerings of a virtual network."""
        return self.resources.list_children(conn, vnet, PEERINGS)

    def find_remote(self, conn: core.Connection, peering: arm.Resource) -> arm.Resource | None:
        """Return the virtual network that a peering leads to."""
        wanted = Peering.model_validate(peering.properties).remote_virtual_network.id
        return self.resources.find(conn, arm.parse_resource_id(wanted))

    def find_back(self, conn: core.Connection, peering: arm.Resource) -> arm.Resource | None:
        """Return the peering by which the other side names this one."""
        remote, vnet = self.find_remote(conn, peering), get_parent(peering.id)
        if remote is None:
            return None
        for back in self.list_peerings(conn, remote.id):
            if _get_remote(back) == vnet.key and not back.deleting:
                return back
        return None

    def list_joined(self, conn: core.Connection, vnet: arm.ResourceId) -> list[arm.Resource]:
        """Return the virtual networks that one is joined to, where both sides let packets pass."""
        return [
            remote
            for peering in self.list_peerings(conn, vnet)
            if not peering.deleting
            and (back := self.find_back(conn, peering)) is not None
            and all(map(_is_open, (peering, back)))
            and (remote := self.find_remote(conn, peering)) is not None
        ]

    def describe_peering(self, conn: core.Connection, peering: arm.Resource) -> dict[str, Any]:
        """Return what is shown of a peering besides what was wished."""
        remote, back = self.find_remote(conn, peering), self.find_back(conn, peering)
        state = Peering.model_validate(peering.properties).peering_state
        if not state:
            state = "Connected" if back is not None else "Initiated"
        found = remote.properties.get("addressSpace") if remote else None
        space = {"remoteAddressSpace": found, "remoteVirtualNetworkAddressSpace": found}
        return {
            "peeringState": state,
            "peeringSyncLevel": "FullyInSync" if state == "Connected" else "RemoteNotInSync",
            **(space if found else {}),
            "resourceGuid": render_guid(peering),
        }

    def is_used(self, conn: core.Connection, vnet: arm.ResourceId) -> bool:
        """Tell whether any group is in a virtual network or in one that it is joined to.

        Then rules must reach the kernel.
        """
        ids = (vnet, *(each.id for each in self.list_joined(conn, vnet)))
        subnets = [subnet for id_ in ids for subnet in self.list_subnets(conn, id_)]
        return any(engine.list_leases(conn, subnet.uid) for subnet in subnets)

    def find_rules(self, conn: core.Connection, vnet_uid: str) -> engine.RuleSet | None:
        """Return the rules in force of the virtual network with that uid."""
        vnet = self.resources.find_by_uid(conn, vnet_uid)
        return None if vnet is None else self.read_rules(conn, vnet)

    def read_rules(self, conn: core.Connection, vnet: arm.Resource) -> engine.RuleSet:
        """Return what a virtual network lets through."""
        joined = self.list_joined(conn, vnet.id)
        peers = tuple(engine.Peer(each.uid, _read_space(each)) for each in joined)
        prefixes = _read_space(vnet)
        space = [ip_network(text) for each in (vnet, *joined) for text in _read_space(each)]
        doors = [IPv4Network(self.pools.host)]
        meaning = security_rules.Meaning(space, doors, [self.pools.public])
        subnets = [
            self._read_subnet(conn, subnet, meaning)
            for subnet in self.list_subnets(conn, vnet.id)
            if not subnet.deleting or engine.list_leases(conn, subnet.uid)
        ]
        return engine.RuleSet(prefixes, tuple(subnets), peers)

    def list_around(self, conn: core.Connection, vnet: arm.ResourceId) -> list[str]:
        """Return the uids of a virtual network and of all that it names."""
        ids = [vnet]
        for peering in self.list_peerings(conn, vnet):
            remote = self.find_remote(conn, peering)
            ids += [remote.id] if remote else []
        return self._list_uids(conn, ids)

    def list_of(self, conn: core.Connection, subnets: Sequence[arm.Resource]) -> list[str]:
        """Return the uids of the virtual networks of these subnets."""
        return self._list_uids(conn, (get_parent(subnet.id) for subnet in subnets))

    def _list_uids(self, conn: core.Connection, vnets: Iterable[arm.ResourceId]) -> list[str]:
        found = (self.resources.find(conn, id_) for id_ in vnets)
        return list(dict.fromkeys(each.uid for each in found if each is not None))

    def _read_subnet(
        self, conn: core.Connection, resource: arm.Resource, meaning: security_rules.Meaning
    ) -> engine.SubnetRules:
        subnet = Subnet.model_validate(resource.properties)
        has_way_out = subnet.default_outbound_access is not False
        if subnet.network_security_group is None:
            return engine.SubnetRules(subnet.prefixes, has_way_out=has_way_out)
        group = arm.parse_resource_id(subnet.network_security_group.id)
        rules = [
            (rule.id.name, SecurityRule.model_validate(rule.properties))
            for rule in self.list_rules(conn, group)
            if not rule.deleting
        ]
        return engine.SubnetRules(
            subnet.prefixes,
            security_rules.compile_rules(rules, "Inbound", meaning),
            security_rules.compile_rules(rules, "Outbound", meaning),
            has_way_out,
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


def check_apart(peering: arm.Resource, one: arm.Resource, other: arm.Resource) -> None:
    """Refuse to join two virtual networks that have addresses in common."""
    for mine in map(ip_network, _read_space(one)):
        for theirs in map(ip_network, _read_space(other)):
            if mine.overlaps(theirs):
                ids = (peering.id.text, one.id.text, other.id.text)
                raise PeeringSpacesOverlap(*ids, f"{mine}, {theirs}")


def render_child(resource: arm.Resource) -> dict[str, Any]:
    """Return a nested resource as its parent shows it."""
    return {
        "id": resource.id.text,
        "name": resource.id.name,
        "type": resource.id.full_type,
        "etag": resource.etag,
        "properties": {**resource.properties, "provisioningState": resource.state},
    }


def render_default(resource: arm.Resource, name: str, rule: SecurityRule) -> dict[str, Any]:
    """Return one of Azure's own rules as a security group shows it."""
    return {
        "id": f"{resource.id.text}/defaultSecurityRules/{name}",
        "name": name,
        "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
        "etag": resource.etag,
        "properties": {
            **rule.model_dump(mode="json", by_alias=True, exclude_none=True),
            "provisioningState": "Succeeded",
        },
    }


def render_guid(resource: arm.Resource) -> str:
    """Return the ``resourceGuid``."""
    return str(uuid.UUID(resource.uid))


def _read_space(vnet: arm.Resource) -> tuple[str, ...]:
    return VirtualNetwork.model_validate(vnet.properties).address_space.address_prefixes


def _get_remote(peering: arm.Resource) -> str:
    wanted = Peering.model_validate(peering.properties).remote_virtual_network.id
    return arm.parse_resource_id(wanted).key


def _is_open(peering: arm.Resource) -> bool:
    wanted = Peering.model_validate(peering.properties)
    return wanted.allow_virtual_network_access and not wanted.peering_state


def _get_group(subnet: arm.Resource) -> str:
    """Return the key of the group that a subnet refers to, however the reference was written."""
    reference = Subnet.model_validate(subnet.properties).network_security_group
    return arm.parse_resource_id(reference.id).key if reference else ""
