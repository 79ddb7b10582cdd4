"""Network security rules: checked, and turned into what the engine knows. Pure.

Source: https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal

from silo import engine

from . import prefixes
from .errors import (
    NotSupported,
    RuleAddressInvalid,
    RuleConflict,
    RuleFamiliesMixed,
    RuleInvalid,
    RulePortInvalid,
    RulePriorityInvalid,
)
from .properties import SecurityRule

LOWEST, HIGHEST = 100, 4096
LOAD_BALANCER = "168.63.129.16/32"
"""Where Azure's health probes come from; nothing else does, here as there."""
_EVERYTHING: tuple[prefixes.Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_LAST_PORT = 65535
_ANY = {"*", "any"}
_TAG = re.compile(r"([a-z]+)(?:\.([a-z0-9]+))?")
_HERE = {"azurecontainerregistry", "storage"}
_EVERYWHERE = {"azureactivedirectory", "azuremonitor", "azureresourcemanager"}
"""Tags of services that Silo is; those of the first may name a region, of which there is one."""
_CLOUD = "azurecloud"
_GROUPS = ("sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups")

DEFAULT_RULES: tuple[tuple[str, SecurityRule], ...] = tuple(
    (
        name,
        SecurityRule.model_validate(
            {
                "description": text,
                "priority": priority,
                "direction": direction,
                "access": access,
                "protocol": "*",
                "sourceAddressPrefix": source,
                "sourcePortRange": "*",
                "destinationAddressPrefix": destination,
                "destinationPortRange": "*",
            }
        ),
    )
    for name, priority, direction, access, source, destination, text in (
        ("AllowVnetInBound", 65000, "Inbound", "Allow", "VirtualNetwork", "VirtualNetwork",
         "Allow inbound traffic from all VMs in VNET"),
        ("AllowAzureLoadBalancerInBound", 65001, "Inbound", "Allow", "AzureLoadBalancer", "*",
         "Allow inbound traffic from azure load balancer"),
        ("DenyAllInBound", 65500, "Inbound", "Deny", "*", "*", "Deny all inbound traffic"),
        ("AllowVnetOutBound", 65000, "Outbound", "Allow", "VirtualNetwork", "VirtualNetwork",
         "Allow outbound traffic from all VMs to all VMs in VNET"),
        ("AllowInternetOutBound", 65001, "Outbound", "Allow", "*", "Internet",
         "Allow outbound traffic from all VMs to Internet"),
        ("DenyAllOutBound", 65500, "Outbound", "Deny", "*", "*", "Deny all outbound traffic"),
    )
)  # fmt: skip
"""What every group ends with, whether anybody likes it or not."""

_PROTOCOLS: Mapping[str, Literal["tcp", "udp", "icmp", "esp", "ah"] | None] = {
    "Tcp": "tcp",
    "Udp": "udp",
    "Icmp": "icmp",
    "Esp": "esp",
    "Ah": "ah",
    "*": None,
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What service tags stand for in one virtual network."""

    space: Sequence[prefixes.Network] = ()
    """VirtualNetwork: this one and all that it is joined to."""
    doors: Sequence[IPv4Network] = ()
    """Where Silo's own services are, for groups."""
    public: Sequence[IPv4Network] = ()
    """AzureCloud, besides: the public addresses of this instance."""


Reading = Callable[[Meaning], list[prefixes.Network]]


def check_rule(name: str, rule: SecurityRule) -> None:
    """Refuse a rule that cannot be put in force as it is written."""
    extra: Mapping[str, Any] = rule.model_extra or {}
    if any(extra.get(key) for key in _GROUPS):
        raise NotSupported("An application security group")
    if not LOWEST <= rule.priority <= HIGHEST:
        raise RulePriorityInvalid(rule.priority)
    for what, given in (
        ("source address prefix", rule.sources),
        ("destination address prefix", rule.destinations),
        ("source port range", rule.source_ports),
        ("destination port range", rule.destination_ports),
    ):
        if not given:
            raise RuleInvalid(f"Security rule {name} has no {what}.")
    for text in (*rule.sources, *rule.destinations):
        _read_addresses(text, Meaning())
    named = [text for text in (*rule.sources, *rule.destinations) if _read_word(text) is None]
    if len({":" in text for text in named}) > 1:
        raise RuleFamiliesMixed(name)
    for text in (*rule.source_ports, *rule.destination_ports):
        _read_ports(text)


def check_conflicts(rules: Iterable[tuple[str, SecurityRule]]) -> None:
    """Refuse two rules of which nobody could say which comes first."""
    seen: dict[tuple[str, int], str] = {}
    for name, rule in rules:
        other = seen.setdefault((rule.direction, rule.priority), name)
        if other.casefold() != name.casefold():
            raise RuleConflict(name, other)


def compile_rules(
    rules: Iterable[tuple[str, SecurityRule]],
    direction: Literal["Inbound", "Outbound"],
    meaning: Meaning,
) -> tuple[engine.Rule, ...]:
    """Return the rules of one direction, Azure's own at the end, in order of priority."""
    chosen = [each for each in (*rules, *DEFAULT_RULES) if each[1].direction == direction]
    return tuple(
        _compile_rule(name, rule, meaning)
        for name, rule in sorted(chosen, key=lambda each: each[1].priority)
    )


def _compile_rule(name: str, rule: SecurityRule, meaning: Meaning) -> engine.Rule:
    return engine.Rule(
        name=name,
        priority=rule.priority,
        allow=rule.access == "Allow",
        protocol=_PROTOCOLS[rule.protocol],
        sources=_join_addresses(rule.sources, meaning),
        source_ports=_join_ports(rule.source_ports),
        destinations=_join_addresses(rule.destinations, meaning),
        destination_ports=_join_ports(rule.destination_ports),
    )


def _join_addresses(texts: Iterable[str], meaning: Meaning) -> tuple[str, ...] | None:
    found = [network for text in texts for network in _read_addresses(text, meaning)]
    if all(each in found for each in _EVERYTHING):
        return None
    families: list[list[Any]] = [
        [network for network in found if network.version == each.version] for each in _EVERYTHING
    ]
    return tuple(
        str(network) for family in families for network in ipaddress.collapse_addresses(family)
    )


def _join_ports(texts: Iterable[str]) -> tuple[tuple[int, int], ...] | None:
    found = [_read_ports(text) for text in texts]
    return None if (0, _LAST_PORT) in found else tuple(sorted(found))


def _read_addresses(text: str, meaning: Meaning) -> list[prefixes.Network]:
    read = _read_word(text)
    if read is not None:
        return read(meaning)
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise RuleAddressInvalid(text) from None
    if "%" in text:
        raise RuleAddressInvalid(text)
    return [network]


def _read_word(text: str) -> Reading | None:
    """Return what reads a star or a tag, which may mean addresses of both versions."""
    word = text.strip().casefold()
    if word in _ANY:
        return lambda _meaning: list(_EVERYTHING)
    tag = _TAG.fullmatch(word)
    return _read_tag(text, tag[1], tag[2]) if tag is not None else None


def _read_tag(text: str, tag: str, region: str | None) -> Reading:
    if tag in _HERE or (tag in _EVERYWHERE and region is None):
        return lambda meaning: list(meaning.doors)
    if tag == _CLOUD:
        return lambda meaning: [*meaning.doors, *meaning.public]
    if region is None and tag == "virtualnetwork":
        return lambda meaning: list(meaning.space)
    if region is None and tag == "internet":
        return lambda meaning: [
            left for each in _EVERYTHING for left in prefixes.subtract(each, meaning.space)
        ]
    if region is None and tag == "azureloadbalancer":
        return lambda _meaning: [IPv4Network(LOAD_BALANCER)]
    raise RuleAddressInvalid(text)


def _read_ports(text: str) -> tuple[int, int]:
    if text.strip() in _ANY:
        return (0, _LAST_PORT)
    found = _PORTS.fullmatch(text.strip())
    if found is None:
        raise RulePortInvalid(text)
    low, high = int(found[1]), int(found[2] or found[1])
    if low > high or high > _LAST_PORT:
        raise RulePortInvalid(text)
    return (low, high)
