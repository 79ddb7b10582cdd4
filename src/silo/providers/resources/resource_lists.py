"""``/resources``: everything of every type in a subscription or group that the caller may read.

Source: https://learn.microsoft.com/rest/api/resources/resources/list (2024-11-01)
"""

from dataclasses import dataclass
from typing import Any

from silo import arm, core

from .declared import GetCatalogue, is_tracked
from .reach import Reach

_SUBSCRIPTION = "/subscriptions/{subscription}/resources"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/resources"
_SHOWN = ("kind", "location", "managedBy", "sku", "plan", "identity", "tags", "zones")


@dataclass(frozen=True, slots=True)
class ResourceLists:
    """The handlers."""

    resources: arm.Resources
    reach: Reach
    get_catalogue: GetCatalogue

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        stem = "Microsoft.Resources/subscriptions"
        return (
            arm.Operation(f"{stem}/resources/read", "GET", _SUBSCRIPTION, self.list, filtered=True),
            arm.Operation(
                f"{stem}/resourceGroups/resources/read", "GET", _GROUP, self.list, filtered=True
            ),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List a page of resources; only what the caller may read, each by its own type's right."""
        self.reach.check(call, match.id.text)
        catalogue = self.get_catalogue()
        extra = {name.strip().casefold() for name in call.query.get("$expand", "").split(",")}

        def keep(resource: arm.Resource) -> bool:
            return is_tracked(catalogue, resource.id) and call.allows(
                f"{resource.id.full_type}/read", resource.id.text
            )

        def read(conn: core.Connection) -> dict[str, Any]:
            scope = arm.check_scope(conn, match.id)
            return arm.list_page(
                conn,
                self.resources,
                call,
                scope,
                keep=keep,
                render=lambda resource: _render(resource, extra),
            )

        return arm.Reply(200, self.resources.store.read_now(read))


def _render(resource: arm.Resource, extra: set[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": resource.id.text,
        "name": resource.id.name,
        "type": resource.id.full_type,
    }
    body.update((part, resource.document[part]) for part in _SHOWN if part in resource.document)
    if "createdtime" in extra:
        body["createdTime"] = resource.created.at
    if "changedtime" in extra:
        body["changedTime"] = resource.changed.at
    if "provisioningstate" in extra:
        body["provisioningState"] = resource.state
    return body
