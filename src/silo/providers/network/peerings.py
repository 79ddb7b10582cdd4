"""Peerings: two virtual networks that are joined once each of them names the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core

from .errors import (
    InvalidResourceReference,
    NotSupported,
    PeeringDisconnected,
    PeeringExists,
    PeeringInvalid,
    PeeringRemoteFixed,
)
from .properties import Peering
from .subnets import Subnets
from .topology import NETWORKS, Topology, check_apart, get_parent, settle

PEER = "Microsoft.Network/virtualNetworks/peer/action"
_OURS = (
    "peeringState",
    "peeringSyncLevel",
    "provisioningState",
    "remoteAddressSpace",
    "remoteVirtualNetworkAddressSpace",
    "remoteBgpCommunities",
    "resourceGuid",
)


def check_peering(change: arm.Change[Peering]) -> Peering | None:
    """Refuse what would be promised and not kept."""
    wanted = change.wanted
    for asked, what in (
        (wanted.allow_gateway_transit, "A gateway that peers use (allowGatewayTransit)"),
        (wanted.use_remote_gateways, "A gateway of the peer (useRemoteGateways)"),
        (not wanted.peer_complete_vnets, "A peering of subnets alone (peerCompleteVnets)"),
        ((wanted.model_extra or {}).get("enableOnlyIPv6Peering"), "A peering of IPv6 alone"),
    ):
        if asked:
            raise NotSupported(what)
    return None


@dataclass(frozen=True, slots=True)
class Peerings:
    """What needs the table and the engine besides."""

    topology: Topology
    subnets: Subnets

    def write(
        self, conn: core.Connection, change: arm.Change[Peering], resource: arm.Resource
    ) -> arm.Resource:
        """Hold a peering against both networks and the other side's."""
        vnet = self.topology.resources.get(conn, get_parent(resource.id))
        remote = self._find_remote(conn, change, vnet)
        for other in self.topology.list_peerings(conn, vnet.id):
            if other.id != resource.id and self.topology.find_remote(conn, other) == remote:
                raise PeeringExists(other.id.text, remote.id.text)
        before = change.current and Peering.model_validate(change.current.properties)
        if before and before.remote_virtual_network.id.casefold() != remote.id.text.casefold():
            raise PeeringRemoteFixed(resource.id.text)
        back = self.topology.find_back(conn, resource)
        if back is not None and is_disconnected(back):
            raise PeeringDisconnected(resource.id.text, back.id.text)
        check_apart(resource, vnet, remote)
        for third in self.topology.list_peerings(conn, vnet.id):
            found = self.topology.find_remote(conn, third)
            if third.id != resource.id and found is not None:
                check_apart(resource, found, remote)
        kept = {key: value for key, value in resource.properties.items() if key not in _OURS}
        kept["remoteVirtualNetwork"] = {"id": remote.id.text}
        written = resource.with_document(properties=kept)
        used = any(self.topology.is_used(conn, each.id) for each in (vnet, remote))
        return written if used else settle(written)

    def view(self, conn: core.Connection, resource: arm.Resource) -> Mapping[str, Any]:
        """Show how far the two are joined, and what lies on the other side."""
        return self.topology.describe_peering(conn, resource)

    async def reconcile(self, resource: arm.Resource, _wanted: Peering) -> None:
        """Put the rules of both networks in force."""
        await self._apply(resource)

    async def remove(self, resource: arm.Resource) -> None:
        """Part the networks; this peering is marked as leaving."""
        await self._apply(resource)

    def delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Have the other side show that it is alone."""
        back = self.topology.find_back(conn, resource)
        if back is not None:
            self.topology.resources.put(conn, back.with_properties(peeringState="Disconnected"))

    async def _apply(self, resource: arm.Resource) -> None:
        store, vnet = self.topology.resources.store, get_parent(resource.id)
        uids = await store.read(lambda conn: self.topology.list_around(conn, vnet))
        await self.subnets.apply_now(uids)

    def _find_remote(
        self, conn: core.Connection, change: arm.Change[Peering], vnet: arm.Resource
    ) -> arm.Resource:
        text = change.wanted.remote_virtual_network.id
        try:
            id_ = arm.parse_resource_id(text)
        except arm.InvalidResourceId:
            raise InvalidResourceReference(text, change.id.text) from None
        arm.check_linked(change.call, change.id.text, id_.text, PEER)
        found = self.topology.resources.find(conn, id_)
        if id_.full_type.casefold() != NETWORKS.casefold() or found is None or found.deleting:
            raise InvalidResourceReference(text, change.id.text)
        if found.id == vnet.id:
            raise PeeringInvalid(f"Virtual network {vnet.id.text} cannot be peered with itself.")
        return found


def is_disconnected(resource: arm.Resource) -> bool:
    """Tell whether the other side of a peering was there and went."""
    return Peering.model_validate(resource.properties).peering_state == "Disconnected"
