"""What a router lets through and rewrites, as the kernel is told it. Pure.

One router, in a namespace of its own, for each virtual network, and one for the groups without.
A group hangs on it by a veth, so that every packet of a group crosses its ``forward`` hook:
between two groups of one subnet too.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import rules as nft_rules
from .nft import Command
from .plans import Balanced, Port
from .rules import Family, RuleSet, add_chain, add_rule, in_state, match, meta, of_family, one_of

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
    "bound6": ["ifname", "ipv6_addr"],
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
_FAMILIES: tuple[tuple[Family, str, str], ...] = (
    ("ip", "ipv4_addr", ""),
    ("ip6", "ipv6_addr", "6"),
)
"""Each version of IP, what an address of it is, and how names of what is about it end."""


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
    ipv6: str = ""
    """The address that it has besides, or nothing."""

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

    @property
    def families(self) -> Sequence[tuple[Family, str, str]]:
        """The versions of IP that anybody on it has an address of."""
        return _FAMILIES if any(member.ipv6 for member in self.members) else _FAMILIES[:1]

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
        *_render_strangers(router),
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
        if member.ipv6:
            found["bound6"].append({"concat": [member.device, member.ipv6]})
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


def _render_strangers(router: Router) -> list[Command]:
    """Return the chain that drops what a member says in a name that is not its own."""
    places = [
        ({"concat": [meta("iifname"), nft_rules.field(family, "saddr")]}, f"@bound{end}")
        for family, _, end in router.families
    ]
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
            for member in router.members
            if member.routed
        ),
        *(add_rule(_STRANGERS, match(place, own, "!="), {"drop": None}) for place, own in places),
    ]


def _refuse_strangers(*, with_ipv6: bool = False) -> list[list[dict[str, Any]]]:
    """Return the rules that every chain begins with."""
    other = [match(meta("nfproto"), "ipv4", "!="), {"drop": None}]
    return [
        *([] if with_ipv6 else [other]),
        [match(meta("iifname"), _MEMBERS), {"jump": {"target": _STRANGERS}}],
        [in_state("established", "related"), {"accept": None}],
        [in_state("invalid"), {"drop": None}],
    ]


def _render_input() -> list[Command]:
    """Let groups ask for names and for their identity, and nothing else of the router.

    Nothing at all by version 6: who is whose neighbour is written down, so that nobody asks.
    """
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
    with_ipv6 = len(router.families) > 1
    opening = [add_rule("forward", *rule) for rule in _refuse_strangers(with_ipv6=with_ipv6)]
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
        *_render_look_ups(router),
        add_rule("forward", outward, match(meta("nfproto"), "ipv6"), {"drop": None}),
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
    return [
        add_rule(
            "forward",
            match(meta("iifname"), _PEERS),
            *([match(meta("iifname"), known, "!=")] if peers else []),
            {"drop": None},
        ),
        *(
            add_rule("forward", match(meta("iifname"), device), foreign, {"drop": None})
            for device, peer in peers
            for foreign in _list_foreign(peer)
        ),
    ]


def _list_foreign(peer: nft_rules.Peer) -> Iterator[dict[str, Any]]:
    """Yield the questions whether an address, of each family, is none of a peer's."""
    for family, type_, _ in _FAMILIES:
        space = of_family(peer.space, family)
        if space:
            yield match(nft_rules.field(family, "saddr"), one_of(space), "!=")
        else:
            yield match(meta("nfproto"), type_.partition("_")[0])


def _render_lists(router: Router) -> list[Command]:
    """Return a chain for every list of rules, and the maps from addresses to chains."""
    chains: dict[str, list[Command]] = {}
    maps: list[Command] = []
    for family, type_, end in router.families:
        mine = [
            address
            for member in router.members
            for address in of_family(filter(None, (member.address, member.ipv6)), family)
        ]
        for way in ("outbound", "inbound"):
            found: list[Any] = []
            for address in mine:
                subnet = router.rules.find_subnet(address)
                if subnet is None:
                    found.append([address, {"drop": None}])
                    continue
                lines = subnet.inbound if way == "inbound" else subnet.outbound
                if lines is not None:
                    name = nft_rules.name_chain(lines)
                    chains[name] = nft_rules.compile_chain(lines)
                    found.append([address, {"jump": {"target": name}}])
            maps.append(_add_map(f"{way}{end}", [type_], "verdict", found))
    return [*(command for chain in chains.values() for command in chain), *maps]


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


def _render_look_ups(router: Router) -> list[Command]:
    """Return the rules that hold a packet against its sender's rules, then its receiver's."""
    ways = (("iifname", "saddr", "outbound"), ("oifname", "daddr", "inbound"))
    return [
        add_rule(
            "forward",
            match(meta(device), _MEMBERS),
            {"vmap": {"key": nft_rules.field(family, name), "data": f"@{way}{end}"}},
        )
        for device, name, way in ways
        for family, _, end in router.families
    ]


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
