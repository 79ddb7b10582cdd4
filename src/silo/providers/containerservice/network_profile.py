"""A cluster's network profile: what of it can be had here, and what it comes to. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from silo import kube

from . import errors
from .parts import ANY, check_parts, is_empty, is_same
from .properties import NetworkProfile

_PATH = "properties.networkProfile"
_KNOWN: Mapping[str, Sequence[Any] | None] = {
    "networkPlugin": ("azure", "kubenet", "none"),
    "networkPluginMode": ("overlay",),
    # Both are NetworkPolicy as Kubernetes has it; Cilium's own kinds would be passed over.
    "networkPolicy": ("none", "azure", "calico"),
    "networkDataplane": ("azure",),
    "podCidr": ANY,
    "podCidrs": ANY,
    "serviceCidr": ANY,
    "serviceCidrs": ANY,
    "dnsServiceIP": ANY,
    "loadBalancerSku": ("standard",),
    "outboundType": ("loadBalancer",),
    "ipFamilies": (["IPv4"],),
}
_FIXED = ("networkPlugin", "networkPluginMode", "podCidr", "serviceCidr", "dnsServiceIP")
_POD_PREFIXES, _SERVICE_PREFIXES = range(8, 21), range(13, 28)
"""Nodes have a /24 each; Kubernetes and Azure know no larger range of services."""
_RESERVED = tuple(
    map(
        IPv4Network,
        (
            str(kube.NODE_SPACE),
            *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "168.63.129.16/32"),
            # Azure keeps these for itself.
            *("172.30.0.0/16", "172.31.0.0/16", "192.0.2.0/24"),
        ),
    )
)


def settle_network(given: Mapping[str, Any], before: Mapping[str, Any] | None) -> NetworkProfile:
    """Return a cluster's network as it is to be; what is not said stays, or is Azure's default.

    Raises:
        ArmError: something cannot be had, contradicts the rest, or cannot be changed.

    """
    check_parts(_PATH, given, _KNOWN)
    said = {name: value for name, value in given.items() if not is_empty(value)}
    kept = dict(before or {})
    for name in _FIXED:
        if before is not None and name in said and not is_same(said[name], kept.get(name)):
            raise errors.PropertyCannotChange(f"{_PATH}.{name}")
    plugin = str(said.get("networkPlugin") or kept.get("networkPlugin") or "azure").lower()
    # Who names the plugin alone wants pods to have addresses of the network itself.
    otherwise = None if "networkPlugin" in said or plugin != "azure" else "overlay"
    mode = said.get("networkPluginMode") or (kept.get("networkPluginMode") if before else otherwise)
    policy = str(said.get("networkPolicy") or kept.get("networkPolicy") or "none").lower()
    services = _read_range(said, kept, "serviceCidr", kube.SERVICE_SPACE, _SERVICE_PREFIXES)
    in_subnet = plugin == "azure" and not mode
    if in_subnet and ("podCidr" in said or "podCidrs" in said):
        raise errors.PropertyInvalid(f"{_PATH}.podCidr", "pods have addresses of the subnet")
    pods = None
    if not in_subnet:
        pods = _read_range(said, kept, "podCidr", kube.POD_SPACE, _POD_PREFIXES)
    if mode and plugin != "azure":
        raise errors.PropertyInvalid(f"{_PATH}.networkPluginMode", f"{plugin} has no modes")
    if policy != "none" and (plugin == "none" or (plugin, policy) == ("kubenet", "azure")):
        why = f"{policy} does not go with the network plugin {plugin}"
        raise errors.PropertyInvalid(f"{_PATH}.networkPolicy", why)
    shown = {
        "networkPlugin": plugin,
        "networkPluginMode": "overlay" if mode else None,
        "networkPolicy": policy,
        "networkDataplane": "azure" if plugin == "azure" else None,
        "podCidr": str(pods) if pods else None,
        "podCidrs": [str(pods)] if pods else None,
        "serviceCidr": str(services),
        "serviceCidrs": [str(services)],
        "dnsServiceIP": _read_dns(said, kept, services),
        "loadBalancerSku": "standard",
        "outboundType": "loadBalancer",
        "ipFamilies": ["IPv4"],
    }
    settled = NetworkProfile.model_validate(shown)
    check_free(settled, _RESERVED)
    if pods and pods.overlaps(services):
        raise errors.PropertyInvalid(f"{_PATH}.serviceCidr", f"it overlaps the pods' {pods}")
    return settled


def check_free(profile: NetworkProfile, taken: Iterable[IPv4Network]) -> None:
    """Refuse ranges that pods could not tell from others that they have to reach.

    Raises:
        PropertyInvalid: one overlaps.

    """
    ranges = {"podCidr": profile.pod_cidr, "serviceCidr": profile.service_cidr}
    for name, text in ranges.items():
        for other in taken:
            if text and IPv4Network(text).overlaps(other):
                raise errors.PropertyInvalid(f"{_PATH}.{name}", f"{text} overlaps {other}")


def _read_range(
    said: Mapping[str, Any],
    kept: Mapping[str, Any],
    name: str,
    default: IPv4Network,
    prefixes: range,
) -> IPv4Network:
    path, many = f"{_PATH}.{name}", said.get(f"{name}s")
    text = said.get(name) or (many[0] if isinstance(many, list) else None)
    if many is not None and many != [text]:
        raise errors.PropertyInvalid(f"{path}s", "it is one range, the same as the other")
    try:
        found = IPv4Network(str(text or kept.get(name) or default))
    except ValueError:
        raise errors.PropertyInvalid(path, f"'{str(text)[:50]}' is no range of IPv4") from None
    if found.prefixlen not in prefixes:
        why = f"its prefix is from /{prefixes.start} to /{prefixes.stop - 1}"
        raise errors.PropertyInvalid(path, why)
    return found


def _read_dns(said: Mapping[str, Any], kept: Mapping[str, Any], services: IPv4Network) -> str:
    path = f"{_PATH}.dnsServiceIP"
    text = str(said.get("dnsServiceIP") or kept.get("dnsServiceIP") or services[10])
    try:
        found = IPv4Address(text)
    except ValueError:
        raise errors.PropertyInvalid(path, f"'{text[:50]}' is no address") from None
    if found not in services or found in (services[0], services[1], services[-1]):
        raise errors.PropertyInvalid(path, f"{found} is none of {services} that is free")
    return str(found)
