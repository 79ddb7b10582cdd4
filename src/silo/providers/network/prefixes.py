"""Prefixes of virtual networks and subnets: read, contained, apart. Pure.

A network has IPv4, or IPv4 and IPv6; never IPv6 alone.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from .errors import (
    AddressPrefixReserved,
    AddressSpaceOverlap,
    AddressSpaceWithoutIPv4,
    InvalidAddressPrefixFormat,
    InvalidCIDRNotation,
    SubnetInvalid,
    SubnetOutsideNetwork,
    SubnetsOverlap,
)

Network = IPv4Network | IPv6Network
_RESERVED_RANGES: tuple[Network, ...] = tuple(
    ip_network(prefix)
    for prefix in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/8",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Nowhere a network's own: this host, loopback, Azure's services, link-local, multicast."""
SMALLEST_SUBNET = 29
IPV6_SUBNET = 64
"""The one length that a subnet's IPv6 prefix has."""
RESERVED = 4
"""The network's own address, the gateway and two of Azure's; and the last one."""


def read_prefix(text: str, resource: str) -> Network:
    """Return a prefix as it is meant, or say in Azure's words what is wrong with it."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise InvalidAddressPrefixFormat(text, resource) from None
    if "/" not in text or "%" in text:
        raise InvalidAddressPrefixFormat(text, resource)
    if network.network_address != ip_address(text.partition("/")[0]):
        raise InvalidCIDRNotation(text, resource, str(network))
    return network


def read_space(prefixes: Iterable[str], resource: str) -> list[Network]:
    """Return the address space of a virtual network; no part of it may be there twice."""
    found: list[Network] = []
    for text in prefixes:
        network = read_prefix(text, resource)
        for reserved in _RESERVED_RANGES:
            if network.overlaps(reserved):
                raise AddressPrefixReserved(str(network), resource, str(reserved))
        for other in found:
            if network.overlaps(other):
                raise AddressSpaceOverlap(str(network), str(other), resource)
        found.append(network)
    if not any(isinstance(network, IPv4Network) for network in found):
        raise AddressSpaceWithoutIPv4(resource)
    return found


def check_subnet(
    name: str,
    network: Network,
    space: Iterable[Network],
    others: Iterable[Network],
    vnet: str,
) -> None:
    """Refuse a subnet that is too small, lies outside, or meets another one."""
    if isinstance(network, IPv6Network) and network.prefixlen != IPV6_SUBNET:
        raise SubnetInvalid(name, vnet, f"The length of its IPv6 prefix {network} must be /64.")
    if isinstance(network, IPv4Network) and network.prefixlen > SMALLEST_SUBNET:
        raise SubnetInvalid(name, vnet)
    if not any(_lies_in(network, part) for part in space):
        raise SubnetOutsideNetwork(name, vnet)
    if any(network.overlaps(other) for other in others):
        raise SubnetsOverlap(name, vnet)


def find_twin(ipv4: IPv4Network, ipv6: IPv6Network, address: IPv4Address) -> IPv6Address:
    """Return the address that has the place in one prefix that another has in the other.

    Whoever holds an IPv4 address of a subnet has this one too: it needs no books of its own.
    """
    return ipv6[int(address) - int(ipv4.network_address)]


def subtract(everything: Network, parts: Sequence[Network]) -> list[Network]:
    """Return what is left of a network without some parts of it, of its own family."""
    left: list[Any] = [everything]
    for part in parts:
        left = [
            piece
            for whole in left
            for piece in (
                whole.address_exclude(part)
                if _lies_in(part, whole)
                else ([] if _lies_in(whole, part) else [whole])
            )
        ]
    return left


def _lies_in(inner: Any, outer: Any) -> bool:
    return inner.version == outer.version and bool(inner.subnet_of(outer))
