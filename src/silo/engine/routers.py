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
from .plans import Balanced, Port
from .rules import RuleSet, add_chain, add_rule, in_state, match, meta, one_of

DEFAULT = "default"
"""The router of the groups without a virtual network."""
METADATA_ADDRESS = "169.254.169.254"
DNS_ADDRESS = "168.63.129.16"
UPLINK = "up0"
"""The router's way out, to the host."""
_MEMBERS = "g*"
_PEERS = "p*"
_STRANGERS = "strangers"
_SETS = {
    "bound": ["ifname", "ipv4_addr"],
    "itself": ["ipv4_addr", "ipv4_addr"],
    "balanced": ["ipv4_addr", "inet_proto", "inet_service"],
}
"""Which address may come from which veth: nobody speaks for another. Who has a public one. And
what several groups answer for."""
_MAPS = {
    "published": ["ipv4_addr", "inet_proto", "inet_service"],
    "own": ["ipv4_addr"],
}
"""Public address, protocol and port to private address; private to public address."""


@dataclass(frozen=True, slots=True)
class Member:
    """One group on a router."""

    uid: str
    address: str
    subnet: str
    public_address: str = ""
    ports: tuple[Port, ...] = ()
    routed: tuple[str, ...] = ()
    """Prefixes that lie behind it: it speaks for them, and they are looked for there."""

    @property
    def owner(self) -> str:
        """Who lives and goes as a whole: of ``OWNER.PART`` the owner, else the group itself."""
        return self.uid.partition(".")[0]

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
    balanced: tuple[Balanced, ...] = ()

    def list_behind(self, balanced: Balanced) -> list[Member]:
        """Return who answers for an address."""
        return [member for member in self.members if member.uid in balanced.members]

    @property
    def peer_device(self) -> str:
        """What leads to this router from one that it is joined to."""
        return f"p{hashlib.sha256(self.key.encode()).hexdigest()[:12]}"


def render_router(router: Router) -> list[Command]:
    """Return the content of the router's table."""
    return [
        *_render_sets(router),
        *_render_strangers(router.members),
        *_render_input(),
        *_render_forward(router),
        *_render_addresses(router),
    ]


def add_member(member: Member) -> list[Command]:
    """Return what puts a group's addresses in force beside those of the others."""
    return _change_elements("add", member)


def delete_member(member: Member) -> list[Command]:
    """Return what undoes ``add_member``."""
    return _change_elements("delete", member)


def _change_elements(verb: str, member: Member) -> list[Command]:
    place = {"family": "inet", "table": nft_rules.TABLE}
    return [
        {verb: {"element": {**place, "name": name, "elem": elements}}}
        for name, elements in _list_elements([member]).items()
        if elements
    ]


def _list_elements(members: Iterable[Member]) -> dict[str, list[Any]]:
    """Return what the sets and maps of a router hold of these groups, by name."""
    found: dict[str, list[Any]] = {name: [] for name in (*_SETS, *_MAPS)}
    for member in members:
        found["bound"].append({"concat": [member.device, member.address]})
        if not member.public_address:
            continue
        found["own"].append([member.address, member.public_address])
        found["itself"].append({"concat": [member.address, member.address]})
        found["published"] += [
            [
                {"concat": [member.public_address, port.protocol.lower(), port.number]},
                member.address,
            ]
            for port in dict.fromkeys(member.ports)
        ]
    return found


def _render_sets(router: Router) -> list[Command]:
    elements = _list_elements(router.members)
    for each in router.balanced:
        elements["bound"] += [
            {"concat": [member.device, each.address]} for member in router.list_behind(each)
        ]
        elements["balanced"] += [
            {"concat": [each.address, port.protocol.lower(), port.number]}
            for port in dict.fromkeys(each.ports)
        ]
    sets = [_add_set(name, type_, elements[name]) for name, type_ in _SETS.items()]
    maps = [_add_map(name, type_, "ipv4_addr", elements[name]) for name, type_ in _MAPS.items()]
    return [*sets, *maps]


def _render_strangers(members: Iterable[Member]) -> list[Command]:
    """Return the chain that drops what a member says in a name that is not its own."""
    place = {"concat": [meta("iifname"), nft_rules.field("ip", "saddr")]}
    source = nft_rules.field("ip", "saddr")
    return [
        add_chain(_STRANGERS),
        *(
            add_rule(
                _STRANGERS,
                match(meta("iifname"), member.device),
                match(source, one_of(member.routed)),
                {"return": None},
            )
            for member in members
            if member.routed
        ),
        add_rule(_STRANGERS, match(place, "@bound", "!="), {"drop": None}),
    ]


def _refuse_strangers() -> list[list[dict[str, Any]]]:
    """Return the rules that every chain begins with."""
    return [
        [match(meta("nfproto"), "ipv4", "!="), {"drop": None}],
        [match(meta("iifname"), _MEMBERS), {"jump": {"target": _STRANGERS}}],
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
    asked = [nft_rules.field("ip", "daddr"), meta("l4proto"), nft_rules.field("th", "dport")]
    balanced = match({"concat": asked}, "@balanced")
    # From one peer to another there is no way, nor from a peer to the world.
    ways = ((_MEMBERS, _MEMBERS), (_MEMBERS, _PEERS), (_PEERS, _MEMBERS), (_MEMBERS, UPLINK))
    passing = [(match(meta("iifname"), come), match(meta("oifname"), go)) for come, go in ways]
    return [
        *_render_lists(router),
        chain,
        *_refuse_strange_peers(router),
        *opening,
        add_rule("forward", match(meta("iifname"), _MEMBERS), _look_up("saddr", "outbound")),
        add_rule("forward", match(meta("oifname"), _MEMBERS), _look_up("daddr", "inbound")),
        add_rule("forward", published, {"accept": None}),
        add_rule("forward", match(meta("oifname"), _MEMBERS), balanced, {"accept": None}),
        *_shut_in(router, outward),
        *(add_rule("forward", *way, {"accept": None}) for way in passing),
    ]


def _shut_in(router: Router, outward: dict[str, Any]) -> list[Command]:
    """Keep those inside whose subnet has no way out, unless they have an address of their own."""
    inside = [
        member.address
        for member in router.members
        if (subnet := router.rules.find_subnet(member.address))
        and not subnet.has_way_out
        and not member.public_address
    ]
    if not inside:
        return []
    source = match(nft_rules.field("ip", "saddr"), one_of(inside))
    return [add_rule("forward", source, outward, {"drop": None})]


def _refuse_strange_peers(router: Router) -> list[Command]:
    """Return the rules by which a network speaks with addresses of its own alone."""
    peers = [(Router(peer.router, 0, "").peer_device, peer) for peer in router.rules.peers]
    known = {"set": [device for device, _ in peers]}
    source = nft_rules.field("ip", "saddr")
    return [
        add_rule(
            "forward",
            match(meta("iifname"), _PEERS),
            *([match(meta("iifname"), known, "!=")] if peers else []),
            {"drop": None},
        ),
        *(
            add_rule(
                "forward",
                match(meta("iifname"), device),
                match(source, one_of(peer.space), "!="),
                {"drop": None},
            )
            for device, peer in peers
        ),
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
    source, target = nft_rules.field("ip", "saddr"), nft_rules.field("ip", "daddr")
    asked = {"concat": [target, meta("l4proto"), nft_rules.field("th", "dport")]}
    with_ports = match(meta("l4proto"), {"set": ["tcp", "udp"]})
    outward = match(meta("oifname"), UPLINK)
    as_router = {"snat": {"family": "ip", "addr": router.uplink}}
    return [
        add_chain("prerouting", type="nat", hook="prerouting", prio=-100, policy="accept"),
        add_rule(
            "prerouting",
            with_ports,
            {"dnat": {"family": "ip", "addr": _map(asked, "@published")}},
        ),
        add_chain("postrouting", type="nat", hook="postrouting", prio=100, policy="accept"),
        # Whoever has a public address goes out with it; everybody else with the router's.
        add_rule("postrouting", outward, {"snat": {"family": "ip", "addr": _map(source, "@own")}}),
        add_rule("postrouting", outward, as_router),
        # To itself by its public address: else it would drop its own packets.
        add_rule("postrouting", match({"concat": [source, target]}, "@itself"), as_router),
    ]


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
