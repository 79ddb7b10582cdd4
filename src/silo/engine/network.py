"""The networks of groups: attached, published, guarded, counted and swept.

What is made here outlives Silo: routers and groups are namespaces of the kernel's. What is known of
them lies beside the sockets on tmpfs and is gone when they are, with the machine's next start.
"""

import asyncio
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from . import dual_stack, host_rules, links, neighbours, netns, nft, routers, userns
from .joining import join_peers
from .links import Traffic
from .naming import Naming
from .network_state import State, load_state, save_state
from .placement import Attachment, NetworkRefused, get_gateway, is_same_place, plan_member
from .plans import Balanced, NetworkPlan
from .pools import Pools
from .routers import DEFAULT, Member, Router
from .rules import TABLE, RuleSet
from .ways import Ways

T = TypeVar("T")


class Networks:
    """Every router and every group of one instance."""

    def __init__(
        self,
        instance: str,
        pools: Pools,
        doors: host_rules.Doors,
        folder: Path,
        *,
        find_rules: Callable[[str], RuleSet | None] | None = None,
    ) -> None:
        """Keep notes in ``folder``; ``find_rules`` knows the rules of a router not seen before."""
        self._pools = pools
        self._doors = doors
        self._notes = folder / "network.json"
        self._find_rules = find_rules
        self._names = Naming(instance)
        self._ways = Ways(self._names, pools)
        self._state = State()
        self._mtu = 1500
        self._started = False
        # One thread: it enters namespaces, and what it does is read and written in order.
        self._thread = ThreadPoolExecutor(1, "network")

    @property
    def instance(self) -> str:
        """The short name that everything made here carries."""
        return self._names.instance

    @property
    def pools(self) -> Pools:
        """The instance's addresses."""
        return self._pools

    async def start(self) -> None:
        """Make the host ready and put every rule in force again."""
        await self._do(self._start)

    def locate(self, uid: str) -> Path:
        """Return where the namespace of a group is, or will be."""
        return self._names.group_path(uid)

    async def attach(self, uid: str, plan: NetworkPlan) -> Attachment:
        """Give a group its namespace, address and rules; repeatable.

        One that is attached so already only gets back what a sandbox that died took along.

        Raises:
            NetworkRefused: the plan cannot be followed.

        """
        return await self._do(lambda: self._attach(uid, plan))

    async def detach(self, uid: str) -> None:
        """Take a group off the network; repeatable."""
        await self._do(lambda: self._detach(uid))

    async def find(self, uid: str) -> Attachment | None:
        """Return where a group is attached."""
        return await self._do(lambda: self._find(uid))

    async def apply_rules(self, router: str, rules: RuleSet) -> None:
        """Put other rules in force, at once and as a whole; nothing to do without the router."""
        await self._do(lambda: self._apply_rules(router, rules))

    async def route(self, uid: str, prefixes: Sequence[str]) -> None:
        """Have these prefixes lie behind a group, and no others; repeatable."""
        await self._do(lambda: self._route(uid, tuple(prefixes)))

    async def balance(self, router: str, balanced: Sequence[Balanced]) -> None:
        """Have these addresses and no others lead to several groups of a router; repeatable."""
        await self._do(lambda: self._balance(router, tuple(balanced)))

    async def list_members(self, owner: str) -> Sequence[str]:
        """Return what an owner of several members has here: ``OWNER.PART`` each."""
        return await self._do(lambda: self._state.list_owned(owner))

    async def sweep(self, keep: Collection[str]) -> None:
        """Take away every group but these, and whatever carries this instance's name besides.

        An owner that is kept keeps all its members.
        """
        await self._do(lambda: self._sweep(frozenset(keep)))

    async def run_inside(self, uid: str, work: Callable[[], T]) -> T:
        """Do something inside a group's namespace, in turn with everything else."""

        def enter() -> T:
            with netns.entered(self._require(uid).netns_path):
                return work()

        return await self._do(enter)

    async def counters(self, uid: str) -> Traffic:
        """Return what a group has received and sent."""
        return await self._do(lambda: self._read_traffic(uid))

    async def open_socket(
        self, uid: str, address: str, port: int, kind: netns.Kind = "tcp"
    ) -> socket.socket:
        """Return a socket that this group alone can reach, at the metadata or the DNS address."""

        def work() -> socket.socket:
            at = self._require(uid)
            return netns.open_socket(at.door_path, address, port, kind, device=at.door_device)

        return await self._do(work)

    async def connect(self, uid: str, port: int, timeout_s: float = 1.0) -> socket.socket:
        """Return a connection to a port of a group, as its router sees it; rules do not apply.

        Raises:
            OSError: nobody answers there.

        """
        at = await self._do(lambda: self._require(uid))
        made = await self._do(lambda: netns.make_socket(at.door_path))
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(made, (at.address, port))
        except BaseException:
            made.close()
            raise
        return made

    async def stop(self) -> None:
        """Take everything of this instance's off the machine, rules and routes included."""
        await self._do(self._stop)

    async def close(self) -> None:
        """Let go; what groups run on stays, and without groups nothing does."""
        await self._do(self._leave)
        self._thread.shutdown(wait=True)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _start(self) -> None:
        if reason := nft.find_library():
            raise NetworkRefused(reason)
        self._mtu = links.find_mtu()
        closed = links.prepare_host(self._pools.everything)
        self._state = load_state(self._notes)
        rules = host_rules.render_host(
            self._names.table, self._names.prefix, self._pools, self._doors, closed=closed
        )
        nft.run(rules)
        neighbours.admit(self._names.prefix, self._names.table)
        for router in self._state.routers.values():
            self._make_router(router)
            self._enforce(router)
            for member in router.members:
                self._ways.publish(router, member)
            self._ways.spread(router)
        for router in self._state.routers.values():
            join_peers(self._state, router, self._names, self._mtu)
        self._save()
        self._started = True

    def _attach(self, uid: str, plan: NetworkPlan) -> Attachment:
        known = self._find(uid)
        wanted = plan_member(self._state, self._pools, uid, plan)
        if wanted.ipv6 and known is None and (fault := dual_stack.find_ipv6_fault()):
            raise NetworkRefused(f"The group has the IPv6 address {wanted.ipv6}, but {fault}.")
        found = self._state.find_member(uid)
        gateway = str(get_gateway(wanted.subnet))
        if known is not None and found is not None:
            router, member = found
            whole = links.is_attached(known.door_path, member)
            owned = whole and userns.is_owned(known.netns_path, plan.owner)
            if owned and router.key == plan.router and is_same_place(member, wanted):
                if member != wanted:
                    self._put_member(router, wanted)
                alone = links.restore_group(known.netns_path, wanted, gateway=gateway)
                dual_stack.add(known.door_path, known.netns_path, wanted, alone=alone)
                return self._require(uid)
            if router.key == plan.router:
                self._take_off(router, member)  # with all that leads to others it stays
            else:
                self._detach(uid)
        router = self._state.routers.get(plan.router) or self._add_router(plan.router)
        if router.key == DEFAULT:
            place = int(IPv4Address(wanted.address)) - int(self._pools.groups[0])
            self._state = replace(self._state, last_address=place)
        try:
            self._put_member(router, wanted)
            path, name = self._names.router_path(router.key), self._names.group(uid)
            links.attach_group(path, name, wanted, gateway=gateway, mtu=self._mtu, owner=plan.owner)
            dual_stack.add(path, self._names.group_path(uid), wanted)
            self._ways.spread(self._state.routers[plan.router])
        except BaseException:
            self._detach(uid)
            raise
        return self._require(uid)

    def _detach(self, uid: str) -> None:
        found = self._state.find_member(uid)
        if found is None:
            links.detach_group(None, "", self._names.group(uid))
            return
        router, member = found
        self._take_off(router, member)
        if len(router.members) == 1 and router.key != DEFAULT:
            self._remove_router(router.key)

    def _take_off(self, router: Router, member: Member) -> None:
        """Take a group off a router that stays."""
        if member.public_address:
            links.unpublish(member.public_address)
        links.detach_group(
            self._names.router_path(router.key), member.device, self._names.group(member.uid)
        )
        left = tuple(each for each in router.members if each.uid != member.uid)
        self._put_router(replace(router, members=left), routers.delete_member(member))
        # With the device the kernel took every route away that led to it and others.
        self._ways.spread(self._state.routers[router.key])

    def _route(self, uid: str, prefixes: tuple[str, ...]) -> None:
        self._require(uid)
        router, member = self._state.get_member(uid)
        if member.routed != prefixes:
            self._put_member(router, replace(member, routed=prefixes))
        links.lead(self._names.router_path(router.key), member.device, member.address, prefixes)

    def _balance(self, key: str, balanced: tuple[Balanced, ...]) -> None:
        router = self._state.routers.get(key)
        if router is None:
            raise NetworkRefused("The network is not there yet.")
        if router.balanced == balanced:
            return
        self._ways.forget(router, {each.address for each in balanced})
        self._put_router(replace(router, balanced=balanced))
        self._ways.spread(self._state.routers[key])

    def _apply_rules(self, key: str, rules: RuleSet) -> None:
        router = self._state.routers.get(key)
        if router is not None and router.rules != rules:
            self._put_router(replace(router, rules=rules))
            links.set_space(self._names.router_path(key), rules.space)
            join_peers(self._state, self._state.routers[key], self._names, self._mtu)

    def _sweep(self, keep: frozenset[str]) -> None:
        for router in list(self._state.routers.values()):
            for member in router.members:
                if member.owner not in keep or not netns.is_namespace(self.locate(member.uid)):
                    self._detach(member.uid)
        known = {self._names.group(member.uid) for member in self._state.iterate_members()}
        known |= {self._names.router(key) for key in self._state.routers}
        for name in netns.list_namespaces(f"{self._names.table}-"):
            if name not in known:
                netns.remove_namespace(name)
        devices = {self._names.device(router.number) for router in self._state.routers.values()}
        for device in links.list_devices(self._names.prefix):
            if device not in devices:
                links.remove_device(device)

    def _leave(self) -> None:
        if self._started and not any(self._state.iterate_members()):
            self._stop()

    def _stop(self) -> None:
        for router in self._state.routers.values():
            for member in router.members:
                self._detach(member.uid)
        for key in list(self._state.routers):
            self._remove_router(key)
        nft.run(nft.remove_table(self._names.table))
        neighbours.withdraw(self._names.table)
        links.forget_host(self._pools.everything)
        self._notes.unlink(missing_ok=True)
        self._state = State()
        self._started = False

    def _remove_router(self, key: str) -> None:
        router = self._state.routers[key]
        self._ways.forget(router, ())
        links.remove_router(self._names.router(key), self._names.device(router.number))
        self._state = self._state.without_router(key)
        self._save()

    def _read_traffic(self, uid: str) -> Traffic:
        at = self._require(uid)
        return links.read_traffic(at.door_path, at.door_device)

    def _add_router(self, key: str) -> Router:
        rules = self._find_rules(key) if self._find_rules and key != DEFAULT else None
        numbers = {router.number for router in self._state.routers.values()}
        places = range(2, self._pools.uplinks.num_addresses - 1)
        number = next((each for each in places if each not in numbers), None)
        if number is None:
            raise NetworkRefused("There are no addresses left for another virtual network.")
        router = Router(key, number, str(self._pools.uplinks[number]), rules=rules or RuleSet())
        self._state = self._state.with_router(router)
        self._make_router(router)
        self._put_router(router)
        join_peers(self._state, router, self._names, self._mtu)
        return router

    def _make_router(self, router: Router) -> None:
        links.make_router(
            self._names.router(router.key),
            self._names.device(router.number),
            IPv4Address(router.uplink),
            self._pools.host,
            self._mtu,
        )
        links.set_space(self._names.router_path(router.key), router.rules.space)

    def _put_member(self, router: Router, member: Member) -> None:
        others = tuple(each for each in router.members if each.uid != member.uid)
        before = next((each for each in router.members if each.uid == member.uid), None)
        if before and before.public_address and before.public_address != member.public_address:
            links.unpublish(before.public_address)
        changes = None if before else routers.add_member(member)
        self._put_router(replace(router, members=(*others, member)), changes)
        self._ways.publish(router, member)

    def _put_router(self, router: Router, changes: list[nft.Command] | None = None) -> None:
        """Put a router's rules in force, then note it: what is noted is in force.

        Where a group more or less changes no rule, the few ``changes`` are quicker than the whole.
        """
        if changes is None or router.key != DEFAULT:
            self._enforce(router)
        else:
            try:
                with netns.entered(self._names.router_path(router.key)):
                    nft.run(changes)
            except nft.RulesRefused:
                self._enforce(router)
        self._state = self._state.with_router(router)
        self._save()

    def _enforce(self, router: Router) -> None:
        with netns.entered(self._names.router_path(router.key)):
            nft.run(nft.replace_table(TABLE, routers.render_router(router)))

    def _find(self, uid: str) -> Attachment | None:
        found = self._state.find_member(uid)
        path = self._names.group_path(uid)
        if found is None or not netns.is_namespace(path):
            return None
        router, member = found
        return Attachment(
            netns_path=path,
            address=member.address,
            gateway=str(get_gateway(member.subnet)),
            public_address=member.public_address,
            ipv6=member.ipv6,
            door_path=self._names.router_path(router.key),
            door_device=member.device,
        )

    def _require(self, uid: str) -> Attachment:
        found = self._find(uid)
        if found is None:
            raise NetworkRefused(f"The group {uid} is not attached to any network.")
        return found

    def _save(self) -> None:
        save_state(self._notes, self._state)
