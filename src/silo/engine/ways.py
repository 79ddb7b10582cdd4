"""How addresses of the world, and those that several groups answer for, lead to routers."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address

from . import links
from .naming import Naming
from .pools import Pools
from .routers import Member, Router


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes of one instance; all of it is repeatable."""

    names: Naming
    pools: Pools

    def publish(self, router: Router, member: Member) -> None:
        """Lead a group's public address, if it has one, to its router."""
        if member.public_address:
            self._announce(router, member.public_address)

    def spread(self, router: Router) -> None:
        """Lead balanced addresses to the router, and there to whoever answers for them."""
        for each in router.balanced:
            ways = [(member.device, member.address) for member in router.list_behind(each)]
            links.spread(self.names.router_path(router.key), each.address, ways)
            self._announce(router, each.address)

    def forget(self, router: Router, keep: Collection[str]) -> None:
        """Lead balanced addresses but these nowhere."""
        for each in router.balanced:
            if each.address not in keep:
                links.unpublish(each.address)
                links.spread(self.names.router_path(router.key), each.address, ())

    def _announce(self, router: Router, address: str) -> None:
        if IPv4Address(address) in self.pools.public:
            device, host = self.names.device(router.number), str(self.pools.host)
            links.publish(address, device, router.uplink, host)
