"""Who holds which address, written in the transaction that promises it.

An address given back is not given out again before all that follow it were: whoever still
speaks to its last holder should find nobody rather than a stranger.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import sqlalchemy as sa

from silo import core

PUBLIC = "public"
"""The pool of public addresses; every other pool is a subnet, by its uid."""

_NO_BROADCAST = 2
"""Addresses of a network in which the last one is like the others (RFC 3021)."""

leases = sa.Table(
    "engine_addresses",
    core.metadata,
    sa.Column("pool", sa.String, primary_key=True),
    sa.Column("address", sa.Integer, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Index("engine_addresses_owner", "owner"),
)
last = sa.Table(
    "engine_last_address",
    core.metadata,
    sa.Column("pool", sa.String, primary_key=True),
    sa.Column("address", sa.Integer, nullable=False),
)


class PoolExhausted(core.SiloError):
    """Every address of the pool is taken."""


class AddressTaken(core.SiloError):
    """Somebody else holds the address that was asked for."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One address and who holds it."""

    address: IPv4Address
    owner: str


def lease_address(
    conn: core.Connection, pool: str, network: IPv4Network, owner: str, *, reserved: range | None
) -> IPv4Address:
    """Return the owner's address in a pool, giving it one if it has none.

    ``reserved`` counts from the network's first address and is never given out.

    Raises:
        PoolExhausted: there is none left.

    """
    known = find_address(conn, pool, owner)
    if known is not None:
        return known
    first = int(network.network_address)
    kept_back = reserved or range(0)
    end = network.num_addresses
    if end > _NO_BROADCAST:
        end -= 1
    taken = {int(lease.address) - first for lease in list_leases(conn, pool)}
    previous = conn.scalar(sa.select(last.c.address).where(last.c.pool == pool))
    start = int(previous) - first + 1 if previous is not None else 0
    start = start if 0 <= start < end else 0
    for place in itertools.chain(range(start, end), range(start)):
        if place not in taken and place not in kept_back:
            break
    else:
        raise PoolExhausted(f"No address of {network} is free.")
    address = IPv4Address(first + place)
    conn.execute(leases.insert().values(pool=pool, address=int(address), owner=owner))
    conn.execute(last.insert().prefix_with("OR REPLACE").values(pool=pool, address=int(address)))
    return address


def take_address(conn: core.Connection, pool: str, address: IPv4Address, owner: str) -> None:
    """Give the owner one particular address.

    Raises:
        AddressTaken: somebody else holds it.

    """
    for lease in list_leases(conn, pool):
        if lease.address == address:
            if lease.owner == owner:
                return
            raise AddressTaken(f"The address {address} is taken.")
    conn.execute(leases.insert().values(pool=pool, address=int(address), owner=owner))


def find_address(conn: core.Connection, pool: str, owner: str) -> IPv4Address | None:
    """Return what the owner holds in a pool."""
    query = sa.select(leases.c.address).where(leases.c.pool == pool, leases.c.owner == owner)
    found = conn.scalar(query)
    return None if found is None else IPv4Address(int(found))


def list_leases(conn: core.Connection, pool: str) -> Sequence[Lease]:
    """Return everything that is held in a pool, in order of address."""
    query = sa.select(leases.c.address, leases.c.owner).where(leases.c.pool == pool)
    return [
        Lease(IPv4Address(address), owner)
        for address, owner in conn.execute(query.order_by(leases.c.address))
    ]


def release_addresses_in(conn: core.Connection, owner: str, *, keep: str) -> None:
    """Take back what the owner holds in every pool but one: it moves elsewhere."""
    conn.execute(leases.delete().where(leases.c.owner == owner, leases.c.pool != keep))


def release_addresses(conn: core.Connection, owner: str) -> None:
    """Take back everything that the owner holds, and that its parts do (``OWNER.PART``)."""
    parts = leases.c.owner.startswith(f"{owner}.", autoescape=True)
    conn.execute(leases.delete().where((leases.c.owner == owner) | parts))
