"""The addresses of an instance: which of the private ones it takes, and what for.

Two instances on one machine, and whatever else the machine is connected to, must not meet in them.
"""

import contextlib
import hashlib
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute

from silo import core

CLAIMS = Path("/run/silo/pools")
"""One file for each piece that an instance of this machine has taken, with its state folder."""
SHARED = IPv4Network("100.64.0.0/10")
"""Shared address space (RFC 6598). Not 10.0.0.0/8: sites use all of that, and a machine reaches
theirs - its resolver, say - by its default route, where no look at its routes can tell."""
_PIECES = tuple(SHARED.subnets(new_prefix=18))
_RESOLVERS = Path("/etc/resolv.conf")
_LONGEST_PREFIX = 24
"""A smaller pool has no room for routers and groups."""


class PoolInvalid(core.SiloError):
    """A pool in the settings cannot be used."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The addresses of one instance; the first three lie in the group pool."""

    host: IPv4Address
    """Where groups find Silo's own doors."""
    uplinks: IPv4Network
    """One address for each router."""
    groups: IPv4Network
    """Of groups without a virtual network; its first address is their gateway."""
    public: IPv4Network
    """Reachable from the host, and from further away where it is routed here."""

    @property
    def gateway(self) -> IPv4Address:
        """The gateway of groups without a virtual network."""
        return self.groups[1]

    @property
    def everything(self) -> tuple[str, ...]:
        """Both pools, as prefixes."""
        inside = self.groups.supernet()
        return (str(inside), str(self.public))


def split_pools(group_pool: str, public_pool: str) -> Pools:
    """Return what the settings' two pools are used for.

    Raises:
        PoolInvalid: they are no IPv4 prefixes, too small, or they overlap.

    """
    group, public = _read_pool(group_pool, _LONGEST_PREFIX), _read_pool(public_pool, 32)
    if group.overlaps(public):
        raise PoolInvalid(f"The group pool {group} and the public pool {public} overlap.")
    low, high = group.subnets()
    uplinks = next(low.subnets(new_prefix=min(low.prefixlen + 3, 29)))
    return Pools(host=uplinks[1], uplinks=uplinks, groups=high, public=public)


def choose_pools(instance: str, state: Path) -> tuple[str, str]:
    """Return a group pool and a public pool that nothing on this machine uses.

    The search starts at a place of the instance's own, so that two that do not see each other's
    traces still differ.
    """
    taken = list_taken()
    start = int(hashlib.sha256(instance.encode()).hexdigest(), 16) % len(_PIECES)
    for piece in (*_PIECES[start:], *_PIECES[:start]):
        if not any(piece.overlaps(other) for other in taken) and _claim(piece, state):
            low, high = piece.subnets()
            return str(low), str(high)
    raise PoolInvalid(f"No /18 of {SHARED} is free; set group_pool and public_pool.")


def list_taken() -> list[IPv4Network]:
    """Return every IPv4 prefix that the machine has a route to, and its resolvers."""
    with IPRoute() as netlink:
        routes = [(each.get_attr("RTA_DST"), each["dst_len"]) for each in _list_routes(netlink)]
    found = [IPv4Network(f"{at}/{length}", strict=False) for at, length in routes if at and length]
    return [*found, *_list_resolvers()]


def _list_resolvers() -> list[IPv4Network]:
    resolvers = []
    with contextlib.suppress(OSError):
        for line in _RESOLVERS.read_text(errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["nameserver"]:
                with contextlib.suppress(ValueError, IndexError):
                    resolvers.append(IPv4Network(words[1]))
    return resolvers


def _list_routes(netlink: Any) -> list[Any]:
    return list(netlink.get_routes(family=socket.AF_INET))


def _read_pool(text: str, longest: int) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise PoolInvalid(f"'{text}' is no IPv4 prefix such as 100.64.0.0/19: {error}") from None
    if network.prefixlen > longest:
        raise PoolInvalid(f"The pool {network} is too small: /{longest} at least.")
    return network


def _claim(network: IPv4Network, state: Path) -> bool:
    """Note for other instances that the pool is taken; without root nobody can use it anyway."""
    path = CLAIMS / str(network.network_address)
    with contextlib.suppress(PermissionError):
        CLAIMS.mkdir(parents=True, exist_ok=True, mode=0o755)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            with open(descriptor, "w") as file:  # noqa: PTH123 - of a descriptor
                file.write(str(state))
            return True
        owner = Path(path.read_text() or ".")
        if owner != state and (owner / "public" / "instance.json").exists():
            return False
        path.write_text(str(state))
    return True
