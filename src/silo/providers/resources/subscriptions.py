"""Tenants, subscriptions and locations: what a client reads right after signing in.

Source: https://learn.microsoft.com/rest/api/resources/subscriptions (2022-12-01)
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from silo import access, arm, core, identity

from .errors import NotSupported
from .management_tree import ensure_root
from .reach import Reach

NAMESPACE = "Microsoft.Resources"
SUBSCRIPTIONS = f"{NAMESPACE}/subscriptions"
ITEM = "/subscriptions/{subscription}"
_TENANT = arm.parse_resource_id("/")


def ensure_subscription(  # noqa: PLR0917 - what it stores
    conn: core.Connection,
    resources: arm.Resources,
    subscription_id: str,
    display_name: str,
    tenant_id: str,
    now: datetime,
) -> arm.Resource:
    """Make a subscription under the tenant root management group, and that group, if missing.

    Repeatable at every start: what exists stays as it is, wherever it was moved.
    """
    root = ensure_root(conn, resources, tenant_id, now)
    id_ = arm.parse_resource_id(f"/subscriptions/{subscription_id}")
    found = resources.find(conn, id_)
    if found is not None:
        return found
    properties = {"displayName": display_name, "tenantId": tenant_id}
    made = resources.make(id_, {"properties": properties}, arm.make_stamp(now))
    access.set_parent(conn, id_.text, root.id.text)
    return resources.put(conn, replace(made, settled_generation=made.generation))


def list_subscriptions(conn: core.Connection, resources: arm.Resources) -> list[arm.Resource]:
    """Return every subscription of this instance."""
    return list(resources.list(conn, _TENANT, SUBSCRIPTIONS))


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The handlers."""

    resources: arm.Resources
    reach: Reach

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        read = f"{SUBSCRIPTIONS}/read"
        return (
            arm.Operation(
                f"{NAMESPACE}/tenants/read", "GET", "/tenants", self.list_tenants, filtered=True
            ),
            arm.Operation(read, "GET", "/subscriptions", self.list, filtered=True),
            arm.Operation(read, "GET", ITEM, self.get, filtered=True),
            arm.Operation(
                f"{SUBSCRIPTIONS}/locations/read", "GET", f"{ITEM}/locations", self.list_locations
            ),
        )

    def list_refusals(self) -> tuple[arm.Operation, ...]:
        """Return the routes of Microsoft.Subscription, none of which is served."""
        return tuple(
            arm.Operation(
                f"Microsoft.Subscription/{verb}/action",
                "POST",
                f"{ITEM}/providers/Microsoft.Subscription/{verb}",
                self.refuse,
                statuses=(400,),
                coverage="refused: subscriptions are made and named when the instance is set up",
            )
            for verb in ("rename", "cancel", "enable")
        )

    async def list_tenants(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List the one tenant, to which everybody who can sign in belongs."""
        tenant = self.resources.store.read_now(identity.get_tenant)
        item = {
            "id": f"/tenants/{tenant.id}",
            "tenantId": tenant.id,
            "displayName": tenant.display_name,
            "defaultDomain": tenant.domain,
            "domains": [tenant.domain],
            "tenantCategory": "Home",
            "tenantType": "AAD",
        }
        return arm.Reply(200, arm.page_items(call, [item]))

    async def list(self, call: arm.Call, _match: arm.Match, _body: Any) -> arm.Reply:
        """List the subscriptions in which the caller has any role."""
        view = self.reach.open_view(call.principal)
        found = self.resources.store.read_now(lambda conn: list_subscriptions(conn, self.resources))
        items = [_render(each) for each in found if view.sees(each.id.text)]
        count = {"type": "Total", "value": len(items)}
        return arm.Reply(200, {**arm.page_items(call, items), "count": count})

    async def get(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one subscription in which the caller has any role."""
        self.reach.check(call, match.id.text)
        return arm.Reply(200, _render(self._get(match)))

    async def list_locations(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the names that a ``location`` may have; one machine plays them all."""
        subscription = self._get(match).id.text
        return arm.Reply(
            200, {"value": [_render_location(subscription, each) for each in arm.LOCATIONS]}
        )

    async def refuse(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Refuse to rename, cancel or enable."""
        self._get(match)
        raise NotSupported(
            "Subscriptions of this instance cannot be renamed, cancelled or enabled: they are made "
            "when the instance is set up."
        )

    def _get(self, match: arm.Match) -> arm.Resource:
        def read(conn: core.Connection) -> arm.Resource:
            return self.resources.get(conn, arm.check_scope(conn, match.id))

        return self.resources.store.read_now(read)


def _render(subscription: arm.Resource) -> dict[str, Any]:
    body = {
        "id": subscription.id.text,
        "subscriptionId": subscription.id.name,
        "displayName": subscription.properties["displayName"],
        "state": "Enabled",
        "tenantId": subscription.properties["tenantId"],
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }
    if subscription.tags:
        body["tags"] = dict(subscription.tags)
    return body


def _render_location(subscription: str, location: arm.Location) -> dict[str, Any]:
    return {
        "id": f"{subscription}/locations/{location.name}",
        "name": location.name,
        "type": "Region",
        "displayName": location.display_name,
        "regionalDisplayName": f"({location.geography}) {location.display_name}",
        "metadata": {
            "regionType": "Physical",
            "regionCategory": "Recommended",
            "geography": location.geography,
            "geographyGroup": location.geography,
        },
    }
