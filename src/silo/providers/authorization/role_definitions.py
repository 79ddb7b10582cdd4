"""Role definitions: Azure's built-in ones to read, custom ones to write.

A role is known wherever it may be assigned, so to change one takes the right to write roles at
every place where it may be assigned, before and after.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from silo import access, arm, core

from .errors import (
    InvalidActionOrNotAction,
    InvalidAssignableScope,
    InvalidRoleDefinitionId,
    RoleDefinitionHasAssignments,
    RoleDefinitionNotCustom,
    RoleDefinitionNotFound,
    RoleDefinitionWithSameNameExists,
)
from .properties import (
    DEFINITIONS,
    PermissionProperties,
    RoleDefinitionProperties,
    get_definition_prefix,
    parse_guid,
    parse_properties,
    render_definition,
)
from .scopes import View, open_view

_NAME = "Microsoft.Authorization/roleDefinitions"
_ACTION = re.compile(r"\*|[A-Za-z0-9.*_-]+(/[A-Za-z0-9.*_:$-]+)+")


@dataclass(frozen=True, slots=True)
class RoleDefinitions:
    """The handlers of ``roleDefinitions``."""

    resources: arm.Resources

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return the routes."""
        collection = f"{{scope}}/{DEFINITIONS}"
        item = f"{collection}/{{name}}"
        return (
            arm.Operation(f"{_NAME}/read", "GET", collection, self.list),
            arm.Operation(f"{_NAME}/read", "GET", item, self.get),
            arm.Operation(f"{_NAME}/write", "PUT", item, self.put, statuses=(201,)),
            arm.Operation(f"{_NAME}/delete", "DELETE", item, self.delete, statuses=(200, 204)),
        )

    async def list(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the roles that can be assigned at a scope, filtered."""
        found = self.resources.store.read_now(lambda conn: _list(conn, call, match.scope))
        prefix = get_definition_prefix(match.scope)
        items = [render_definition(item, prefix) for item in found]
        return arm.Reply(200, arm.page_items(call, items))

    async def get(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Return one role that can be assigned at, above or below this scope."""
        found = self.resources.store.read_now(lambda conn: _find(conn, match))
        if found is None:
            raise RoleDefinitionNotFound(match["name"])
        return arm.Reply(200, render_definition(found, get_definition_prefix(match.scope)))

    async def put(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Make or change a custom role; 201 either way, as az insists."""
        guid = parse_guid(match["name"], InvalidRoleDefinitionId)
        wanted = parse_properties(RoleDefinitionProperties, body)
        definition = _read_wish(guid, wanted)

        def write(conn: core.Connection) -> access.RoleDefinition:
            for scope in definition.assignable_scopes:
                arm.check_scope(conn, arm.parse_resource_id(scope), writing=True)
            before = access.find_definition(conn, guid)
            # A built-in role is refused as such, whatever the caller may do at the root.
            old = before.assignable_scopes if before and _is_custom(before) else ()
            _check_allowed(call, f"{_NAME}/write", (*definition.assignable_scopes, *old))
            try:
                stored = access.put_definition(conn, definition)
            except access.DefinitionBuiltIn as error:
                raise RoleDefinitionNotCustom(str(error)) from error
            except access.DefinitionNameTaken as error:
                raise RoleDefinitionWithSameNameExists from error
            call.record(conn, 201, roleName=stored.role_name, roleDefinitionId=stored.id)
            return stored

        stored = await self.resources.store.write(write)
        return arm.Reply(201, render_definition(stored, get_definition_prefix(match.scope)))

    async def delete(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Remove a custom role that nobody has; 204 when there is none."""

        def write(conn: core.Connection) -> access.RoleDefinition | None:
            found = _find(conn, match)
            if found is None:
                call.record(conn, 204)
                return None
            if _is_custom(found):
                _check_allowed(call, f"{_NAME}/delete", found.assignable_scopes)
            try:
                access.delete_definition(conn, found.id)
            except access.DefinitionBuiltIn as error:
                raise RoleDefinitionNotCustom(str(error)) from error
            except access.DefinitionHasAssignments as error:
                raise RoleDefinitionHasAssignments(found.id) from error
            call.record(conn, 200, roleName=found.role_name, roleDefinitionId=found.id)
            return found

        gone = await self.resources.store.write(write)
        if gone is None:
            return arm.Reply(204)
        return arm.Reply(200, render_definition(gone, get_definition_prefix(match.scope)))


def _is_custom(definition: access.RoleDefinition) -> bool:
    return definition.type == access.CUSTOM_ROLE


def _read_wish(guid: str, wanted: RoleDefinitionProperties) -> access.RoleDefinition:
    for scope in wanted.assignable_scopes:
        _check_assignable(scope)
    if wanted.type and wanted.type.casefold() != access.CUSTOM_ROLE.casefold():
        raise RoleDefinitionNotCustom("Only custom roles can be written.")
    return access.RoleDefinition(
        id=guid,
        role_name=wanted.role_name,
        type=access.CUSTOM_ROLE,
        description=wanted.description or "",
        permissions=tuple(_read_permission(item) for item in wanted.permissions),
        assignable_scopes=wanted.assignable_scopes,
    )


def _check_assignable(scope: str) -> None:
    try:
        key = access.get_scope_key(scope)
    except ValueError as error:
        raise InvalidAssignableScope(str(error)) from None
    if key == access.ROOT:
        raise InvalidAssignableScope(
            "The root scope '/' is not allowed among the assignable scopes of a custom role."
        )
    arm.parse_resource_id(scope)


def _read_permission(wanted: PermissionProperties) -> access.Permission:
    permission = access.Permission(
        actions=wanted.actions,
        not_actions=wanted.not_actions,
        data_actions=wanted.data_actions,
        not_data_actions=wanted.not_data_actions,
    )
    for pattern in (
        *permission.actions,
        *permission.not_actions,
        *permission.data_actions,
        *permission.not_data_actions,
    ):
        if not _ACTION.fullmatch(pattern):
            raise InvalidActionOrNotAction(pattern)
    return permission


def _check_allowed(call: arm.Call, action: str, scopes: Iterable[str]) -> None:
    for scope in scopes:
        if not call.allows(action, scope):
            raise call.refusal(action, scope)


def _is_seen(view: View, definition: access.RoleDefinition, *, below: bool) -> bool:
    scopes = definition.assignable_scopes
    return any(map(view.applies, scopes)) or (below and any(map(view.is_below, scopes)))


def _find(conn: core.Connection, match: arm.Match) -> access.RoleDefinition | None:
    found = access.find_definition(conn, match["name"])
    if found and _is_seen(open_view(conn, match.scope), found, below=True):
        return found
    return None


def _list(conn: core.Connection, call: arm.Call, scope: str) -> list[access.RoleDefinition]:
    view = open_view(conn, scope)
    text = call.query.get("$filter", "")
    below = "atscopeandbelow" in text.casefold()
    found = [item for item in access.list_definitions(conn) if _is_seen(view, item, below=below)]
    if not text:
        return found

    def is_seen(_document: Mapping[str, Any], _arguments: tuple[Any, ...]) -> bool:
        return True  # what is not at, above or (as asked) below the scope is gone already

    try:
        keeps = core.parse_filter(text, {"atScopeAndBelow": is_seen, "atScope": is_seen})
        return [item for item in found if keeps({"roleName": item.role_name, "type": item.type})]
    except (core.FilterMalformed, ValueError) as error:
        raise arm.InvalidFilterInQueryString(str(error)) from None
