"""Scopes as this namespace needs them: they exist, and lists look up and down from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from silo import access, arm, core


def check_scope(resources: arm.Resources, conn: core.Connection, scope: str) -> None:
    """Refuse a scope that does not exist: rights given ahead would wait for whoever comes there.

    Raises:
        arm.ArmError: a 404 that names the highest thing that is missing.

    """
    place = arm.parse_resource_id(scope)
    for above in reversed(list(place.iterate_scopes())):
        if above.segments and resources.find(conn, above) is None:
            raise _say_missing(resources, conn, above)


def _say_missing(
    resources: arm.Resources, conn: core.Connection, missing: arm.ResourceId
) -> arm.ArmError:
    if missing.full_type == "Microsoft.Resources/subscriptions":
        return arm.SubscriptionNotFound(missing.subscription)
    if missing.full_type == "Microsoft.Resources/subscriptions/resourceGroups":
        return arm.ResourceGroupNotFound(missing.group)
    try:
        resources.get(conn, missing)
    except arm.ResourceNotFound as error:
        return error
    raise AssertionError(missing)  # pragma: no cover - it was missing a line ago


@dataclass(frozen=True, slots=True)
class View:
    """What one who asks at a scope sees: what applies there, and what lies below."""

    parents: Mapping[str, str]
    key: str
    above: frozenset[str]
    """The keys of the scope and of all above it."""

    def applies(self, scope: str) -> bool:
        """Tell whether something at ``scope`` reaches down to here."""
        return access.get_scope_key(scope) in self.above

    def is_below(self, scope: str) -> bool:
        """Tell whether ``scope`` is here or below."""
        return self.key in access.list_ancestors(self.parents, scope)

    def sees(self, scope: str) -> bool:
        """Tell whether something at ``scope`` is listed here."""
        return self.applies(scope) or self.is_below(scope)


def open_view(conn: core.Connection, scope: str) -> View:
    """Return the view from a scope as the tree stands now."""
    parents = access.list_parents(conn)
    above = access.list_ancestors(parents, scope)
    return View(parents, access.get_scope_key(scope), frozenset(above))


def render_list(items: list[dict[str, Any]]) -> arm.Reply:
    """Return a list as ARM says it; all on one page."""
    return arm.Reply(200, {"value": items})
