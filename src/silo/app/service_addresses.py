"""Addresses and names for the services of clusters, from the pools that container groups have."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from silo import core, engine, kube
from silo.providers import network


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """Keeps who holds what in the store; an owner is ``CLUSTER.SERVICE``."""

    store: core.Store
    placements: network.Placements

    async def lease(self, owner: str, *, internal: bool, asked: str) -> str:
        """Return the owner's address."""
        inner = _name_pool(owner)

        def write(conn: core.Connection) -> str:
            engine.release_addresses_in(conn, owner, keep=inner if internal else engine.PUBLIC)
            if not internal:
                return self.placements.lease_public(conn, owner)
            if asked:
                wanted = _read(asked)
                if engine.find_address(conn, inner, owner) != wanted:
                    engine.release_addresses(conn, owner)
                    engine.take_address(conn, inner, wanted, owner)
                return str(wanted)
            space = kube.INNER_SPACE
            return str(engine.lease_address(conn, inner, space, owner, reserved=None))

        return await self.store.write(write)

    async def name(self, owner: str, name: str, address: str) -> None:
        """Have one name lead to the owner's address, or none."""

        def write(conn: core.Connection) -> None:
            engine.release_names(conn, owner, keep=name)
            if not name:
                return
            if not engine.claim_name(conn, name, owner):
                raise kube.ServiceRefused(f"The name {name} is taken.")
            engine.point_names(conn, owner, address)

        await self.store.write(write)

    async def release(self, owner: str) -> None:
        """Take addresses and names back."""

        def write(conn: core.Connection) -> None:
            engine.release_names(conn, owner)
            engine.release_addresses(conn, owner)

        await self.store.write(write)

    async def list_owners(self, cluster: str) -> Sequence[str]:
        """Return the services of a cluster that hold an address."""

        def read(conn: core.Connection) -> list[str]:
            pools = (engine.PUBLIC, _name_pool(f"{cluster}."))
            every = (lease.owner for pool in pools for lease in engine.list_leases(conn, pool))
            return sorted({owner for owner in every if owner.startswith(f"{cluster}.")})

        return await self.store.read(read)


def _name_pool(owner: str) -> str:
    return f"cluster-{owner.partition('.')[0]}"


def _read(asked: str) -> IPv4Address:
    try:
        found = IPv4Address(asked)
    except ValueError:
        raise kube.ServiceRefused(f"{asked[:50]} is no address.") from None
    if found not in kube.INNER_SPACE:
        raise kube.ServiceRefused(f"Internal addresses are those of {kube.INNER_SPACE}.")
    return found
