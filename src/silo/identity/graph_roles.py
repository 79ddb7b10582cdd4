"""Graph's directory roles: ``/directoryRoles`` and ``/roleManagement/directory``."""

from typing import Any

from silo import core

from .directory_errors import ObjectNotFound
from .directory_roles import (
    ROLES,
    DirectoryRole,
    RoleAssignment,
    assign_directory_role,
    keep_an_administrator,
    list_role_assignments,
    remove_directory_role,
)
from .graph_bodies import ReferenceBody, RoleAssignmentBody, read_reference
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_errors import BadRequest
from .graph_query import answer_list, answer_one
from .graph_shapes import load_objects, render_role

_READ_ROLES = "roleDefinitions/standard/read"
_READ_ASSIGNMENTS = "roleAssignments/standard/read"
_WRITE_ASSIGNMENTS = "roleAssignments/allProperties/allTasks"


def _list_roles(conn: core.Connection, call: GraphCall) -> GraphReply:
    del conn
    return answer_list(call, "directoryRoles", [render_role(role) for role in ROLES.values()])


def _list_templates(conn: core.Connection, call: GraphCall) -> GraphReply:
    del conn
    names = ("id", "deletedDateTime", "description", "displayName")
    found = [{name: render_role(role)[name] for name in names} for role in ROLES.values()]
    return answer_list(call, "directoryRoleTemplates", found)


def _show_role(conn: core.Connection, call: GraphCall) -> GraphReply:
    del conn
    return answer_one(call, "directoryRoles", render_role(_find_role(call.params["role"])))


def _list_members(conn: core.Connection, call: GraphCall) -> GraphReply:
    role = _find_role(call.params["role"])
    holders = [each.principal_id for each in list_role_assignments(conn) if each.role_id == role.id]
    return answer_list(call, "directoryObjects", load_objects(conn, holders))


def _add_member(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ReferenceBody = call.body
    role = _find_role(call.params["role"])
    made = assign_directory_role(conn, role.id, read_reference(body.reference))
    return GraphReply(object_id=made.principal_id)


def _remove_member(conn: core.Connection, call: GraphCall) -> GraphReply:
    role, member = _find_role(call.params["role"]), call.params["member"].casefold()
    for each in list_role_assignments(conn):
        if (each.role_id, each.principal_id) == (role.id, member):
            remove_directory_role(conn, each.id)
            keep_an_administrator(conn)
            return GraphReply(object_id=member)
    raise ObjectNotFound(f"Resource '{member}' was not found among the role's members.")


def _list_definitions(conn: core.Connection, call: GraphCall) -> GraphReply:
    del conn
    found = [_render_definition(role) for role in ROLES.values()]
    return answer_list(call, "roleManagement/directory/roleDefinitions", found)


def _show_definition(conn: core.Connection, call: GraphCall) -> GraphReply:
    del conn
    role = _find_role(call.params["role"])
    return answer_one(call, "roleManagement/directory/roleDefinitions", _render_definition(role))


def _list_assignments(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = [_render_assignment(each) for each in list_role_assignments(conn)]
    return answer_list(call, "roleManagement/directory/roleAssignments", found)


def _show_assignment(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = _render_assignment(_find_assignment(conn, call.params["assignment"]))
    return answer_one(call, "roleManagement/directory/roleAssignments", found)


def _create_assignment(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: RoleAssignmentBody = call.body
    if body.directory_scope_id not in {None, "/"}:
        raise BadRequest("Directory roles are given for the whole directory: '/'.")
    role = _find_role(body.role_definition_id)
    made = assign_directory_role(conn, role.id, body.principal_id.casefold())
    kind = "roleManagement/directory/roleAssignments"
    return answer_one(call, kind, _render_assignment(made), status=201)


def _delete_assignment(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = _find_assignment(conn, call.params["assignment"])
    remove_directory_role(conn, found.id)
    keep_an_administrator(conn)
    return GraphReply(object_id=found.id)


def _find_role(text: str) -> DirectoryRole:
    role_id = text.casefold().removeprefix("roletemplateid=")
    if role_id not in ROLES:
        raise ObjectNotFound(f"Resource '{text}' was not found.")
    return ROLES[role_id]


def _find_assignment(conn: core.Connection, text: str) -> RoleAssignment:
    for each in list_role_assignments(conn):
        if each.id == text.casefold():
            return each
    raise ObjectNotFound(f"Resource '{text}' was not found.")


def _render_definition(role: DirectoryRole) -> dict[str, Any]:
    actions = [f"microsoft.directory/{action}" for action in role.actions]
    return {
        "id": role.id,
        "description": role.description,
        "displayName": role.display_name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "templateId": role.id,
        "version": "1",
        "rolePermissions": [{"allowedResourceActions": actions, "condition": None}],
    }


def _render_assignment(assignment: RoleAssignment) -> dict[str, Any]:
    return {
        "id": assignment.id,
        "principalId": assignment.principal_id,
        "directoryScopeId": "/",
        "roleDefinitionId": assignment.role_id,
    }


_DEFINITIONS = "/roleManagement/directory/roleDefinitions"
_ASSIGNMENTS = "/roleManagement/directory/roleAssignments"
ROLE_ROUTES = (
    GraphRoute("GET", "/directoryRoles", _READ_ROLES, _list_roles),
    GraphRoute("GET", "/directoryRoleTemplates", _READ_ROLES, _list_templates),
    GraphRoute("GET", "/directoryRoles/{role}", _READ_ROLES, _show_role),
    GraphRoute("GET", "/directoryRoles/{role}/members", _READ_ASSIGNMENTS, _list_members),
    GraphRoute(
        "POST",
        "/directoryRoles/{role}/members/$ref",
        _WRITE_ASSIGNMENTS,
        _add_member,
        body=ReferenceBody,
        operation="roleAssignments/create",
    ),
    GraphRoute(
        "DELETE",
        "/directoryRoles/{role}/members/{member}/$ref",
        _WRITE_ASSIGNMENTS,
        _remove_member,
        operation="roleAssignments/delete",
    ),
    GraphRoute("GET", _DEFINITIONS, _READ_ROLES, _list_definitions),
    GraphRoute("GET", f"{_DEFINITIONS}/{{role}}", _READ_ROLES, _show_definition),
    GraphRoute("GET", _ASSIGNMENTS, _READ_ASSIGNMENTS, _list_assignments),
    GraphRoute(
        "POST",
        _ASSIGNMENTS,
        _WRITE_ASSIGNMENTS,
        _create_assignment,
        body=RoleAssignmentBody,
        operation="roleAssignments/create",
    ),
    GraphRoute("GET", f"{_ASSIGNMENTS}/{{assignment}}", _READ_ASSIGNMENTS, _show_assignment),
    GraphRoute(
        "DELETE",
        f"{_ASSIGNMENTS}/{{assignment}}",
        _WRITE_ASSIGNMENTS,
        _delete_assignment,
        operation="roleAssignments/delete",
    ),
)
