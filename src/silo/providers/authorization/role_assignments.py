"""Role assignments: who is given what, where. Nobody gives more than the gateway let them.

The gateway has asked for ``Microsoft.Authorization/roleAssignments/write`` at the very scope of the
assignment, and that is Azure's rule: who may write there may give any role there, and none above.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from silo import access, arm, core, identity

from .errors import (
    CannotDeleteLastRbacAdminAssignment,
    InvalidPrincipalType,
    InvalidRoleAssignmentId,
    PrincipalNotFound,
    RoleAssignmentExists,
    RoleAssignmentNotFound,
    RoleAssignmentUpdateNotPermitted,
    RoleDefinitionDoesNotExist,
    UnmatchedPrincipalType,
)
from .properties import (
    ASSIGNMENTS,
    DEFINITIONS,
    RoleAssignmentProperties,
    get_definition_prefix,
    parse_guid,
    parse_properties,
    render_assignment,
)
from .scopes import open_view

WRITE = "Microsoft.Authorization/roleAssignments/write"
_INSIDE = frozenset({"microsoft.containerservice/managedclusters/namespaces"})
"""Places that data actions are allowed at, though no request reads them as resources."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""Of a Kubernetes namespace (RFC 1123)."""
_PRINCIPAL_TYPES = {
    identity.ObjectType.USER: access.PrincipalType.USER,
    identity.ObjectType.GROUP: access.PrincipalType.GROUP,
    identity.ObjectType.SERVICE_PRINCIPAL: access.PrincipalType.SERVICE_PRINCIPAL,
}


@dataclass(frozen=True, slots=True)
class RoleAssignments:
    """The handlers of ``roleAssignments``."""

    resources: arm.Resources

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        name, collection = "Microsoft.Authorization/roleAssignments", f"{{scope}}/{ASSIGNMENTS}"
        item = f"{collection}/{{name}}"
        return (
            arm.Operation(f"{name}/read", "GET", collection, self.list),
            arm.Operation(f"{name}/read", "GET", item, self.get),
            arm.Operation(
                WRITE,
                "PUT",
                item,
                self.put,
                statuses=(200, 201),
                coverage="partly: a condition and delegatedManagedIdentityResourceId are refused",
            ),
            arm.Operation(f"{name}/delete", "DELETE", item, self.delete, statuses=(200, 204)),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List what applies at a scope and what is given below it, filtered."""
        found = self.resources.store.read_now(lambda conn: _list(conn, call, match.scope))
        prefix = get_definition_prefix(match.scope)
        items = [render_assignment(item, prefix) for item in found]
        return arm.Reply(200, arm.page_items(call, items))

    async def get(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one assignment of this very scope."""
        found = self.resources.store.read_now(lambda conn: _find(conn, match))
        if found is None:
            raise RoleAssignmentNotFound(match["name"])
        return arm.Reply(200, render_assignment(found, get_definition_prefix(match.scope)))

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Give a role, or change the description of an assignment."""
        name = parse_guid(match["name"], InvalidRoleAssignmentId)
        place = arm.parse_resource_id(match.scope)
        wanted = parse_properties(RoleAssignmentProperties, body)
        _check_supported(wanted)

        def write(conn: core.Connection) -> tuple[int, access.RoleAssignment]:
            arm.check_locks(conn, match.id, deleting=False)
            # Rights given ahead of a resource would wait for whoever makes one of that name.
            scope = _check_place(conn, place)
            assignment = _read_wish(conn, call, scope, name, wanted)
            status, stored = _store(conn, assignment)
            call.record(conn, status, **_describe(stored))
            return status, stored

        status, stored = await self.resources.store.write(write)
        return arm.Reply(status, render_assignment(stored, get_definition_prefix(match.scope)))

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Take a role away; 204 when there was nothing to take."""

        def write(conn: core.Connection) -> access.RoleAssignment | None:
            found = _find(conn, match)
            if found is None:
                call.record(conn, 204)
                return None
            arm.check_locks(conn, match.id, deleting=True)
            access.delete_assignment(conn, found.name)
            _check_somebody_left(conn, found)
            call.record(conn, 200, **_describe(found))
            return found

        gone = await self.resources.store.write(write)
        if gone is None:
            return arm.Reply(204)
        return arm.Reply(200, render_assignment(gone, get_definition_prefix(match.scope)))


def _check_place(conn: core.Connection, place: arm.ResourceId) -> str:
    """Return where a role may be given: at a resource, or at what Azure knows inside of one."""
    inside = place.full_type.casefold() in _INSIDE and _NAME.fullmatch(place.name)
    if not inside or place.parent is None:
        return arm.check_scope(conn, place, writing=True).text
    above = arm.check_scope(conn, place.parent, writing=True)
    return above.child(place.type.rpartition("/")[2], place.name).text


def _check_supported(wanted: RoleAssignmentProperties) -> None:
    if wanted.delegated_managed_identity_resource_id:
        raise arm.InvalidRequestContent("delegatedManagedIdentityResourceId is not supported")
    if (wanted.condition or "").strip():
        # Without its condition the role would allow more than was meant; with it, nothing.
        raise arm.InvalidRequestContent(
            "a role assignment with a condition is not supported, for conditions are not evaluated"
        )


def _read_wish(
    conn: core.Connection,
    call: arm.Call,
    scope: str,
    name: str,
    wanted: RoleAssignmentProperties,
) -> access.RoleAssignment:
    definition = _get_definition(conn, scope, wanted.role_definition_id)
    kind = _get_principal_type(conn, call.principal.tenant_id, wanted)
    now, author = core.render_time(call.now), call.principal.object_id
    return access.RoleAssignment(
        name=name,
        scope=scope,
        principal_id=wanted.principal_id.lower(),
        principal_type=kind,
        role_definition_id=definition.id,
        created_on=now,
        created_by=author,
        updated_on=now,
        updated_by=author,
        description=wanted.description or "",
    )


def _get_definition(conn: core.Connection, scope: str, definition_id: str) -> access.RoleDefinition:
    head, _, guid = definition_id.rpartition("/")
    definition = None
    if head.casefold().endswith(f"/{DEFINITIONS}".casefold()):
        definition = access.find_definition(conn, guid)
    if definition is None or not any(
        map(open_view(conn, scope).applies, definition.assignable_scopes)
    ):
        raise RoleDefinitionDoesNotExist(guid)
    return definition


def _get_principal_type(
    conn: core.Connection, tenant: str, wanted: RoleAssignmentProperties
) -> access.PrincipalType:
    found = identity.find_type(conn, wanted.principal_id)
    if found is None:
        raise PrincipalNotFound(wanted.principal_id, tenant)
    if found not in _PRINCIPAL_TYPES:
        raise InvalidPrincipalType(found)
    actual = _PRINCIPAL_TYPES[found]
    if not wanted.principal_type or wanted.principal_type.casefold() == actual.casefold():
        return actual
    if wanted.principal_type.casefold() not in {kind.casefold() for kind in access.PrincipalType}:
        raise InvalidPrincipalType(wanted.principal_type)
    raise UnmatchedPrincipalType(wanted.principal_id, actual, wanted.principal_type)


def _store(
    conn: core.Connection, wanted: access.RoleAssignment
) -> tuple[int, access.RoleAssignment]:
    existing = access.find_assignment(conn, wanted.name)
    if existing is None:
        try:
            return 201, access.insert_assignment(conn, wanted)
        except access.AssignmentExists as error:
            raise RoleAssignmentExists(error.existing.name) from error
    if _get_identity(existing) != _get_identity(wanted):
        raise RoleAssignmentUpdateNotPermitted
    changed = replace(
        existing,
        description=wanted.description,
        condition=wanted.condition,
        condition_version=wanted.condition_version,
        updated_on=wanted.updated_on,
        updated_by=wanted.updated_by,
    )
    access.update_assignment(conn, changed)
    return 200, changed


def _get_identity(assignment: access.RoleAssignment) -> tuple[str, str, str]:
    scope = access.get_scope_key(assignment.scope)
    return scope, assignment.principal_id, assignment.role_definition_id


def _find(conn: core.Connection, match: arm.Match) -> access.RoleAssignment | None:
    """Return the assignment of that name if it is at the scope that the gateway checked."""
    found = access.find_assignment(conn, match["name"])
    if found and access.get_scope_key(found.scope) == access.get_scope_key(match.scope):
        return found
    return None


def _list(conn: core.Connection, call: arm.Call, scope: str) -> list[access.RoleAssignment]:
    view = open_view(conn, scope)
    found = [item for item in access.list_assignments(conn) if view.sees(item.scope)]
    text = call.query.get("$filter")
    if not text:
        return found
    reached: dict[str, frozenset[str]] = {}

    def is_at_scope(document: Mapping[str, Any], _arguments: tuple[Any, ...]) -> bool:
        return view.applies(document["scope"])

    def is_assigned_to(document: Mapping[str, Any], arguments: tuple[Any, ...]) -> bool:
        (object_id,) = (str(argument).casefold() for argument in arguments)
        if object_id not in reached:
            groups = identity.list_transitive_groups(conn, object_id)
            reached[object_id] = groups | {object_id}
        return document["principalId"] in reached[object_id]

    calls = {"atScope": is_at_scope, "assignedTo": is_assigned_to}
    try:
        keeps = core.parse_filter(text, calls)
        return [item for item in found if keeps(_document(item))]
    except (core.FilterMalformed, ValueError) as error:
        raise arm.InvalidFilterInQueryString(str(error)) from None


def _document(assignment: access.RoleAssignment) -> dict[str, str]:
    """Return what a filter may name."""
    return {
        "principalId": assignment.principal_id,
        "principalType": assignment.principal_type,
        "roleDefinitionId": assignment.role_definition_id,
        "scope": assignment.scope,
    }


def _check_somebody_left(conn: core.Connection, gone: access.RoleAssignment) -> None:
    """Refuse a deletion after which nobody could give access to a subscription or the tenant.

    Azure protects subscriptions so; the root of a tenant of one's own needs it no less.
    """
    place = arm.parse_resource_id(gone.scope)
    if place.segments and place.full_type != "Microsoft.Resources/subscriptions":
        return
    definition = access.find_definition(conn, gone.role_definition_id)
    if definition is None or gone.condition or not _gives_access(definition):
        return
    view = open_view(conn, gone.scope)
    for other in access.list_assignments(conn):
        role = access.find_definition(conn, other.role_definition_id)
        if role and not other.condition and view.applies(other.scope) and _gives_access(role):
            return
    raise CannotDeleteLastRbacAdminAssignment


def _gives_access(definition: access.RoleDefinition) -> bool:
    return any(
        access.compile_patterns(item.actions).matches(WRITE.casefold())
        and not access.compile_patterns(item.not_actions).matches(WRITE.casefold())
        for item in definition.permissions
    )


def _describe(assignment: access.RoleAssignment) -> dict[str, str]:
    """Return what the audit record says of an assignment."""
    return {
        "principalId": assignment.principal_id,
        "roleDefinitionId": assignment.role_definition_id,
        "assignmentScope": assignment.scope,
    }
