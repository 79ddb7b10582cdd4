"""What Azure's networks have and this instance has not yet: said so, never pretended.

Lists are truly empty and items truly missing, so tools that look first go on; making one is
refused with the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from silo import arm

from .errors import NotSupported
from .topology import NAMESPACE

_TYPES = {
    "applicationGateways": "An application gateway",
    "applicationSecurityGroups": "An application security group",
    "azureFirewalls": "A firewall",
    "bastionHosts": "A bastion",
    "dnsZones": "A DNS zone",
    "loadBalancers": "A load balancer",
    "natGateways": "A NAT gateway",
    "networkInterfaces": "A network interface",
    "networkProfiles": "A network profile",
    "networkWatchers": "A network watcher",
    "privateDnsZones": "A private DNS zone",
    "privateEndpoints": "A private endpoint",
    "publicIPPrefixes": "A public IP prefix",
    "routeTables": "A route table",
    "serviceEndpointPolicies": "A service endpoint policy",
    "virtualNetworkGateways": "A virtual network gateway",
}
_SUBSCRIPTION = f"/subscriptions/{{subscription}}/providers/{NAMESPACE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{NAMESPACE}"


@dataclass(frozen=True, slots=True)
class Refusals:
    """The operations that say what is not there."""

    resources: arm.Resources

    def list_operations(self) -> Iterator[arm.Operation]:
        """Yield each with its reason."""
        for type_, what in _TYPES.items():
            yield from self._declare(type_, what, f"{_GROUP}/{type_}")
            yield self._declare_list(type_, what, f"{_SUBSCRIPTION}/{type_}")

    def _declare(self, type_: str, what: str, items: str) -> Iterator[arm.Operation]:
        item = f"{items}/{{name}}"
        rows: tuple[tuple[str, str, arm.Handler, int], ...] = (
            ("read", "GET", self._find_nothing, 404),
            ("write", "PUT", self._refuse(what), 400),
            ("write", "PATCH", self._find_nothing, 404),
            ("delete", "DELETE", self._delete_nothing, 204),
        )
        yield self._declare_list(type_, what, items)
        for verb, method, handler, status in rows:
            yield arm.Operation(
                f"{NAMESPACE}/{type_}/{verb}",
                method,
                item,
                handler,
                statuses=(status,),
                coverage=_render_coverage(what),
            )

    def _declare_list(self, type_: str, what: str, path: str) -> arm.Operation:
        return arm.Operation(
            f"{NAMESPACE}/{type_}/read",
            "GET",
            path,
            self._list_nothing,
            coverage=_render_coverage(what),
        )

    def _refuse(self, what: str) -> arm.Handler:
        async def refuse(_call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
            self._check_parent(match.id.parent)
            raise NotSupported(what)

        return refuse

    async def _list_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_parent(match.id)
        return arm.Reply(200, {"value": []})

    async def _find_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_parent(match.id.parent)
        raise arm.ResourceNotFound(f"The resource '{match.id}' was not found.")

    async def _delete_nothing(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        self._check_parent(match.id.parent)
        return arm.Reply(204)

    def _check_parent(self, scope: arm.ResourceId | None) -> None:
        """Refuse what is asked of a group or network that does not exist."""
        if scope is not None:
            self.resources.store.read_now(lambda conn: arm.check_scope(conn, scope))


def _render_coverage(what: str) -> str:
    return f"refused: {what[0].lower()}{what[1:]} is not supported yet"
