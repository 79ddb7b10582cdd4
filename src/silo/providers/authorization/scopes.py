"""What is seen from a scope: lists of roles and assignments look up and down from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from silo import access, core


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
