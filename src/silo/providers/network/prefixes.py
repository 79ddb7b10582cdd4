"""Prefixes of virtual networks and subnets: read, contained, apart. Pure."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from .errors import (
    AddressPrefixReserved,
    AddressSpaceOverlap,
    InvalidAddressPrefixFormat,
    InvalidCIDRNotation,
    NotSupported,
    SubnetInvalid,
    SubnetOutsideNetwork,
    SubnetsOverlap,
)

_RESERVED_RANGES = tuple(
    IPv4Network(prefix)
    for prefix in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "255.255.255.255/32",
    )
)
"""Nowhere a network's own: this host, loopback, Azure's services, link-local, multicast."""
SMALLEST_SUBNET = 29
RESERVED = 4
"""The network's own address, the gateway and two of Azure's; and the last one."""


def read_prefix(text: str, resource: str) -> IPv4Network:
    """Return a prefix as it is meant, or say in Azure's words what is wrong with it."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise InvalidAddressPrefixFormat(text, resource) from None
    if isinstance(network, IPv6Network):
        raise NotSupported(f"The IPv6 prefix {text} of {resource}")
    if "/" not in text:
        raise InvalidAddressPrefixFormat(text, resource)
    if str(network.network_address) != text.partition("/")[0]:
        raise InvalidCIDRNotation(text, resource, str(network))
    return network


def read_space(prefixes: Iterable[str], resource: str) -> list[IPv4Network]:
    """Return the address space of a virtual network; no part of it may be there twice."""
    found: list[IPv4Network] = []
    for text in prefixes:
        network = read_prefix(text, resource)
        for reserved in _RESERVED_RANGES:
            if network.overlaps(reserved):
                raise AddressPrefixReserved(str(network), resource, str(reserved))
        for other in found:
            if network.overlaps(other):
                raise AddressSpaceOverlap(str(network), str(other), resource)
        found.append(network)
    return found


def check_subnet(
    name: str,
    network: IPv4Network,
    space: Iterable[IPv4Network],
    others: Iterable[IPv4Network],
    vnet: str,
) -> None:
    """Refuse a subnet that is too small, lies outside, or meets another one."""
    if network.prefixlen > SMALLEST_SUBNET:
        raise SubnetInvalid(name, vnet)
    if not any(network.subnet_of(part) for part in space):
        raise SubnetOutsideNetwork(name, vnet)
    if any(network.overlaps(other) for other in others):
        raise SubnetsOverlap(name, vnet)


def subtract(everything: IPv4Network, parts: Sequence[IPv4Network]) -> list[IPv4Network]:
    """Return what is left of a network without some parts of it."""
    left = [everything]
    for part in parts:
        left = [
            piece
            for whole in left
            for piece in (
                whole.address_exclude(part)
                if part.subnet_of(whole)
                else ([] if whole.subnet_of(part) else [whole])
            )
        ]
    return left
