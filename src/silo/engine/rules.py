"""Which packets a network lets through: plain values, and how the kernel is told. Pure.

Whoever asks has put its own words into prefixes, ports and an order already.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .nft import Command

Transport = Literal["tcp", "udp", "sctp", "icmp", "esp", "ah"]
PortRange = tuple[int, int]
Expression = dict[str, Any]
Family = Literal["ip", "ip6"]

TABLE = "silo"
"""In every router's own namespace; on the host the table carries the instance's name."""
_EVERYTHING = {"0.0.0.0/0", "::/0"}
_VERSIONS: dict[Family, str] = {"ip": "ipv4", "ip6": "ipv6"}
_ICMP: dict[Family | None, Any] = {
    "ip": "icmp",
    "ip6": "ipv6-icmp",
    None: {"set": ["icmp", "ipv6-icmp"]},
}
"""What the word means in each version of IP."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a list that is read in order of priority until one fits.

    ``None`` is anything; an empty tuple fits nothing.
    """

    name: str
    priority: int
    allow: bool
    protocol: Transport | None = None
    sources: tuple[str, ...] | None = None
    source_ports: tuple[PortRange, ...] | None = None
    destinations: tuple[str, ...] | None = None
    destination_ports: tuple[PortRange, ...] | None = None


@dataclass(frozen=True, slots=True)
class SubnetRules:
    """What may enter and leave the groups of one subnet; ``None`` is everything."""

    prefixes: tuple[str, ...]
    inbound: tuple[Rule, ...] | None = None
    outbound: tuple[Rule, ...] | None = None
    has_way_out: bool = True
    """Whether who has no public address gets out of the virtual network all the same."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another virtual network that packets may come from and go to, as far as rules let them."""

    router: str
    space: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of a whole virtual network; a subnet that is not named lets nothing through."""

    space: tuple[str, ...] = ()
    """The address space; inside it nothing is looked for elsewhere."""
    subnets: tuple[SubnetRules, ...] = ()
    peers: tuple[Peer, ...] = ()
    """Only one that names this network in turn is really joined to it."""

    def find_peer(self, router: str) -> Peer | None:
        """Return a peer by its router."""
        return next((peer for peer in self.peers if peer.router == router), None)

    def find_subnet(self, address: str) -> SubnetRules | None:
        """Return the rules for an address."""
        wanted = ipaddress.ip_address(address)
        for subnet in self.subnets:
            if any(wanted in ipaddress.ip_network(prefix) for prefix in subnet.prefixes):
                return subnet
        return None


def name_chain(rules: Sequence[Rule]) -> str:
    """Return the name of the chain for these rules: equal rules share one."""
    return f"rules-{hashlib.sha256(repr(tuple(rules)).encode()).hexdigest()[:16]}"


def compile_chain(rules: Sequence[Rule]) -> list[Command]:
    """Return a chain that returns for what is allowed and drops everything else."""
    name = name_chain(rules)
    commands: list[Command] = [add_chain(name)]
    for rule in sorted(rules, key=lambda each: each.priority):
        verdict: Expression = {"return": None} if rule.allow else {"drop": None}
        commands += [add_rule(name, *found, verdict) for found in _compile_matches(rule)]
    return [*commands, add_rule(name, {"drop": None})]


def add_chain(name: str, **hook: Any) -> Command:
    """Return the command that adds a chain; with ``type``, ``hook``, … a chain of the kernel's."""
    return {"add": {"chain": {"family": "inet", "table": TABLE, "name": name, **hook}}}


def add_rule(chain: str, *expressions: Expression) -> Command:
    """Return the command that adds a rule to the end of a chain."""
    rule = {"family": "inet", "table": TABLE, "chain": chain, "expr": list(expressions)}
    return {"add": {"rule": rule}}


def in_table(table: str, content: Iterable[Command]) -> list[Command]:
    """Put content written for a router's table into another."""

    def rename(command: Command) -> Command:
        ((verb, item),) = command.items()
        ((kind, body),) = item.items()
        return {verb: {kind: {**body, "table": table}}}

    return [rename(command) for command in content]


def match(left: Expression, right: Any, op: str = "==") -> Expression:
    """Return a comparison."""
    return {"match": {"op": op, "left": left, "right": right}}


def meta(key: str) -> Expression:
    """Return something known of a packet from outside it: ``iifname``, ``l4proto``, …."""
    return {"meta": {"key": key}}


def field(protocol: str, name: str) -> Expression:
    """Return a field of a packet's header; ``th`` is the transport header of any protocol."""
    return {"payload": {"protocol": protocol, "field": name}}


def in_state(*states: str) -> Expression:
    """Return the question whether a packet's connection is in one of the states."""
    return match({"ct": {"key": "state"}}, list(states), "in")


def one_of(prefixes: Iterable[str]) -> Expression:
    """Return a set of addresses and prefixes of one family, which may overlap as given."""
    networks: Any = ipaddress.collapse_addresses(ipaddress.ip_network(each) for each in prefixes)
    return {"set": [_render_network(network) for network in networks]}


def of_family(prefixes: Iterable[str], family: Family) -> list[str]:
    """Return those that are of one version of IP."""
    return [each for each in prefixes if (":" in each) == (family == "ip6")]


def _render_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Any:
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return {"prefix": {"addr": str(network.network_address), "len": network.prefixlen}}


def _compile_matches(rule: Rule) -> Iterator[list[Expression]]:
    """Yield the conditions of a rule, for each family that it tells apart; none if none fits."""
    listed = (rule.sources, rule.destinations, rule.source_ports, rule.destination_ports)
    if any(each == () for each in listed):
        return
    ports = (("sport", rule.source_ports), ("dport", rule.destination_ports))
    has_ports = any(not _is_every_port(ranges) for _, ranges in ports)
    if has_ports and rule.protocol not in {None, "tcp", "udp", "sctp"}:
        return  # a protocol without ports has none that fits
    for family in _list_families(rule):
        found = _match_addresses(rule, family)
        if rule.protocol is not None:
            asked = _ICMP[family] if rule.protocol == "icmp" else rule.protocol
            found.append(match(meta("l4proto"), asked))
        elif has_ports:
            found.append(match(meta("l4proto"), {"set": ["tcp", "udp"]}))
        for name, ranges in ports:
            if ranges is not None and not _is_every_port(ranges):
                found.append(match(field("th", name), {"set": _merge(ranges)}))
        yield found


def _list_families(rule: Rule) -> list[Family | None]:
    """Return the families that a rule has addresses of on both sides; None is any of them."""
    listed = [each for each in (rule.sources, rule.destinations) if each is not None]
    if not listed:
        return [None]
    return [each for each in _VERSIONS if all(of_family(prefixes, each) for prefixes in listed)]


def _match_addresses(rule: Rule, family: Family | None) -> list[Expression]:
    if family is None:
        return []
    found = [
        match(field(family, name), one_of(of_family(prefixes, family)))
        for name, prefixes in (("saddr", rule.sources), ("daddr", rule.destinations))
        if prefixes is not None and not _EVERYTHING & set(of_family(prefixes, family))
    ]
    return found or [match(meta("nfproto"), _VERSIONS[family])]


def _is_every_port(ranges: tuple[PortRange, ...] | None) -> bool:
    return ranges is None or any(low <= 0 and high >= 65535 for low, high in ranges)  # noqa: PLR2004


def _merge(ranges: Iterable[PortRange]) -> list[Any]:
    """Return ranges as the kernel takes them: in order, none touching another."""
    merged: list[list[int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return [low if low == high else {"range": [low, high]} for low, high in merged]
