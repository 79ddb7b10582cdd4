"""What the machine itself lets groups do, as the kernel is told it. Pure.

Groups may go out into the world and to Silo's doors. They reach nothing else of this machine, and
its own traffic is none of our business.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network

from .nft import Command, replace_table
from .pools import Pools
from .rules import add_chain, add_rule, field, in_state, in_table, match, meta, one_of

_LINK_LOCAL = "169.254.0.0/16"
"""Where a cloud keeps its own metadata; the machine's identity is not the groups'."""

_EVERY_INSTANCE = "si*"
"""Devices of other instances on this machine: their own rules say what may reach them."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where Silo's own doors listen on this machine, and the ports groups find them at."""

    address: str
    port: int
    aliases: tuple[int, ...] = (443,)
    """Further ports that lead there: Azure's real names carry none in their URLs."""


def render_host(
    table: str, prefix: str, pools: Pools, doors: Doors, *, closed: Collection[str] = ()
) -> list[Command]:
    """Return the whole transaction; ``prefix`` is what our devices' names begin with.

    ``closed`` are the devices for which the machine forwarded nothing before us.
    """
    ours = f"{prefix}*"
    inward = match(meta("iifname"), ours)
    content = [
        add_chain("forward", type="filter", hook="forward", prio=0, policy="accept"),
        *_render_forward(ours, pools, closed),
        add_chain("input", type="filter", hook="input", prio=0, policy="accept"),
        add_rule("input", inward, in_state("established", "related"), {"accept": None}),
        add_rule(
            "input",
            inward,
            match({"ct": {"key": "status"}}, "dnat", "in"),
            match(field("tcp", "dport"), doors.port),
            {"accept": None},
        ),
        add_rule("input", inward, {"drop": None}),
        add_chain("prerouting", type="nat", hook="prerouting", prio=-100, policy="accept"),
        add_rule(
            "prerouting",
            inward,
            match(field("ip", "daddr"), str(pools.host)),
            match(field("tcp", "dport"), {"set": sorted({doors.port, *doors.aliases})}),
            {"dnat": {"family": "ip", "addr": doors.address, "port": doors.port}},
        ),
        add_chain("postrouting", type="nat", hook="postrouting", prio=100, policy="accept"),
        add_rule(
            "postrouting",
            match(meta("oifname"), ours, "!="),
            match(meta("oifname"), "lo", "!="),
            match(field("ip", "saddr"), one_of(_list_hidden(pools))),
            {"masquerade": None},
        ),
    ]
    return replace_table(table, in_table(table, content))


def _render_forward(ours: str, pools: Pools, closed: Collection[str]) -> list[Command]:
    inward, outward = match(meta("iifname"), ours), match(meta("oifname"), ours)
    to_public = match(field("ip", "daddr"), one_of([str(pools.public)]))
    commands = [
        add_rule("forward", inward, match(meta("nfproto"), "ipv4", "!="), {"drop": None}),
        add_rule("forward", inward, in_state("established", "related"), {"accept": None}),
        add_rule("forward", outward, in_state("established", "related"), {"accept": None}),
        add_rule("forward", outward, to_public, {"accept": None}),
        add_rule("forward", outward, {"drop": None}),
        add_rule(
            "forward", inward, match(field("ip", "daddr"), one_of([_LINK_LOCAL])), {"drop": None}
        ),
        add_rule("forward", inward, {"accept": None}),
    ]
    if closed:
        # Routing was off before us, and the machine must not become a router for others. Who came
        # later - Docker, libvirt - forwards for its own: what they send, are sent back or publish.
        commands += [
            add_rule("forward", in_state("established", "related"), {"accept": None}),
            add_rule("forward", match({"ct": {"key": "status"}}, "dnat", "in"), {"accept": None}),
            add_rule("forward", match(meta("oifname"), _EVERY_INSTANCE), {"accept": None}),
            add_rule("forward", match(meta("iifname"), {"set": sorted(closed)}), {"drop": None}),
        ]
    return commands


def _list_hidden(pools: Pools) -> list[str]:
    """Return the addresses that mean nothing outside this machine."""
    found = [str(pools.uplinks.supernet(new_prefix=pools.groups.prefixlen - 1))]
    if IPv4Network(pools.public).is_private:
        found.append(str(pools.public))
    return found
