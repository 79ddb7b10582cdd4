"""The seam to whoever runs groups: a place in a subnet, a public address, rules by network.

Handed over by ``app``; providers never import one another.
"""

from dataclasses import dataclass

from silo import arm, core, engine

from . import prefixes
from .errors import (
    InvalidResourceReference,
    NoIPv6Here,
    SubnetIsFull,
    SubnetNotDelegated,
)
from .properties import Subnet, VirtualNetwork
from .public_addresses import lease_public
from .topology import SUBNETS, Topology, get_parent

JOIN_SUBNET = "Microsoft.Network/virtualNetworks/subnets/join/action"


@dataclass(frozen=True, slots=True)
class Placements:
    """Where groups go."""

    resources: arm.Resources
    pools: engine.Pools

    def place(
        self, conn: core.Connection, call: arm.Call, subnet_id: str, group: arm.ResourceId, uid: str
    ) -> engine.NetworkPlan:
        """Return the group's place in a subnet, giving it an address there if it has none.

        Runs in the transaction that writes the group. Raises an ArmError in Azure's words.
        """
        try:
            wanted = arm.parse_resource_id(subnet_id)
        except arm.InvalidResourceId:
            raise InvalidResourceReference(subnet_id, group.text) from None
        arm.check_linked(call, group.text, wanted.text, JOIN_SUBNET)
        found = self.resources.find(conn, wanted)
        if wanted.full_type.casefold() != SUBNETS.casefold() or found is None or found.deleting:
            raise InvalidResourceReference(subnet_id, group.text)
        vnet = self.resources.get(conn, get_parent(found.id))
        subnet = Subnet.model_validate(found.properties)
        service = f"{group.namespace}/{group.type}"
        if service.casefold() not in {each.casefold() for each in subnet.services}:
            raise SubnetNotDelegated(found.id.text, service)
        network, ipv6 = subnet.ipv4, subnet.ipv6
        known = engine.find_address(conn, found.uid, uid)
        if known is None:
            if ipv6 and (fault := engine.find_ipv6_fault()):
                raise NoIPv6Here(found.id.text, fault)
            engine.release_addresses_in(conn, uid, keep=engine.PUBLIC)
        try:
            address = engine.lease_address(
                conn, found.uid, network, uid, reserved=range(prefixes.RESERVED)
            )
        except engine.PoolExhausted:
            raise SubnetIsFull(found.id.name, str(network)) from None
        told = VirtualNetwork.model_validate(vnet.properties).dhcp_options
        return engine.NetworkPlan(
            router=vnet.uid,
            address=str(address),
            subnet=str(network),
            ipv6=str(prefixes.find_twin(network, ipv6, address)) if ipv6 else None,
            dns_servers=told.dns_servers if told else (),
        )

    def lease_public(self, conn: core.Connection, uid: str) -> str:
        """Return the group's public address, giving it one if it has none."""
        return lease_public(conn, self.pools, uid)

    def release(self, conn: core.Connection, uid: str) -> None:
        """Take back every address of a group; runs in the transaction that forgets it."""
        engine.release_addresses(conn, uid)

    def find_rules(self, router: str) -> engine.RuleSet | None:
        """Return the rules of a virtual network by its uid, for ``engine.Networks``."""
        topology = Topology(self.resources, self.pools)
        return self.resources.store.read_now(lambda conn: topology.find_rules(conn, router))
