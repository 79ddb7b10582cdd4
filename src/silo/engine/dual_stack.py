"""IPv6 beside IPv4: addresses, routes and neighbours of version 6, through netlink.

Neighbours are written down on both ends of every wire, for good: nobody has to be asked for one,
and so nobody can answer for another. Routers have no address of version 6; nothing is said to them.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError

from . import netns
from .links import GROUP_DEVICE, find_device, open_netlink
from .routers import Member
from .rules import of_family

GATEWAY = "fe80::1234:5678:9abc"
"""Where everything goes that a group or a router has for others, as in Azure."""
_SWITCHES = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
_PERMANENT = 0x80
_NO_DUPLICATE_CHECK = 0x02
"""Of neighbours and addresses (``linux/neighbour.h``, ``linux/if_addr.h``)."""
_FAMILY = {"family": socket.AF_INET6}
_MAIN = 254


def find_ipv6_fault() -> str:
    """Return why this machine has no IPv6, or nothing."""
    try:
        off = _SWITCHES.read_text().strip() != "0"
    except FileNotFoundError:
        return "the kernel of this machine has no IPv6"
    return "IPv6 is switched off on this machine (net.ipv6.conf.all.disable_ipv6)" if off else ""


def add(router: Path, group: Path, member: Member, *, alone: bool = True) -> None:
    """Give a group its address, if it has one, and lead it there; repeatable.

    ``alone``: no sandbox lives that has taken the address over.
    """
    if member.ipv6:
        _lead(router, group, member)
        if alone:
            _address_group(router, group, member)


def _lead(router: Path, group: Path, member: Member) -> None:
    _open(router, member.device)
    with netns.entered(router):
        netns.write_sysctls({"ipv6/conf/all/forwarding": "1"})
    with open_netlink(group) as netlink:
        mac = _read_mac(netlink, GROUP_DEVICE)
    with open_netlink(router) as netlink:
        index = _tell_neighbour(netlink, member.device, member.ipv6, mac)
        netlink.route("replace", dst=f"{member.ipv6}/128", oif=index, **_FAMILY)


def _address_group(router: Path, group: Path, member: Member) -> None:
    _open(group, GROUP_DEVICE)
    with open_netlink(router) as netlink:
        mac = _read_mac(netlink, member.device)
    with open_netlink(group) as netlink:
        index = _tell_neighbour(netlink, GROUP_DEVICE, GATEWAY, mac)
        address = {"address": member.ipv6, "prefixlen": 128, "flags": _NO_DUPLICATE_CHECK}
        netlink.addr("replace", index=index, **address, **_FAMILY)
        netlink.route("replace", dst="::/0", gateway=GATEWAY, oif=index, **_FAMILY)


def join(here: Path, there: Path, devices: tuple[str, str], space: Sequence[str]) -> None:
    """Look for the prefixes of one router's space behind another, and no others; repeatable.

    ``devices`` are the ends of their wire: the one here and the one there.
    """
    device, other = devices
    wanted = {str(ipaddress.IPv6Network(each)) for each in of_family(space, "ip6")}
    if not wanted and not _speaks(here, device):
        return
    _open(here, device)
    _open(there, other)
    with open_netlink(there) as netlink:
        mac = _read_mac(netlink, other)
    with open_netlink(here) as netlink:
        index = _tell_neighbour(netlink, device, GATEWAY, mac)
        _forget_routes(netlink, index, wanted)
        for prefix in wanted:
            netlink.route("replace", dst=prefix, gateway=GATEWAY, oif=index, **_FAMILY)


def _open(path: Path, device: str) -> None:
    """Have a device carry packets of version 6, and take nothing that others offer."""
    conf = f"ipv6/conf/{device}"
    with netns.entered(path):
        netns.write_sysctls(
            {
                # No address of its own making (``linux/if_link.h``).
                f"{conf}/addr_gen_mode": "1",
                f"{conf}/accept_ra": "0",
                f"{conf}/autoconf": "0",
                f"{conf}/accept_redirects": "0",
                f"{conf}/disable_ipv6": "0",
            }
        )


def _speaks(path: Path, device: str) -> bool:
    with netns.entered(path), contextlib.suppress(FileNotFoundError):
        found = Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").read_text()
        return found.strip() == "0"
    return False


def _read_mac(netlink: Any, device: str) -> str:
    found = netlink.get_links(find_device(device))[0]
    return str(found.get_attr("IFLA_ADDRESS"))


def _tell_neighbour(netlink: Any, device: str, address: str, mac: str) -> int:
    """Write down who has an address at a device; return the device's number."""
    index = find_device(device)
    if index is None:
        raise FileNotFoundError(device)
    way = {"ifindex": index, "lladdr": mac, "state": _PERMANENT}
    netlink.neigh("replace", dst=address, **way, **_FAMILY)
    return index


def _forget_routes(netlink: Any, index: int, wanted: Iterable[str]) -> None:
    for route in netlink.get_routes(**_FAMILY, table=_MAIN, oif=index):
        prefix = f"{route.get_attr('RTA_DST')}/{route['dst_len']}"
        if route.get_attr("RTA_GATEWAY") and prefix not in wanted:
            with contextlib.suppress(NetlinkError):
                netlink.route("del", dst=prefix, oif=index, **_FAMILY)
