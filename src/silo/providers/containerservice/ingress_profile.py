"""A cluster's ingress profile: app routing, and which of its parts can be had here. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from silo import kube

from .parts import ANY, check_parts
from .properties import IngressProfile

_PATH = "properties.ingressProfile"
_KNOWN: Mapping[str, Sequence[Any] | None] = {
    "webAppRouting": ANY,
    "gatewayAPI": ({"installation": "Disabled"},),
}
_ROUTING: Mapping[str, Sequence[Any] | None] = {"enabled": ANY, "nginx": ANY}
_NGINX: Mapping[str, Sequence[Any] | None] = {
    "defaultIngressControllerType": kube.INGRESS_CONTROLLERS
}


def settle_ingress(
    given: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return how requests come in as it is to be; what is not said stays.

    Raises:
        PropertyNotSupported: a part that Azure would follow and this location cannot.

    """
    check_parts(_PATH, given, _KNOWN)
    routing = given.get("webAppRouting") or {}
    check_parts(f"{_PATH}.webAppRouting", routing, _ROUTING)
    check_parts(f"{_PATH}.webAppRouting.nginx", routing.get("nginx") or {}, _NGINX)
    if routing.get("enabled") is None:
        return dict(before) if before else None
    shown = {"enabled": bool(routing["enabled"])}
    return {
        "webAppRouting": {**shown, "nginx": _choose(routing, before) if shown["enabled"] else None}
    }


def read_controller(profile: IngressProfile | None) -> str:
    """Return which controller stands there; nothing is none."""
    routing = profile.web_app_routing if profile else None
    if routing is None or not routing.enabled:
        return ""
    return (routing.nginx and routing.nginx.default_ingress_controller_type) or ""


def _choose(routing: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, str]:
    kept = ((before or {}).get("webAppRouting") or {}).get("nginx") or {}
    name = "defaultIngressControllerType"
    said = (routing.get("nginx") or {}).get(name) or kept.get(name)
    known = {one.casefold(): one for one in kube.INGRESS_CONTROLLERS}
    return {name: known[str(said or kube.INGRESS_CONTROLLERS[0]).casefold()]}
