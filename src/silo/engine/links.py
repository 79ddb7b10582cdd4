"""Devices, addresses and routes, through netlink.

Every function runs on the network's own thread; each opens a socket in the namespace it works in.
"""

import contextlib
import errno
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from . import netns
from .routers import DNS_ADDRESS, METADATA_ADDRESS, UPLINK, Member
from .rules import of_family

GROUP_DEVICE = "eth0"
_DEFAULT_MTU = 1500
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_WAS_OFF = Path("/run/silo/forwarding-was-off")
"""The devices that the machine had when forwarding was switched on, a line each."""
_OURS = re.compile(r"lo|si[0-9a-f]{6}u\d+")
_LAST = 4096
"""Priority of routes that are there for want of better ones."""
_LINK_SCOPE = 253
_ONLINK = 4
_UNREACHABLE = 7
"""Kinds of routes and scopes (``linux/rtnetlink.h``)."""
_GROUP_SYSCTLS = {
    f"ipv6/conf/{GROUP_DEVICE}/disable_ipv6": "1",
    # The namespace is not of a container's user namespace: without these its root may not bind
    # port 80, nor anyone ping.
    "ipv4/ip_unprivileged_port_start": "0",
    "ipv4/ping_group_range": "0 2147483647",
}
_QUIET = {"accept_redirects": "0", "send_redirects": "0", "secure_redirects": "0"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of a group since it was attached."""

    received: int
    sent: int


@contextlib.contextmanager
def open_netlink(path: Path | None = None) -> Iterator[Any]:
    """Open a route socket of a namespace; typed as Any, for pyroute2 has no types.

    Raises:
        OSError: the kernel refused something; pyroute2 has a class of its own for that.

    """
    with netns.entered(path), IPRoute() as opened:
        try:
            yield opened
        except NetlinkError as error:
            raise OSError(error.code, str(error)) from error


def find_device(name: str) -> int | None:
    """Return the number of a device in the namespace of this thread, or None."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def find_mtu() -> int:
    """Return the packet size of the machine's way out; a larger one would be cut or lost."""
    with open_netlink() as netlink:
        for route in netlink.get_default_routes(family=socket.AF_INET):
            device = route.get_attr("RTA_OIF")
            if device:
                return int(netlink.get_links(device)[0].get_attr("IFLA_MTU"))
    return _DEFAULT_MTU


def prepare_host(unreachable: Iterable[str]) -> tuple[str, ...]:
    """Let the machine forward, and keep unused addresses of ours from leaving it.

    Returns the devices for which it did not forward before any instance came.
    """
    if _FORWARDING.read_text().strip() != "1":
        _WAS_OFF.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
        found = [name for name in list_devices("") if not _OURS.fullmatch(name)]
        _WAS_OFF.write_text("\n".join(found))
        _FORWARDING.write_text("1")
    with open_netlink() as netlink:
        for prefix in unreachable:
            netlink.route("replace", dst=prefix, type=_UNREACHABLE, priority=_LAST)
    return tuple(_WAS_OFF.read_text().split()) if _WAS_OFF.exists() else ()


def forget_host(unreachable: Iterable[str]) -> None:
    """Take back what ``prepare_host`` did; forwarding, when this was the last instance."""
    with open_netlink() as netlink:
        for prefix in unreachable:
            with contextlib.suppress(NetlinkError):
                netlink.route("del", dst=prefix, type=_UNREACHABLE, priority=_LAST)
    if _WAS_OFF.exists() and not netns.list_namespaces("silo-"):
        _FORWARDING.write_text("0")
        _WAS_OFF.unlink(missing_ok=True)


def make_router(
    name: str, host_device: str, uplink: IPv4Address, host: IPv4Address, mtu: int
) -> None:
    """Make a router's namespace and tie it to the host; repeatable."""
    path = netns.make_namespace(name)
    with netns.entered(path):
        netns.write_sysctls(
            {
                "ipv4/ip_forward": "1",
                # Not for "all": devices of groups that have it were switched off with them.
                "ipv6/conf/default/disable_ipv6": "1",
                "ipv6/conf/lo/disable_ipv6": "1",
                **{f"ipv4/conf/default/{key}": value for key, value in _QUIET.items()},
                **{f"ipv4/conf/all/{key}": value for key, value in _QUIET.items()},
            }
        )
    with open_netlink() as netlink:
        index = find_device(host_device)
        if index is None:
            with path.open("rb") as target:
                peer = {"ifname": UPLINK, "net_ns_fd": target.fileno()}
                netlink.link("add", ifname=host_device, kind="veth", mtu=mtu, peer=peer)
            index = find_device(host_device)
        conf = f"conf/{host_device}"
        # Groups' way to Silo's doors, which may listen on loopback alone, is rewritten there.
        netns.write_sysctls(
            {
                f"ipv4/{conf}/route_localnet": "1",
                f"ipv4/{conf}/rp_filter": "0",
                f"ipv6/{conf}/disable_ipv6": "1",
            }
        )
        netlink.link("set", index=index, state="up")
        _ensure(netlink, index=index, address=str(host))
    with open_netlink(path) as netlink:
        lo, up = find_device("lo"), find_device(UPLINK)
        netlink.link("set", index=lo, state="up")
        netlink.link("set", index=up, mtu=mtu, state="up")
        for address in (METADATA_ADDRESS, DNS_ADDRESS):
            _ensure(netlink, index=lo, address=address)
        _ensure(netlink, index=up, address=str(uplink))
        netlink.route("replace", dst=f"{host}/32", oif=up, scope=_LINK_SCOPE)
        netlink.route("replace", dst="default", gateway=str(host), oif=up, flags=_ONLINK)
    with open_netlink() as netlink:
        netlink.route(
            "replace", dst=f"{uplink}/32", oif=index, scope=_LINK_SCOPE, prefsrc=str(host)
        )


def set_space(router: Path, space: Iterable[str]) -> None:
    """Look for addresses of the virtual network nowhere else; forget a former space."""
    wanted = {str(IPv4Network(prefix)) for prefix in of_family(space, "ip")}
    with open_netlink(router) as netlink:
        routes = netlink.get_routes(family=socket.AF_INET, table=254, type=_UNREACHABLE)
        present = {f"{route.get_attr('RTA_DST')}/{route['dst_len']}" for route in routes}
        for prefix in wanted - present:
            netlink.route("add", dst=prefix, type=_UNREACHABLE)
        for prefix in present - wanted:
            netlink.route("del", dst=prefix, type=_UNREACHABLE)


@dataclass(frozen=True, slots=True)
class End:
    """One of two routers that are joined."""

    path: Path
    device: str
    """What leads to this one from the other."""
    uplink: str
    space: tuple[str, ...]


def join_routers(one: End, other: End, mtu: int) -> None:
    """Tie two routers together, each with a way to the other's address space; repeatable."""
    with open_netlink(one.path) as netlink, other.path.open("rb") as target:
        if find_device(other.device) is None:
            peer = {"ifname": one.device, "net_ns_fd": target.fileno(), "mtu": mtu}
            netlink.link("add", ifname=other.device, kind="veth", mtu=mtu, peer=peer)
    for here, there in ((one, other), (other, one)):
        with open_netlink(here.path) as netlink:
            index = find_device(there.device)
            # Who speaks for which addresses is the packet filter's to say.
            netns.write_sysctls({f"ipv4/conf/{there.device}/rp_filter": "0"})
            netlink.link("set", index=index, state="up")
            # To ask for the other end with; else it would ask with an address that both have.
            _ensure(netlink, index=index, address=here.uplink)
            routes = netlink.get_routes(family=socket.AF_INET, table=254, oif=index)
            present = {f"{route.get_attr('RTA_DST')}/{route['dst_len']}" for route in routes}
            wanted = of_family(there.space, "ip")
            for prefix in present - set(wanted):
                netlink.route("del", dst=prefix, oif=index)
            for prefix in wanted:
                netlink.route("replace", dst=prefix, gateway=there.uplink, oif=index, flags=_ONLINK)


def attach_group(
    router: Path, name: str, member: Member, *, gateway: str, mtu: int, owner: Path | None
) -> Path:
    """Make a group's namespace and tie it to its router; what is left of an earlier one goes."""
    netns.remove_namespace(name)
    path, device, address = netns.make_namespace(name, owner), member.device, member.address
    with open_netlink(router) as netlink:
        left = find_device(device)
        if left is not None:
            netlink.link("del", index=left)
        with path.open("rb") as target:
            peer = {"ifname": GROUP_DEVICE, "net_ns_fd": target.fileno(), "mtu": mtu}
            netlink.link("add", ifname=device, kind="veth", mtu=mtu, peer=peer)
        index = find_device(device)
        # The router answers for every neighbour, so that packets for them come to it.
        netns.write_sysctls(
            {
                f"ipv4/conf/{device}/proxy_arp": "1",
                f"ipv4/conf/{device}/rp_filter": "1",
                f"ipv4/neigh/{device}/proxy_delay": "0",
            }
        )
        netlink.link("set", index=index, state="up")
        _ensure(netlink, index=find_device("lo"), address=gateway)
        netlink.route("replace", dst=f"{address}/32", oif=index, scope=_LINK_SCOPE)
    with netns.entered(path):
        netns.write_sysctls(_GROUP_SYSCTLS)
    _address_group(path, member, gateway)
    return path


def is_attached(router: Path, member: Member) -> bool:
    """Tell whether a group was tied to its router to the end: its route is laid last."""
    with open_netlink(router) as netlink:
        index = find_device(member.device)
        if index is None:
            return False
        return any(netlink.get_routes(family=socket.AF_INET, table=254, oif=index))


def lead(router: Path, device: str, gateway: str, prefixes: Iterable[str]) -> None:
    """Look for these prefixes behind a group, and for no others; repeatable."""
    with open_netlink(router) as netlink:
        index = find_device(device)
        routes = netlink.get_routes(family=socket.AF_INET, table=254, oif=index)
        found = {
            f"{route.get_attr('RTA_DST')}/{route['dst_len']}"
            for route in routes
            if route.get_attr("RTA_GATEWAY")
        }
        for prefix in found - set(prefixes):
            netlink.route("del", dst=prefix, oif=index)
        for prefix in prefixes:
            netlink.route("replace", dst=prefix, gateway=gateway, oif=index, flags=_ONLINK)


def spread(router: Path, address: str, ways: Sequence[tuple[str, str]]) -> None:
    """Lead an address to several groups at once, given their devices and addresses; repeatable.

    Every packet of a connection goes the same way, as long as the ways are the same. A group that
    was left half attached or half detached is no way: the kernel would refuse all for its sake.
    """
    with open_netlink(router) as netlink:
        routes = netlink.get_routes(family=socket.AF_INET, table=254)
        led = {(route.get_attr("RTA_OIF"), route.get_attr("RTA_DST")) for route in routes}
        found = [(find_device(device), to) for device, to in ways]
        hops = [{"gateway": to, "oif": oif, "hops": 0} for oif, to in found if (oif, to) in led]
        if not hops:
            with contextlib.suppress(NetlinkError):
                netlink.route("del", dst=f"{address}/32")
            return
        netns.write_sysctls({"ipv4/fib_multipath_hash_policy": "1"})
        netlink.route("replace", dst=f"{address}/32", multipath=hops)


def restore_group(path: Path, member: Member, *, gateway: str) -> bool:
    """Put back what a sandbox took with it when it died; tell whether none lives.

    A sandbox with a network stack of its own takes the address off the device and reads packets
    from a socket. While it lives the kernel must not have the address too: it would refuse every
    connection that it knows nothing of.
    """
    with netns.entered(path):
        sockets = Path("/proc/thread-self/net/packet").read_text().splitlines()
    alone = len(sockets) == 1  # the headline
    if alone:
        _address_group(path, member, gateway)
    return alone


def _address_group(path: Path, member: Member, gateway: str) -> None:
    with open_netlink(path) as netlink:
        eth = find_device(GROUP_DEVICE)
        netlink.link("set", index=find_device("lo"), state="up")
        length = IPv4Network(member.subnet).prefixlen
        _ensure(netlink, index=eth, address=member.address, length=length)
        netlink.link("set", index=eth, state="up")
        netlink.route("replace", dst="default", gateway=gateway, oif=eth)


def detach_group(router: Path | None, device: str, name: str) -> None:
    """Take a group's namespace and devices away; repeatable.

    The device goes first: the namespace may be held by a process that has yet to end.
    """
    if router is not None and netns.is_namespace(router):
        with open_netlink(router) as netlink:
            index = find_device(device)
            if index is not None:
                netlink.link("del", index=index)
    netns.remove_namespace(name)


def publish(address: str, host_device: str, uplink: str, host: str) -> None:
    """Lead a public address to the router of its group."""
    with open_netlink() as netlink:
        index = find_device(host_device)
        netlink.route(
            "replace",
            dst=f"{address}/32",
            gateway=uplink,
            oif=index,
            flags=_ONLINK,
            prefsrc=host,
        )


def unpublish(address: str) -> None:
    """Lead a public address nowhere again."""
    with open_netlink() as netlink, contextlib.suppress(NetlinkError):
        netlink.route("del", dst=f"{address}/32")


def remove_router(name: str, host_device: str) -> None:
    """Take a router away with everything that hangs on it."""
    remove_device(host_device)
    netns.remove_namespace(name)


def remove_device(name: str, namespace: Path | None = None) -> None:
    """Take a device away, if it is there; without a namespace one of the host's."""
    with open_netlink(namespace) as netlink:
        index = find_device(name)
        if index is not None:
            netlink.link("del", index=index)


def list_devices(prefix: str, namespace: Path | None = None) -> list[str]:
    """Return the devices whose names begin so; without a namespace the host's."""
    with open_netlink(namespace) as netlink:
        names = [str(link.get_attr("IFLA_IFNAME")) for link in netlink.get_links()]
    return [name for name in names if name.startswith(prefix)]


def read_traffic(router: Path, device: str) -> Traffic:
    """Return what went through a group's device; what the router sent, the group received."""
    with open_netlink(router) as netlink:
        index = find_device(device)
        if index is None:
            return Traffic(0, 0)
        stats = netlink.get_links(index)[0].get_attr("IFLA_STATS64")
    return Traffic(
        received=int(stats["tx_bytes"]),
        sent=int(stats["rx_bytes"]),
    )


def _ensure(netlink: Any, *, index: int | None, address: str, length: int = 32) -> None:
    """Give a device an address, if it has not got it."""
    try:
        netlink.addr("add", index=index, address=address, prefixlen=length)
    except NetlinkError as error:
        if error.code != errno.EEXIST:
            raise
