"""Subnets: where groups get their private addresses, by themselves or with their network."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import Any

from silo import arm, core, engine

from . import prefixes
from .errors import (
    DelegationInUse,
    InUsePrefixCannotBeDeleted,
    InUseSubnetCannotBeDeleted,
    InvalidResourceReference,
    NotSupported,
    SubnetInvalid,
)
from .properties import Subnet, VirtualNetwork
from .topology import (
    GROUPS,
    Topology,
    are_leaving,
    describe_users,
    get_parent,
    settle,
)

Apply = Callable[[str, engine.RuleSet], Awaitable[None]]
"""Puts the rules of a virtual network, named by its uid, in force."""

CONTAINER_GROUPS = "Microsoft.ContainerInstance/containerGroups"
JOIN_GROUP = "Microsoft.Network/networkSecurityGroups/join/action"
_UNSUPPORTED = {
    "routeTable": "A route table",
    "natGateway": "A NAT gateway",
    "serviceEndpoints": "A service endpoint",
    "serviceEndpointPolicies": "A service endpoint policy",
    "ipAllocations": "An IP allocation",
    "ipamPoolPrefixAllocations": "An IPAM pool",
    "applicationGatewayIPConfigurations": "An application gateway",
}
_OURS = (
    "ipConfigurations",
    "serviceAssociationLinks",
    "resourceNavigationLinks",
    "privateEndpoints",
    "ipConfigurationProfiles",
    "purpose",
    "provisioningState",
)
"""What a client sends back after reading; these are ours to say."""


def check_subnet(change: arm.Change[Subnet]) -> Subnet:
    """Refuse what would be promised and not kept."""
    return read_subnet(change.id.name, change.wanted)


def read_subnet(name: str, wanted: Subnet) -> Subnet:
    """Return a subnet as it is stored, or refuse what cannot be."""
    extra = wanted.model_extra or {}
    for key, what in _UNSUPPORTED.items():
        if extra.get(key):
            raise NotSupported(what)
    if not wanted.prefixes:
        raise arm.InvalidRequestContent(f"Subnet '{name}' has no addressPrefix")
    for version, count in Counter(":" in each for each in wanted.prefixes).items():
        if count > 1:
            raise NotSupported(f"A subnet with several IPv{6 if version else 4} prefixes")
    for delegation in wanted.delegations or ():
        if not delegation.properties.service_name:
            raise arm.InvalidRequestContent(f"Delegation '{delegation.name}' has no serviceName")
    known: dict[str, Any] = {key: getattr(wanted, key) for key in type(wanted).model_fields}
    known["address_prefix"] = wanted.prefixes[0] if len(wanted.prefixes) == 1 else None
    known["delegations"] = wanted.delegations or ()
    kept = {key: value for key, value in extra.items() if key not in _OURS}
    return Subnet.model_construct(**known, **kept)


@dataclass(frozen=True, slots=True)
class Subnets:
    """What needs the table and the engine besides."""

    topology: Topology
    apply: Apply

    def write(
        self, conn: core.Connection, change: arm.Change[Subnet], resource: arm.Resource
    ) -> arm.Resource:
        """Hold a subnet against its network, its neighbours and who is in it."""
        vnet = self.topology.resources.get(conn, get_parent(resource.id))
        wanted = VirtualNetwork.model_validate(vnet.properties)
        space = [ip_network(prefix) for prefix in wanted.address_space.address_prefixes]
        others = [
            each for each in self.topology.list_subnets(conn, vnet.id) if each.id != resource.id
        ]
        self.check(conn, change.call, resource.id, change.wanted, change.current)
        check_place(resource.id.name, change.wanted, space, others, vnet.id.name)
        written = render_delegations(resource)
        return written if self.topology.is_used(conn, vnet.id) else settle(written)

    def check(
        self,
        conn: core.Connection,
        call: arm.Call,
        id_: arm.ResourceId,
        wanted: Subnet,
        current: arm.Resource | None,
    ) -> None:
        """Refuse what the caller may not refer to, and what would cut off who is there."""
        if wanted.network_security_group is not None:
            self._check_group(conn, call, id_, wanted.network_security_group.id)
        if current is None:
            return
        before = Subnet.model_validate(current.properties)
        users = describe_users(self.topology.list_users(conn, current))
        gone = [prefix for prefix in before.prefixes if prefix not in wanted.prefixes]
        if users and gone:
            raise InUsePrefixCannotBeDeleted(gone[0], id_.name)
        if users and not _fold(before.services) <= _fold(wanted.services):
            raise DelegationInUse(id_.name, users)

    def view(self, conn: core.Connection, resource: arm.Resource) -> dict[str, Any]:
        """Show who has the subnet: as long as there are groups in it, it is theirs."""
        if not self.topology.list_users(conn, resource):
            return {}
        return {"serviceAssociationLinks": render_links(resource)}

    async def reconcile(self, resource: arm.Resource, _wanted: Subnet) -> None:
        """Put the rules of its network in force."""
        await self.apply_all([resource])

    def check_delete(self, conn: core.Connection, resource: arm.Resource) -> None:
        """Refuse while anybody is in it."""
        users = self.topology.list_users(conn, resource)
        if users:
            raise InUseSubnetCannotBeDeleted(resource.id.name, describe_users(users))

    async def remove(self, resource: arm.Resource) -> None:
        """Wait for groups that leave at the same time; refuse when others stay."""
        store = self.topology.resources.store
        users = await store.read(lambda conn: self.topology.list_users(conn, resource))
        if users and not are_leaving(users):
            raise InUseSubnetCannotBeDeleted(resource.id.name, describe_users(users))
        if users:
            raise arm.NotYet("the groups in it must go first")

    async def apply_all(self, changed: Sequence[arm.Resource]) -> None:
        """Put the rules of every network of these subnets in force."""
        store = self.topology.resources.store
        await self.apply_now(await store.read(lambda conn: self.topology.list_of(conn, changed)))

    async def apply_now(self, uids: Iterable[str]) -> None:
        """Put the rules of these networks in force, each as they are at that moment.

        Nobody else gets a turn between reading them and handing them over: so those that were
        read later are in force later, whoever read them.
        """
        store = self.topology.resources.store
        for uid in uids:
            rules = store.read_now(partial(self.topology.find_rules, vnet_uid=uid))
            if rules is not None:
                await self.apply(uid, rules)

    def _check_group(
        self, conn: core.Connection, call: arm.Call, id_: arm.ResourceId, text: str
    ) -> None:
        try:
            group = arm.parse_resource_id(text)
        except arm.InvalidResourceId:
            raise InvalidResourceReference(text, id_.text) from None
        arm.check_linked(call, id_.text, group.text, JOIN_GROUP)
        found = self.topology.resources.find(conn, group)
        if group.full_type.casefold() != GROUPS.casefold() or found is None or found.deleting:
            raise InvalidResourceReference(text, id_.text)


def check_place(
    name: str,
    wanted: Subnet,
    space: Sequence[prefixes.Network],
    others: Sequence[arm.Resource],
    vnet: str,
) -> None:
    """Refuse a subnet that lies outside its network or meets a neighbour."""
    networks = [prefixes.read_prefix(each, name) for each in wanted.prefixes]
    if all(network.version != 4 for network in networks):  # noqa: PLR2004 - of IP
        raise SubnetInvalid(name, vnet, "A subnet with an IPv6 prefix has an IPv4 prefix too.")
    taken = [
        ip_network(prefix)
        for other in others
        for prefix in Subnet.model_validate(other.properties).prefixes
    ]
    for network in networks:
        prefixes.check_subnet(name, network, space, taken, vnet)
    network = wanted.ipv4
    if network.num_addresses <= prefixes.RESERVED + 1:
        raise SubnetInvalid(name, vnet)


def render_delegations(resource: arm.Resource) -> arm.Resource:
    """Return a subnet whose delegations have ids, and whose policies have Azure's defaults."""
    shown = [
        {
            **each,
            "id": f"{resource.id.text}/delegations/{each['name']}",
            "type": "Microsoft.Network/virtualNetworks/subnets/delegations",
            "properties": {
                **each["properties"],
                "actions": ["Microsoft.Network/virtualNetworks/subnets/action"],
                "provisioningState": "Succeeded",
            },
        }
        for each in resource.properties.get("delegations") or ()
    ]
    defaults = {
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    }
    return resource.with_properties(**{**defaults, **resource.properties, "delegations": shown})


def render_links(subnet: arm.Resource) -> list[dict[str, Any]]:
    """Return the link that says that container groups are in a subnet."""
    return [
        {
            "id": f"{subnet.id.text}/serviceAssociationLinks/acisal",
            "name": "acisal",
            "type": "Microsoft.Network/virtualNetworks/subnets/serviceAssociationLinks",
            "properties": {
                "linkedResourceType": CONTAINER_GROUPS,
                "allowDelete": False,
                "locations": [],
                "provisioningState": "Succeeded",
            },
        }
    ]


def _fold(services: Sequence[str]) -> set[str]:
    return {service.casefold() for service in services}
