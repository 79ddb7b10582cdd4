"""Graph's calls that every kind of object has: memberships, owners, look-up by id."""

from typing import Any

from silo import core

from .directory import ObjectType, list_transitive_groups
from .directory_errors import ObjectNotFound
from .directory_roles import ROLES, list_directory_roles
from .graph_bodies import (
    CheckGroupsBody,
    CheckObjectsBody,
    IdsBody,
    MemberGroupsBody,
    ReferenceBody,
    read_reference,
)
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_errors import BadRequest
from .graph_query import answer_list, answer_one
from .graph_shapes import load_objects, render_role
from .groups import list_direct_groups
from .objects import add_owner, list_owned_objects, list_owners, remove_owner

_OTHER_TYPES = {
    "administrativeunit",
    "device",
    "directoryobject",
    "directoryobjectpartnerreference",
    "directoryrole",
    "orgcontact",
}
"""May be asked for, and az does; there are none here (``directoryObject`` means all kinds)."""


def _show(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = load_objects(conn, [call.target])
    if not found:
        raise ObjectNotFound(f"Resource '{call.params['id']}' was not found.")
    return answer_one(call, "directoryObjects", found[0])


def _get_by_ids(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: IdsBody = call.body
    found = load_objects(conn, body.ids)
    if body.types:
        wanted = {each.casefold() for each in body.types}
        known = {each.value.casefold() for each in ObjectType} | _OTHER_TYPES
        if wanted - known:
            raise BadRequest(f"Invalid types specified: {', '.join(sorted(wanted - known))}.")
        if "directoryobject" not in wanted:
            found = [
                each for each in found if each["@odata.type"].split(".")[-1].casefold() in wanted
            ]
    context = f"{call.service_root}/$metadata#directoryObjects"
    return GraphReply({"@odata.context": context, "value": found})


def _list_member_of(conn: core.Connection, call: GraphCall) -> GraphReply:
    return _answer_memberships(conn, call, list_direct_groups(conn, call.target))


def _list_transitive(conn: core.Connection, call: GraphCall) -> GraphReply:
    return _answer_memberships(conn, call, tuple(list_transitive_groups(conn, call.target)))


def _answer_memberships(
    conn: core.Connection, call: GraphCall, group_ids: tuple[str, ...]
) -> GraphReply:
    roles = [
        {"@odata.type": "#microsoft.graph.directoryRole"} | render_role(ROLES[each])
        for each in sorted(list_directory_roles(conn, call.target))
    ]
    return answer_list(call, "directoryObjects", [*load_objects(conn, list(group_ids)), *roles])


def _get_member_groups(conn: core.Connection, call: GraphCall) -> GraphReply:
    return _answer_strings(call, list_transitive_groups(conn, call.target))


def _get_member_objects(conn: core.Connection, call: GraphCall) -> GraphReply:
    return _answer_strings(call, _list_member_objects(conn, call))


def _check_member_groups(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: CheckGroupsBody = call.body
    asked = {each.casefold() for each in body.group_ids}
    return _answer_strings(call, asked & list_transitive_groups(conn, call.target))


def _check_member_objects(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: CheckObjectsBody = call.body
    asked = {each.casefold() for each in body.ids}
    return _answer_strings(call, asked & _list_member_objects(conn, call))


def _list_member_objects(conn: core.Connection, call: GraphCall) -> frozenset[str]:
    return list_transitive_groups(conn, call.target) | list_directory_roles(conn, call.target)


def _answer_strings(call: GraphCall, values: frozenset[str] | set[str]) -> GraphReply:
    context = f"{call.service_root}/$metadata#Collection(Edm.String)"
    return GraphReply({"@odata.context": context, "value": sorted(values)})


def _list_owners(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = load_objects(conn, list(list_owners(conn, call.target)))
    return answer_list(call, "directoryObjects", found)


def _list_owned(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = load_objects(conn, list(list_owned_objects(conn, call.target)))
    return answer_list(call, "directoryObjects", found)


def _add_owner(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ReferenceBody = call.body
    add_owner(conn, call.target, read_reference(body.reference))
    return GraphReply()


def _remove_owner(conn: core.Connection, call: GraphCall) -> GraphReply:
    remove_owner(conn, call.target, call.params["owner"].casefold())
    return GraphReply()


def _list_nothing(conn: core.Connection, call: GraphCall) -> GraphReply:
    """Answer what cannot exist here: app roles and consents are given to nobody."""
    del conn
    empty: list[dict[str, Any]] = []
    return answer_list(call, call.path.rpartition("/")[2], empty)


def _make_membership_routes(path: str, action: str) -> tuple[GraphRoute, ...]:
    return (
        GraphRoute("GET", f"{path}/memberOf", action, _list_member_of),
        GraphRoute("GET", f"{path}/transitiveMemberOf", action, _list_transitive),
        GraphRoute(
            "POST", f"{path}/getMemberGroups", action, _get_member_groups, body=MemberGroupsBody
        ),
        GraphRoute(
            "POST", f"{path}/getMemberObjects", action, _get_member_objects, body=MemberGroupsBody
        ),
        GraphRoute(
            "POST", f"{path}/checkMemberGroups", action, _check_member_groups, body=CheckGroupsBody
        ),
        GraphRoute(
            "POST",
            f"{path}/checkMemberObjects",
            action,
            _check_member_objects,
            body=CheckObjectsBody,
        ),
    )


def _make_owner_routes(collection: str) -> tuple[GraphRoute, ...]:
    path, action = f"/{collection}/{{id}}/owners", f"{collection}/owners/update"
    return (
        GraphRoute("GET", path, f"{collection}/standard/read", _list_owners),
        GraphRoute(
            "POST",
            f"{path}/$ref",
            action,
            _add_owner,
            body=ReferenceBody,
            operation=f"{collection}/owners/add",
        ),
        GraphRoute(
            "DELETE",
            f"{path}/{{owner}}/$ref",
            action,
            _remove_owner,
            operation=f"{collection}/owners/remove",
        ),
    )


_READ_USER = "users/standard/read"
_READ_PRINCIPAL = "servicePrincipals/standard/read"
_READ_GRANTS = "oAuth2PermissionGrants/standard/read"
OBJECT_ROUTES = (
    GraphRoute("POST", "/directoryObjects/getByIds", _READ_USER, _get_by_ids, body=IdsBody),
    GraphRoute("GET", "/directoryObjects/{id}", _READ_USER, _show),
    *_make_membership_routes("/directoryObjects/{id}", _READ_USER),
    *_make_membership_routes("/users/{id}", _READ_USER),
    *_make_membership_routes("/groups/{id}", "groups/standard/read"),
    *_make_membership_routes("/servicePrincipals/{id}", _READ_PRINCIPAL),
    *_make_membership_routes("/me", "me/read"),
    *_make_owner_routes("applications"),
    *_make_owner_routes("servicePrincipals"),
    *_make_owner_routes("groups"),
    GraphRoute("GET", "/me/ownedObjects", "me/read", _list_owned),
    GraphRoute("GET", "/users/{id}/ownedObjects", _READ_USER, _list_owned),
    GraphRoute("GET", "/servicePrincipals/{id}/ownedObjects", _READ_PRINCIPAL, _list_owned),
    GraphRoute("GET", "/oauth2PermissionGrants", _READ_GRANTS, _list_nothing),
    GraphRoute("GET", "/users/{id}/oauth2PermissionGrants", _READ_GRANTS, _list_nothing),
    GraphRoute("GET", "/users/{id}/appRoleAssignments", _READ_USER, _list_nothing),
    GraphRoute("GET", "/groups/{id}/appRoleAssignments", "groups/standard/read", _list_nothing),
    *(
        GraphRoute("GET", f"/servicePrincipals/{{id}}/{name}", _READ_PRINCIPAL, _list_nothing)
        for name in ("appRoleAssignments", "appRoleAssignedTo", "oauth2PermissionGrants")
    ),
)
