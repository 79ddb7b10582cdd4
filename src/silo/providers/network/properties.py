"""Wire shapes of Microsoft.Network, as az and the SDKs send them.

Source: https://learn.microsoft.com/rest/api/virtualnetwork (2024-07-01, 2025-07-01).
"""

import ipaddress
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from silo import arm

NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?"
"""What a whole name must match, wherever it is sent."""


def _without_nulls(values: Any) -> Any:
    return [] if values is None else values


Texts = Annotated[tuple[str, ...], BeforeValidator(_without_nulls)]
Access = Annotated[Literal["Allow", "Deny"], arm.in_casing_of("Allow", "Deny")]
Direction = Annotated[Literal["Inbound", "Outbound"], arm.in_casing_of("Inbound", "Outbound")]
Protocol = Annotated[
    Literal["Tcp", "Udp", "Icmp", "Esp", "Ah", "*"],
    arm.in_casing_of("Tcp", "Udp", "Icmp", "Esp", "Ah", "*"),
]


class Reference(arm.Shape):
    """Another resource."""

    id: str


class Named(arm.Shape):
    """Something sent back of which only the name counts."""

    name: str = ""


class AddressSpace(arm.Shape):
    """The prefixes of a virtual network."""

    address_prefixes: tuple[str, ...] = Field(min_length=1)


class DelegationProperties(arm.Shape):
    """Whom a subnet is left to."""

    service_name: str = ""
    actions: Texts = ()


class Delegation(arm.Shape):
    """An item of a subnet's ``delegations``."""

    name: str
    properties: DelegationProperties = DelegationProperties()


class Subnet(arm.Shape):
    """The properties of a subnet."""

    address_prefix: str | None = None
    address_prefixes: tuple[str, ...] | None = None
    network_security_group: Reference | None = None
    delegations: tuple[Delegation, ...] | None = None
    default_outbound_access: bool | None = None

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The prefixes, however they were sent."""
        return self.address_prefixes or ((self.address_prefix,) if self.address_prefix else ())

    @property
    def ipv4(self) -> IPv4Network:
        """The IPv4 prefix, which every stored subnet has."""
        return IPv4Network(next(each for each in self.prefixes if ":" not in each))

    @property
    def ipv6(self) -> IPv6Network | None:
        """The IPv6 prefix, if it has one."""
        return next((IPv6Network(each) for each in self.prefixes if ":" in each), None)

    @property
    def services(self) -> tuple[str, ...]:
        """The services that the subnet is delegated to."""
        return tuple(each.properties.service_name for each in self.delegations or ())


class InlineSubnet(arm.Shape):
    """A subnet in the body of its virtual network."""

    name: str = Field(pattern=f"^{NAME}$")
    properties: Subnet = Subnet()


def _check_server(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


class DhcpOptions(arm.Shape):
    """What groups of a virtual network are told."""

    dns_servers: Annotated[
        tuple[Annotated[str, AfterValidator(_check_server)], ...], BeforeValidator(_without_nulls)
    ] = ()


class VirtualNetwork(arm.Shape):
    """The properties of a virtual network."""

    address_space: AddressSpace
    dhcp_options: DhcpOptions | None = None
    subnets: tuple[InlineSubnet, ...] | None = None
    """None: the subnets stay as they are."""
    enable_ddos_protection: bool | None = None
    enable_vm_protection: bool | None = None
    virtual_network_peerings: tuple[Named, ...] | None = None
    """As they come back from a client that read them; a peering is made by itself."""


class Peering(arm.Shape):
    """The properties of a peering of two virtual networks, as one side has it."""

    remote_virtual_network: Reference
    allow_virtual_network_access: bool = True
    allow_forwarded_traffic: bool = False
    allow_gateway_transit: bool = False
    use_remote_gateways: bool = False
    peer_complete_vnets: bool = True
    peering_state: str = ""
    """Kept only as ``Disconnected``: the other side was there, and went."""


class SecurityRule(arm.Shape):
    """The properties of a rule of a network security group."""

    priority: int
    direction: Direction
    access: Access
    protocol: Protocol
    source_address_prefix: str | None = None
    source_address_prefixes: Texts = ()
    source_port_range: str | None = None
    source_port_ranges: Texts = ()
    destination_address_prefix: str | None = None
    destination_address_prefixes: Texts = ()
    destination_port_range: str | None = None
    destination_port_ranges: Texts = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source that is named."""
        return _join(self.source_address_prefix, self.source_address_prefixes)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination that is named."""
        return _join(self.destination_address_prefix, self.destination_address_prefixes)

    @property
    def source_ports(self) -> tuple[str, ...]:
        """Every source port that is named."""
        return _join(self.source_port_range, self.source_port_ranges)

    @property
    def destination_ports(self) -> tuple[str, ...]:
        """Every destination port that is named."""
        return _join(self.destination_port_range, self.destination_port_ranges)


class InlineRule(arm.Shape):
    """A rule in the body of its group."""

    name: str = Field(pattern=f"^{NAME}$")
    properties: SecurityRule


class SecurityGroup(arm.Shape):
    """The properties of a network security group."""

    security_rules: tuple[InlineRule, ...] | None = None
    """None: the rules stay as they are."""


def _check_minutes(minutes: int) -> int:
    if not 4 <= minutes <= 30:  # noqa: PLR2004 - Azure's limits
        raise ValueError("it must be between 4 and 30")
    return minutes


class PublicAddress(arm.Shape):
    """The properties of a public IP address."""

    public_ip_allocation_method: Annotated[
        Literal["Static", "Dynamic"], arm.in_casing_of("Static", "Dynamic")
    ] = Field(default="Dynamic", alias="publicIPAllocationMethod")
    public_ip_address_version: Annotated[
        Literal["IPv4", "IPv6"], arm.in_casing_of("IPv4", "IPv6")
    ] = Field(default="IPv4", alias="publicIPAddressVersion")
    idle_timeout_in_minutes: Annotated[int, AfterValidator(_check_minutes)] = 4


def _join(one: str | None, several: tuple[str, ...]) -> tuple[str, ...]:
    return ((one,) if one else ()) + tuple(each for each in several if each != one)
