"""What a router lets through and rewrites, as the kernel is told it. Pure.

One router, in a namespace of its own, for each virtual network, and one for the groups without.
A group hangs on it by a veth, so that every packet of a group crosses its ``forward`` hook:
between two groups of one subnet too.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import rules as nft_rules
from .nft import Command
from .plans import Port
from .rules import RuleSet, add_chain, add_rule, in_state, match, meta, one_of

DEFAULT = "default"
"""The router of the groups without a virtual network."""
METADATA_ADDRESS = "169.254.169.254"
DNS_ADDRESS = "168.63.129.16"
UPLINK = "up0"
"""The router's way out, to the host."""
_MEMBERS = "g*"


@dataclass(frozen=True, slots=True)
class Member:
    """One group on a router."""

    uid: str
    address: str
    subnet: str
    public_address: str = ""
    ports: tuple[Port, ...] = ()

    @property
    def device(self) -> str:
        """The router's end of the veth; 15 characters at the most."""
        return f"g{hashlib.sha256(self.uid.encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Router:
    """One virtual network's worth of groups."""

    key: str
    number: int
    """Which of the uplink addresses it has."""
    uplink: str
    members: tuple[Member, ...] = ()
    rules: RuleSet = field(default_factory=RuleSet)


def render_router(router: Router) -> list[Command]:
    """Return the content of the router's table."""
    return [
        *_render_bindings(router.members),
        *_render_input(),
        *_render_forward(router),
        *_render_addresses(router),
    ]


def _render_bindings(members: Iterable[Member]) -> list[Command]:
    """Note which address may come from which veth: nobody speaks for another."""
    bound = [{"concat": [member.device, member.address]} for member in members]
    return [_add_set("bound", ["ifname", "ipv4_addr"], bound)]


def _refuse_strangers() -> list[list[dict[str, Any]]]:
    """Return the rules that every chain begins with."""
    place = {"concat": [meta("iifname"), nft_rules.field("ip", "saddr")]}
    return [
        [match(meta("nfproto"), "ipv4", "!="), {"drop": None}],
        [match(meta("iifname"), _MEMBERS), match(place, "@bound", "!="), {"drop": None}],
        [in_state("established", "related"), {"accept": None}],
        [in_state("invalid"), {"drop": None}],
    ]


def _render_input() -> list[Command]:
    """Let groups ask for names and for their identity, and nothing else of the router."""
    services = ((DNS_ADDRESS, "udp", 53), (DNS_ADDRESS, "tcp", 53), (METADATA_ADDRESS, "tcp", 80))
    chain = add_chain("input", type="filter", hook="input", prio=0, policy="drop")
    opening = [add_rule("input", *rule) for rule in _refuse_strangers()]
    from_member = match(meta("iifname"), _MEMBERS)
    doors = [
        add_rule(
            "input",
            from_member,
            match(nft_rules.field("ip", "daddr"), address),
            match(nft_rules.field(protocol, "dport"), port),
            {"accept": None},
        )
        for address, protocol, port in services
    ]
    ping = match({"payload": {"protocol": "icmp", "field": "type"}}, "echo-request")
    return [
        chain,
        *opening,
        *doors,
        add_rule("input", from_member, ping, {"accept": None}),
        add_rule("input", from_member, {"reject": {"type": "icmp", "expr": "admin-prohibited"}}),
    ]


def _render_forward(router: Router) -> list[Command]:
    opening = [add_rule("forward", *rule) for rule in _refuse_strangers()]
    reserved = one_of((f"{METADATA_ADDRESS}/32", f"{DNS_ADDRESS}/32"))
    opening.append(
        add_rule("forward", match(nft_rules.field("ip", "daddr"), reserved), {"drop": None})
    )
    chain = add_chain("forward", type="filter", hook="forward", prio=0, policy="drop")
    published = match({"ct": {"key": "status"}}, "dnat", "in")
    outward = match(meta("oifname"), UPLINK)
    if router.key == DEFAULT:
        return [
            chain,
            *opening,
            add_rule("forward", published, {"accept": None}),
            add_rule("forward", match(meta("iifname"), _MEMBERS), outward, {"accept": None}),
        ]
    inside = (match(meta("iifname"), _MEMBERS), match(meta("oifname"), _MEMBERS))
    return [
        *_render_lists(router),
        chain,
        *opening,
        add_rule("forward", match(meta("iifname"), _MEMBERS), _look_up("saddr", "outbound")),
        add_rule("forward", match(meta("oifname"), _MEMBERS), _look_up("daddr", "inbound")),
        add_rule("forward", published, {"accept": None}),
        add_rule("forward", *inside, {"accept": None}),
        add_rule("forward", match(meta("iifname"), _MEMBERS), outward, {"accept": None}),
    ]


def _render_lists(router: Router) -> list[Command]:
    """Return a chain for every list of rules, and the maps from addresses to chains."""
    chains: dict[str, list[Command]] = {}
    maps: dict[str, list[Any]] = {"outbound": [], "inbound": []}
    for member in router.members:
        subnet = router.rules.find_subnet(member.address)
        for way, found in maps.items():
            if subnet is None:
                found.append([member.address, {"drop": None}])
                continue
            lines = subnet.inbound if way == "inbound" else subnet.outbound
            if lines is not None:
                name = nft_rules.name_chain(lines)
                chains[name] = nft_rules.compile_chain(lines)
                found.append([member.address, {"jump": {"target": name}}])
    return [
        *(command for chain in chains.values() for command in chain),
        *(_add_map(way, ["ipv4_addr"], "verdict", found) for way, found in maps.items()),
    ]


def _render_addresses(router: Router) -> list[Command]:
    """Return the rewriting of public addresses into private ones and back."""
    published = [
        [{"concat": [member.public_address, port.protocol.lower(), port.number]}, member.address]
        for member in router.members
        if member.public_address
        for port in dict.fromkeys(member.ports)
    ]
    own = [[each.address, each.public_address] for each in router.members if each.public_address]
    key = {
        "concat": [
            nft_rules.field("ip", "daddr"),
            meta("l4proto"),
            nft_rules.field("th", "dport"),
        ]
    }
    with_ports = match(meta("l4proto"), {"set": ["tcp", "udp"]})
    source = nft_rules.field("ip", "saddr")
    outward = match(meta("oifname"), UPLINK)
    commands = [
        _add_map("published", ["ipv4_addr", "inet_proto", "inet_service"], "ipv4_addr", published),
        _add_map("own", ["ipv4_addr"], "ipv4_addr", own),
        _add_set("public", ["ipv4_addr"], [address for address, _ in own]),
        add_chain("prerouting", type="nat", hook="prerouting", prio=-100, policy="accept"),
        add_rule(
            "prerouting", with_ports, {"dnat": {"family": "ip", "addr": _map(key, "@published")}}
        ),
        add_chain("postrouting", type="nat", hook="postrouting", prio=100, policy="accept"),
        add_rule(
            "postrouting",
            outward,
            match(source, "@public"),
            {"snat": {"family": "ip", "addr": _map(source, "@own")}},
        ),
        add_rule("postrouting", outward, {"snat": {"family": "ip", "addr": router.uplink}}),
    ]
    # To itself by its public address: it must look like a stranger, or it drops its own packets.
    commands += [
        add_rule(
            "postrouting",
            match(source, address),
            match(nft_rules.field("ip", "daddr"), address),
            {"snat": {"family": "ip", "addr": router.uplink}},
        )
        for address, _ in own
    ]
    return commands


def _look_up(name: str, way: str) -> dict[str, Any]:
    return {"vmap": {"key": nft_rules.field("ip", name), "data": f"@{way}"}}


def _map(key: dict[str, Any], data: str) -> dict[str, Any]:
    return {"map": {"key": key, "data": data}}


def _add_set(name: str, type_: list[str], elements: list[Any]) -> Command:
    body: dict[str, Any] = {
        "family": "inet",
        "table": nft_rules.TABLE,
        "name": name,
        "type": type_ if len(type_) > 1 else type_[0],
    }
    return {"add": {"set": {**body, **({"elem": elements} if elements else {})}}}


def _add_map(name: str, type_: list[str], value: str, elements: list[Any]) -> Command:
    body: dict[str, Any] = {
        "family": "inet",
        "table": nft_rules.TABLE,
        "name": name,
        "type": type_ if len(type_) > 1 else type_[0],
        "map": value,
    }
    return {"add": {"map": {**body, **({"elem": elements} if elements else {})}}}
