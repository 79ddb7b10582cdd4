"""Where a group is put on the network: checked against all that is there. Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from silo import core

from .network_state import State
from .plans import NetworkPlan
from .pools import Pools
from .routers import DEFAULT, Member


class NetworkRefused(core.SiloError):
    """A group cannot be attached as it was planned."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where a group is on the network."""

    netns_path: Path
    """Of the group: every container of it joins it."""
    address: str
    gateway: str
    public_address: str
    ipv6: str
    """Nothing: it has none."""
    door_path: Path
    """The router's namespace: sockets for this group alone are opened there, on ``door_device``.
    Not in the group's own, whose addresses a sandbox with a network stack of its own takes over."""
    door_device: str


def plan_member(state: State, pools: Pools, uid: str, plan: NetworkPlan) -> Member:
    """Return a group as its router shall know it.

    Raises:
        NetworkRefused: the plan contradicts itself, the pools or another group.

    """
    subnet = str(pools.groups) if plan.router == DEFAULT else plan.subnet
    if not subnet:
        raise NetworkRefused("A group in a virtual network needs a subnet.")
    network = IPv4Network(subnet)
    address = plan.address or _choose_address(state, uid, plan.router, network)
    if IPv4Address(address) not in network:
        raise NetworkRefused(f"The address {address} is not in the subnet {subnet}.")
    ipv6 = plan.ipv6 or ""
    if ipv6 and plan.router == DEFAULT:
        raise NetworkRefused("Only a group in a virtual network has an IPv6 address.")
    for other in state.list_members(plan.router):
        for taken in {address, ipv6} & {other.address, other.ipv6} - {""}:
            if other.uid != uid:
                raise NetworkRefused(f"The address {taken} is taken.")
    public = plan.public_address or ""
    if public:
        _check_public(state, pools, uid, public)
    found = state.find_member(uid)
    routed = found[1].routed if found else ()
    return Member(uid, address, subnet, public, plan.ports, routed, ipv6)


def is_same_place(one: Member, other: Member) -> bool:
    """Tell whether a group stays where it is; what is published may change under it."""
    return (one.address, one.subnet, one.ipv6) == (other.address, other.subnet, other.ipv6)


def get_gateway(subnet: str) -> IPv4Address:
    """Return the first address after the network's own, as in Azure."""
    return IPv4Network(subnet)[1]


def _check_public(state: State, pools: Pools, uid: str, address: str) -> None:
    if IPv4Address(address) not in pools.public:
        raise NetworkRefused(f"The public address {address} is not in the public pool.")
    for other in state.iterate_members():
        if other.public_address == address and other.uid != uid:
            raise NetworkRefused(f"The public address {address} is taken.")


def _choose_address(state: State, uid: str, key: str, network: IPv4Network) -> str:
    """Return the group's address, else the first free one after the last that was chosen."""
    members = state.list_members(key)
    for member in members:
        if member.uid == uid and IPv4Address(member.address) in network:
            return member.address
    if key != DEFAULT:
        raise NetworkRefused("A group in a virtual network needs an address.")
    taken = {member.address for member in members}
    size = network.num_addresses
    for step in range(1, size):
        place = (state.last_address + step) % size
        address = str(network[place])
        if place not in {0, 1, size - 1} and address not in taken:
            return address
    raise NetworkRefused(f"No address of {network} is free.")
