"""Virtual networks: an address space, and subnets in it, sent with it or one by one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Any

from silo import arm, core, engine

from . import prefixes
from .errors import InvalidAddressPrefixFormat, NotSupported, SubnetNameInUse
from .properties import Subnet, VirtualNetwork
from .subnets import Subnets, check_place, read_subnet, render_delegations
from .topology import Topology, check_apart, render_child, render_guid, settle

_UNSUPPORTED = {
    "ddosProtectionPlan": "A DDoS protection plan",
    "bgpCommunities": "A BGP community",
    "ipAllocations": "An IP allocation",
}
_OURS = ("subnets", "resourceGuid", "virtualNetworkPeerings", "defaultPublicNatGateway")


def check_network(change: arm.Change[VirtualNetwork]) -> VirtualNetwork | None:
    """Refuse what would be promised and not kept."""
    wanted = change.wanted
    extra = wanted.model_extra or {}
    for key, what in _UNSUPPORTED.items():
        if extra.get(key):
            raise NotSupported(what)
    if wanted.enable_ddos_protection:
        raise NotSupported("DDoS protection")
    if _read_part(extra, "encryption", "enabled"):
        raise NotSupported("Encryption of a virtual network")
    prefixes.read_space(wanted.address_space.address_prefixes, change.id.name)
    names = [subnet.name.casefold() for subnet in wanted.subnets or ()]
    if len(set(names)) != len(names):
        raise SubnetNameInUse("Two subnets of the request have the same name.")
    return None


@dataclass(frozen=True, slots=True)
class VirtualNetworks:
    """What needs the table and the engine besides."""

    topology: Topology
    subnets: Subnets

    def write(
        self, conn: core.Connection, change: arm.Change[VirtualNetwork], resource: arm.Resource
    ) -> arm.Resource:
        """Store the subnets that came along as what they are; those left out go."""
        id_, wanted = resource.id, change.wanted
        space = prefixes.read_space(wanted.address_space.address_prefixes, id_.name)
        present = {each.id.key: each for each in self.topology.list_subnets(conn, id_)}
        if wanted.subnets is None:
            for subnet in present.values():
                shape = Subnet.model_validate(subnet.properties)
                others = [each for each in present.values() if each.id != subnet.id]
                check_place(subnet.id.name, shape, space, others, id_.name)
        else:
            self._replace_subnets(conn, change, resource, space, present)
        self._check_peers(conn, change, resource)
        kept = {key: value for key, value in resource.properties.items() if key not in _OURS}
        written = resource.with_document(properties=kept)
        return written if self.topology.is_used(conn, id_) else settle(written)

    def view(self, conn: core.Connection, resource: arm.Resource) -> dict[str, Any]:
        """Show the subnets."""
        return {
            "subnets": [
                render_child(each.with_properties(**self.subnets.view(conn, each)))
                for each in self.topology.list_subnets(conn, resource.id)
            ],
            "virtualNetworkPeerings": [
                render_child(each.with_properties(**self.topology.describe_peering(conn, each)))
                for each in self.topology.list_peerings(conn, resource.id)
            ],
            "resourceGuid": render_guid(resource),
        }

    async def reconcile(self, resource: arm.Resource, _wanted: VirtualNetwork) -> None:
        """Put its rules in force, and those of its peers, which name its addresses."""
        store = self.topology.resources.store
        uids = await store.read(lambda conn: self.topology.list_around(conn, resource.id))
        await self.subnets.apply_now(uids)

    def check_delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Refuse while anybody is in it."""
        for subnet in self.topology.list_subnets(conn, resource.id):
            self.subnets.check_delete(conn, subnet)

    async def check_address(self, call: arm.Call, resource: arm.Resource, _body: Any) -> arm.Reply:
        """Tell whether an address of a virtual network is free."""
        text = call.query.get("ipaddress", "")
        try:
            address = ip_address(text)
        except ValueError:
            raise InvalidAddressPrefixFormat(text, resource.id.name) from None

        def find(conn: core.Connection) -> dict[str, Any]:
            for subnet in self.topology.list_subnets(conn, resource.id):
                if found := _describe_address(conn, subnet, address):
                    return found
            return {"available": False, "isPlatformReserved": False}

        return arm.Reply(200, self.topology.resources.store.read_now(find))

    def _check_peers(
        self, conn: core.Connection, change: arm.Change[VirtualNetwork], resource: arm.Resource
    ) -> None:
        peerings = self.topology.list_peerings(conn, resource.id)
        known = {peering.id.name.casefold() for peering in peerings}
        sent = change.wanted.virtual_network_peerings or ()
        if any(each.name.casefold() not in known for each in sent):
            raise NotSupported("A peering in the body of its network; make it by itself")
        for peering in peerings:
            remote = self.topology.find_remote(conn, peering)
            if remote is not None:
                check_apart(peering, resource, remote)

    def _replace_subnets(
        self,
        conn: core.Connection,
        change: arm.Change[VirtualNetwork],
        resource: arm.Resource,
        space: list[prefixes.Network],
        present: dict[str, arm.Resource],
    ) -> None:
        id_ = resource.id
        written: list[arm.Resource] = []
        for wanted in change.wanted.subnets or ():
            child = id_.child("subnets", wanted.name)
            current = present.get(child.key)
            shape = read_subnet(wanted.name, wanted.properties)
            self.subnets.check(conn, change.call, child, shape, current)
            check_place(wanted.name, shape, space, written, id_.name)
            written.append(self._make_subnet(child, shape, current, resource))
        for key, gone in present.items():
            if key not in {each.id.key for each in written}:
                self.subnets.check_delete(conn, gone)
                self.topology.resources.delete(conn, gone.id)
        for subnet in written:
            self.topology.resources.put(conn, subnet)

    def _make_subnet(
        self,
        id_: arm.ResourceId,
        shape: Subnet,
        current: arm.Resource | None,
        parent: arm.Resource,
    ) -> arm.Resource:
        document = {
            "properties": json.loads(shape.model_dump_json(by_alias=True, exclude_none=True))
        }
        if current is None:
            made = self.topology.resources.make(id_, document, parent.changed)
        else:
            made = replace(
                current,
                document=document,
                generation=current.generation + 1,
                changed=parent.changed,
            )
        return settle(render_delegations(made))


def _read_part(properties: Mapping[str, Any], name: str, part: str) -> Any:
    """Return a part of a property that is kept as it was sent, whatever that is."""
    found = properties.get(name)
    return found.get(part) if isinstance(found, Mapping) else None


def _describe_address(
    conn: core.Connection, subnet: arm.Resource, address: IPv4Address | IPv6Address
) -> dict[str, Any]:
    """Tell of an address in a subnet, of either version; nothing when it is not in it."""
    shape = Subnet.model_validate(subnet.properties)
    network = shape.ipv4 if isinstance(address, IPv4Address) else shape.ipv6
    if network is None or address not in network:
        return {}
    taken = {lease.address for lease in engine.list_leases(conn, subnet.uid)}
    place, size = int(address) - int(network.network_address), shape.ipv4.num_addresses
    reserved = place < prefixes.RESERVED or place == size - 1
    free = [each for each in _iterate_free(shape.ipv4) if each not in taken][:5]
    first = int(shape.ipv4.network_address)
    return {
        # An IPv6 address comes with the IPv4 address that has its place.
        "available": not reserved and place < size and shape.ipv4[place] not in taken,
        "availableIPAddresses": [str(network[int(each) - first]) for each in free],
        "isPlatformReserved": reserved,
    }


def _iterate_free(network: IPv4Network) -> list[IPv4Address]:
    count = min(network.num_addresses - 1, 1024)
    return [network[place] for place in range(prefixes.RESERVED, count)]
