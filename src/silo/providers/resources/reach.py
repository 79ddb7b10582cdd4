"""What a caller has anything to do with: the places above and below its role assignments.

As in Azure, who may read one resource sees the subscription around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from silo import access, arm


@dataclass(frozen=True, slots=True)
class View:
    """The places of one caller, by the policy as it stood a moment ago."""

    parents: Mapping[str, str]
    keys: frozenset[str]
    """Where the caller has a role that lets it do something."""
    around: frozenset[str]
    """Those places and everything above them."""

    def sees(self, scope: str) -> bool:
        """Tell whether the caller has a role at a scope, above it or below it."""
        try:
            above = access.list_ancestors(self.parents, scope)
        except ValueError:  # such as ``..`` for a name: no place, so nobody has a role there
            return False
        return above[0] in self.around or not self.keys.isdisjoint(above)


@dataclass(frozen=True, slots=True)
class Reach:
    """Opens views, and refuses who sees nothing."""

    authorizer: access.Authorizer

    def open_view(self, principal: access.Principal) -> View:
        """Return what the caller has to do with."""
        policy = self.authorizer.get_policy()
        keys = frozenset(
            access.get_scope_key(item.scope)
            for oid in principal.object_ids
            for item in policy.assignments.get(oid, ())
            if _gives_something(policy, item)
        )
        around = frozenset(
            above for key in keys for above in access.list_ancestors(policy.parents, key)
        )
        return View(policy.parents, keys, around)

    def check(self, call: arm.Call, scope: str) -> None:
        """Refuse a caller that has no role at the scope, above it or below it.

        Raises:
            arm.AuthorizationFailed: before anything is said of what exists there.

        """
        if not self.open_view(call.principal).sees(scope):
            raise call.refusal(call.action, scope)


def _gives_something(policy: access.Policy, assignment: access.RoleAssignment) -> bool:
    """Tell whether an assignment gives any control-plane action; data actions show no resource."""
    definition = policy.definitions.get(assignment.role_definition_id)
    return (
        definition is not None
        and not assignment.condition.strip()
        and any(permission.actions for permission in definition.permissions)
    )
