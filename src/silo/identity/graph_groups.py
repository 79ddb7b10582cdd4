"""Graph's ``/groups``: security groups with assigned members; no other kind exists here."""

from dataclasses import replace
from typing import Any

from silo import core

from .directory import list_transitive_members
from .graph_bodies import GroupBody, ReferenceBody, read_reference
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_errors import BadRequest
from .graph_query import answer_count, answer_list, answer_one, find_equality
from .graph_shapes import load_groups, load_objects, render_group
from .groups import (
    add_member,
    create_group,
    delete_group,
    get_group,
    list_members,
    remove_member,
    update_group,
)
from .objects import add_owner, is_owner


def _list(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(call, "groups", load_groups(conn, find_equality(call)))


def _count(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_count(call, "groups", load_groups(conn, find_equality(call)))


def _show(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_one(call, "groups", render_group(get_group(conn, call.target)))


def _create(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: GroupBody = call.body
    _check_kind(body)
    if not (body.display_name and body.mail_nickname):
        raise BadRequest("The properties displayName and mailNickname are required.")
    if body.mail_enabled is None or body.security_enabled is None:
        raise BadRequest("The properties mailEnabled and securityEnabled are required.")
    group = create_group(
        conn,
        display_name=body.display_name,
        mail_nickname=body.mail_nickname,
        now=call.now,
        properties=_read_properties(body),
    )
    named = {read_reference(each) for each in body.owners or ()}
    for owner_id in sorted(named | {call.own_id}):
        add_owner(conn, group.id, owner_id)
    _add_members(conn, group.id, body)
    return answer_one(call, "groups", render_group(group), status=201)


def _update(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: GroupBody = call.body
    _check_kind(body)
    group = get_group(conn, call.target)
    changed = replace(
        group,
        display_name=body.display_name or group.display_name,
        mail_nickname=body.mail_nickname or group.mail_nickname,
        properties={**group.properties, **_read_properties(body)},
    )
    update_group(conn, changed)
    _add_members(conn, group.id, body)
    for owner_id in {read_reference(each) for each in body.owners or ()}:
        if not is_owner(conn, group.id, owner_id):
            add_owner(conn, group.id, owner_id)
    return GraphReply()


def _list_update_actions(call: GraphCall) -> tuple[str, ...]:
    special = {"members": "groups/members/update", "owners": "groups/owners/update"}
    names = call.body.model_fields_set
    actions = {special.get(name, "groups/basic/update") for name in names}
    return tuple(sorted(actions)) or ("groups/basic/update",)


def _delete(conn: core.Connection, call: GraphCall) -> GraphReply:
    delete_group(conn, call.target)
    return GraphReply()


def _list_members(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = load_objects(conn, list(list_members(conn, call.target)))
    return answer_list(call, "directoryObjects", found)


def _list_transitive(conn: core.Connection, call: GraphCall) -> GraphReply:
    found = load_objects(conn, sorted(list_transitive_members(conn, call.target)))
    return answer_list(call, "directoryObjects", found)


def _add_member(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ReferenceBody = call.body
    add_member(conn, call.target, read_reference(body.reference))
    return GraphReply()


def _remove_member(conn: core.Connection, call: GraphCall) -> GraphReply:
    member = call.params["member"].casefold()
    remove_member(conn, call.target, member)
    return GraphReply()


def _add_members(conn: core.Connection, group_id: str, body: GroupBody) -> None:
    for member_id in {read_reference(each) for each in body.members or ()}:
        add_member(conn, group_id, member_id)


def _check_kind(body: GroupBody) -> None:
    if body.mail_enabled or body.group_types:
        raise BadRequest(
            "Only security groups with assigned members are supported here: mailEnabled must be"
            " false and groupTypes empty."
        )
    if body.security_enabled is False:
        raise BadRequest("A group must be security-enabled here.")
    if body.is_assignable_to_role:
        raise BadRequest("Directory roles cannot be given to groups here.")


def _read_properties(body: GroupBody) -> dict[str, Any]:
    names = {"description", "visibility"} & body.model_fields_set
    return body.model_dump(mode="json", by_alias=True, include=names)


GROUP_ROUTES = (
    GraphRoute("GET", "/groups", "groups/standard/read", _list),
    GraphRoute("GET", "/groups/$count", "groups/standard/read", _count),
    GraphRoute(
        "POST", "/groups", "groups/create", _create, body=GroupBody, operation="groups/create"
    ),
    GraphRoute("GET", "/groups/{id}", "groups/standard/read", _show),
    GraphRoute(
        "PATCH",
        "/groups/{id}",
        "groups/standard/read",
        _update,
        body=GroupBody,
        more_actions=_list_update_actions,
        operation="groups/update",
    ),
    GraphRoute("DELETE", "/groups/{id}", "groups/delete", _delete, operation="groups/delete"),
    GraphRoute("GET", "/groups/{id}/members", "groups/standard/read", _list_members),
    GraphRoute("GET", "/groups/{id}/transitiveMembers", "groups/standard/read", _list_transitive),
    GraphRoute(
        "POST",
        "/groups/{id}/members/$ref",
        "groups/members/update",
        _add_member,
        body=ReferenceBody,
        operation="groups/members/add",
    ),
    GraphRoute(
        "DELETE",
        "/groups/{id}/members/{member}/$ref",
        "groups/members/update",
        _remove_member,
        operation="groups/members/remove",
    ),
)
