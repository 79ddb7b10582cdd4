"""What guards addresses inside one group's namespace: a node's pods, each behind a device.

The group's own traffic to them passes, as does what an address sends to itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import nft
from .links import GROUP_DEVICE
from .nft import Command
from .rules import (
    Rule,
    add_chain,
    add_rule,
    compile_chain,
    field,
    in_state,
    in_table,
    match,
    meta,
    name_chain,
)

GUARDS = "silo-guards"
_OWN_DEVICES = {"set": [GROUP_DEVICE, "lo"]}


@dataclass(frozen=True, slots=True)
class Guard:
    """What may reach one address, and what it may reach; ``None`` is everything."""

    address: str
    inbound: tuple[Rule, ...] | None = None
    outbound: tuple[Rule, ...] | None = None


@dataclass(frozen=True, slots=True)
class GuardSet:
    """Every address that is known of a namespace."""

    guards: tuple[Guard, ...] = ()
    closed: bool = True
    """Whether addresses that are not known send and get nothing."""


def put_guards(guarded: GuardSet | None, *, anew: bool = True) -> None:
    """Put guards in force in the namespace of this thread, or none; not ``anew``: unless there are.

    Raises:
        RulesRefused: those of before are in force.

    """
    if guarded is None:
        nft.run(nft.remove_table(GUARDS))
    elif anew or not nft.has_table(GUARDS):
        nft.run(render_guards(guarded))


def render_guards(guarded: GuardSet) -> list[Command]:
    """Return the transaction that puts these guards in the place of all others."""
    guards = guarded.guards
    addresses = [guard.address for guard in guards]
    chains = {
        name_chain(rules): compile_chain(rules)
        for guard in guards
        for rules in (guard.inbound, guard.outbound)
        if rules is not None
    }
    content = [
        _add("set", "known", ["ipv4_addr"], addresses),
        _add(
            "set",
            "itself",
            ["ipv4_addr", "ipv4_addr"],
            [{"concat": [address, address]} for address in addresses],
        ),
        *(command for chain in chains.values() for command in chain),
        _add("map", "outbound", ["ipv4_addr"], _lead((g.address, g.outbound) for g in guards)),
        _add("map", "inbound", ["ipv4_addr"], _lead((g.address, g.inbound) for g in guards)),
        *_render_hook("forward", closed=guarded.closed),
        *_render_hook("input", closed=guarded.closed),
    ]
    return nft.replace_table(GUARDS, in_table(GUARDS, content))


def _render_hook(hook: str, *, closed: bool) -> list[Command]:
    """Return a chain: what comes from addresses, and on its way to others what goes to them."""
    inner = match(meta("iifname"), _OWN_DEVICES, "!=")
    outer = match(meta("oifname"), _OWN_DEVICES, "!=")
    source, target = field("ip", "saddr"), field("ip", "daddr")
    # Who speaks in another's name would pass its rules: the way back has to be where it came from.
    forged = match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, right=False)
    rules: list[list[dict[str, Any]]] = [
        [inner, match(meta("nfproto"), "ipv4", "!="), {"drop": None}],
        [inner, forged, {"drop": None}],
        [in_state("established", "related"), {"accept": None}],
    ]
    if closed:
        rules.append([inner, match(source, "@known", "!="), {"drop": None}])
    if hook == "forward":
        if closed:
            rules.append([outer, match(target, "@known", "!="), {"drop": None}])
        rules.append([match({"concat": [source, target]}, "@itself"), {"accept": None}])
    rules.append([inner, {"vmap": {"key": source, "data": "@outbound"}}])
    if hook == "forward":
        rules.append([outer, {"vmap": {"key": target, "data": "@inbound"}}])
    chain = add_chain(hook, type="filter", hook=hook, prio=0, policy="accept")
    return [chain, *(add_rule(hook, *rule) for rule in rules)]


def _lead(ways: Iterable[tuple[str, tuple[Rule, ...] | None]]) -> list[Any]:
    return [
        [address, {"jump": {"target": name_chain(rules)}}]
        for address, rules in ways
        if rules is not None
    ]


def _add(kind: str, name: str, type_: list[str], elements: list[Any]) -> Command:
    body: dict[str, Any] = {
        "family": "inet",
        "table": GUARDS,
        "name": name,
        "type": type_ if len(type_) > 1 else type_[0],
        **({"map": "verdict"} if kind == "map" else {}),
        **({"elem": elements} if elements else {}),
    }
    return {"add": {kind: body}}
