"""What a principal may do somewhere, and why: for the caller itself and for others.

``checkAccess`` is the API by which Azure's own services ask (AKS for one); its answer here also
says the reason, which ``silo why`` prints.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from silo import access, arm, core, identity

from .properties import (
    Shape,
    get_definition_prefix,
    parse_properties,
    render_assignment,
    render_permission,
)
from .scopes import open_view

_NAMESPACE = "Microsoft.Authorization"
_TTL_MS = 0
"""An answer holds for the moment it was given: a change of roles counts at once."""


class Attributes(Shape):
    """Who is asked about; groups are looked up, never believed."""

    object_id: str = Field(alias="ObjectId", max_length=100)


class Subject(Shape):
    """The principal, wrapped."""

    attributes: Attributes = Field(alias="Attributes")


class AskedAction(Shape):
    """One action that is asked about."""

    id: str = Field(alias="Id", min_length=1, max_length=500)
    is_data_action: bool = Field(default=False, alias="IsDataAction")


class AskedResource(Shape):
    """Where; by default the scope of the path."""

    id: str = Field(alias="Id", max_length=2_048)


class CheckAccessRequest(Shape):
    """The body of ``checkAccess`` (2018-09-01-preview)."""

    subject: Subject = Field(alias="Subject")
    actions: tuple[AskedAction, ...] = Field(alias="Actions", min_length=1, max_length=200)
    resource: AskedResource | None = Field(default=None, alias="Resource")


@dataclass(frozen=True, slots=True)
class AccessChecks:
    """The handlers of ``permissions`` and ``checkAccess``."""

    resources: arm.Resources
    authorizer: access.Authorizer

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        return (
            arm.Operation(
                f"{_NAMESPACE}/permissions/read",
                "GET",
                f"{{scope}}/providers/{_NAMESPACE}/permissions",
                self.list_permissions,
            ),
            arm.Operation(
                f"{_NAMESPACE}/checkAccess/read",
                "POST",
                f"{{scope}}/providers/{_NAMESPACE}/checkAccess",
                self.check_access,
            ),
        )

    async def list_permissions(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List what the caller's roles at a scope hold."""
        policy = self.authorizer.get_policy()
        view = self.resources.store.read_now(lambda conn: open_view(conn, match.scope))
        held: dict[str, access.RoleDefinition] = {}
        for object_id in sorted(call.principal.object_ids):
            for assignment in policy.assignments.get(object_id, ()):
                definition = policy.definitions.get(assignment.role_definition_id)
                if definition and view.applies(assignment.scope) and not assignment.condition:
                    held[definition.id] = definition
        permissions = [item for role in held.values() for item in role.permissions]
        return arm.Reply(200, {"value": [render_permission(item) for item in permissions]})

    async def check_access(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Decide for another principal, with the reason."""
        asked = parse_properties(CheckAccessRequest, {"properties": body})
        scope = asked.resource.id if asked.resource else match.scope
        self._check_within(call, match.scope, scope)
        object_id = asked.subject.attributes.object_id
        try:
            principal = self.resources.store.read_now(lambda conn: _get_principal(conn, object_id))
        except identity.DirectoryError as error:
            refusal = access.Decision(False, str(error))
            return arm.Reply(200, [_render(item, refusal, scope) for item in asked.actions])
        return arm.Reply(
            200,
            [
                _render(
                    item,
                    self.authorizer.decide(principal, item.id, scope, data=item.is_data_action),
                    scope,
                )
                for item in asked.actions
            ],
        )

    def _check_within(self, call: arm.Call, checked: str, scope: str) -> None:
        """Ask for the right at a place that the gateway did not ask about."""
        if scope.casefold() != checked.casefold() and not call.allows(call.action, scope):
            raise call.refusal(call.action, scope)


def _get_principal(conn: core.Connection, object_id: str) -> access.Principal:
    group = identity.find_group(conn, object_id)
    if group is None:
        return identity.get_principal(conn, object_id)
    return access.Principal(
        object_id=group.id,
        tenant_id=identity.get_tenant(conn).id,
        type=access.PrincipalType.GROUP,
        name=group.display_name,
        groups=identity.list_transitive_groups(conn, group.id),
    )


def _render(asked: AskedAction, decision: access.Decision, scope: str) -> dict[str, Any]:
    assignment, definition = decision.assignment, decision.definition
    return {
        "actionId": asked.id,
        "isDataAction": asked.is_data_action,
        "accessDecision": "Allowed" if decision.allowed else "NotAllowed",
        "denyAssignment": None,
        "roleAssignment": _render_assignment(decision, scope) if assignment else None,
        "roleName": definition.role_name if definition and decision.allowed else None,
        "reason": decision.reason,
        "timeToLiveInMs": _TTL_MS,
    }


def _render_assignment(decision: access.Decision, scope: str) -> dict[str, Any] | None:
    if not decision.allowed or decision.assignment is None:
        return None
    shown = render_assignment(decision.assignment, get_definition_prefix(scope))
    return {"id": shown["id"], **shown["properties"]}
