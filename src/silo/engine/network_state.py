"""What is noted of the networks, so that the next start knows what the kernel holds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from silo import core

from .plans import Balanced, Port
from .routers import Member, Router
from .rules import Peer, Rule, RuleSet, SubnetRules


@dataclass(frozen=True, slots=True)
class State:
    """Every router with its groups."""

    routers: Mapping[str, Router] = field(default_factory=lambda: MappingProxyType({}))
    last_address: int = 1
    """The place in the pool of the address that was given out last."""

    def list_members(self, key: str) -> tuple[Member, ...]:
        """Return the groups of a router."""
        router = self.routers.get(key)
        return router.members if router else ()

    def iterate_members(self) -> Iterator[Member]:
        """Yield every group."""
        for router in self.routers.values():
            yield from router.members

    def list_owned(self, owner: str) -> list[str]:
        """Return the members of an owner of several."""
        return [member.uid for member in self.iterate_members() if member.owner == owner]

    def find_member(self, uid: str) -> tuple[Router, Member] | None:
        """Return a group and its router."""
        for router in self.routers.values():
            for member in router.members:
                if member.uid == uid:
                    return router, member
        return None

    def get_member(self, uid: str) -> tuple[Router, Member]:
        """Return a group that is known to be there, and its router."""
        found = self.find_member(uid)
        if found is None:
            raise LookupError(uid)
        return found

    def with_router(self, router: Router) -> "State":
        """Return the state with a router added or replaced."""
        return replace(self, routers={**self.routers, router.key: router})

    def without_router(self, key: str) -> "State":
        """Return the state without a router."""
        left = {other: router for other, router in self.routers.items() if other != key}
        return replace(self, routers=left)


def save_state(path: Path, state: State) -> None:
    """Write the notes, as a whole or not at all."""
    document = {
        "routers": [asdict(router) for router in state.routers.values()],
        "last_address": state.last_address,
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    core.write_private(path, json.dumps(document).encode(), durable=False)


def load_state(path: Path) -> State:
    """Return what was noted last, or nothing."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return State()
    found = [_read_router(each) for each in document["routers"]]
    return State({router.key: router for router in found}, document["last_address"])


def _read_router(document: Mapping[str, Any]) -> Router:
    rules = document["rules"]
    return Router(
        key=document["key"],
        number=document["number"],
        uplink=document["uplink"],
        members=tuple(_read_member(each) for each in document["members"]),
        rules=RuleSet(
            tuple(rules["space"]),
            tuple(_read_subnet(each) for each in rules["subnets"]),
            tuple(Peer(each["router"], tuple(each["space"])) for each in rules.get("peers", ())),
        ),
        balanced=tuple(_read_balanced(each) for each in document.get("balanced", ())),
    )


def _read_balanced(document: Mapping[str, Any]) -> Balanced:
    ports = tuple(Port(**port) for port in document["ports"])
    return Balanced(document["address"], ports, tuple(document["members"]))


def _read_member(document: Mapping[str, Any]) -> Member:
    ports = tuple(Port(**port) for port in document["ports"])
    routed = tuple(document.get("routed", ()))
    return Member(**{**document, "ports": ports, "routed": routed})


def _read_subnet(document: Mapping[str, Any]) -> SubnetRules:
    return SubnetRules(
        tuple(document["prefixes"]),
        _read_rules(document["inbound"]),
        _read_rules(document["outbound"]),
        document.get("has_way_out", True),
    )


def _read_rules(documents: list[dict[str, Any]] | None) -> tuple[Rule, ...] | None:
    if documents is None:
        return None
    return tuple(
        Rule(
            **{
                **each,
                "sources": _tuple(each["sources"]),
                "destinations": _tuple(each["destinations"]),
                "source_ports": _ranges(each["source_ports"]),
                "destination_ports": _ranges(each["destination_ports"]),
            }
        )
        for each in documents
    )


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _ranges(values: list[list[int]] | None) -> tuple[tuple[int, int], ...] | None:
    return None if values is None else tuple((low, high) for low, high in values)
