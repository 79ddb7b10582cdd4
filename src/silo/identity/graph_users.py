"""Graph's ``/users`` and ``/me``."""

import asyncio
from dataclasses import replace
from typing import Any

from silo import core

from .credentials import hash_password, is_complex
from .directory import User
from .directory_errors import PropertyInvalid
from .directory_roles import keep_an_administrator
from .graph_bodies import ChangePasswordBody, UserBody
from .graph_call import GraphCall, GraphReply, GraphRoute, SignIn
from .graph_errors import BadRequest
from .graph_query import answer_count, answer_list, answer_one, find_equality
from .graph_shapes import USER_DEFAULTS, load_users, render_user
from .users import (
    create_user,
    delete_user,
    get_user,
    revoke_sign_in_sessions,
    set_password,
    update_user,
)

_DECIDED = {
    "accountEnabled",
    "displayName",
    "userPrincipalName",
    "passwordProfile",
}
"""Kept in columns of their own, not among the properties."""


def _list(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(call, "users", load_users(conn, find_equality(call)), USER_DEFAULTS)


def _count(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_count(call, "users", load_users(conn, find_equality(call)))


def _show(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_one(call, "users", render_user(get_user(conn, call.target)), USER_DEFAULTS)


def _create(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: UserBody = call.body
    if not (body.user_principal_name and body.display_name and body.mail_nickname):
        raise BadRequest(
            "The properties userPrincipalName, displayName and mailNickname are required."
        )
    if body.account_enabled is None:
        raise BadRequest("A value is required for property 'accountEnabled' of resource 'User'.")
    user = create_user(
        conn,
        user_principal_name=body.user_principal_name,
        display_name=body.display_name,
        password_hash=call.prepared,
        now=call.now,
        account_enabled=body.account_enabled,
        force_change_password=_forces_change(body),
        properties=_read_properties(body),
    )
    return answer_one(call, "users", render_user(user), USER_DEFAULTS, status=201)


def _update(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: UserBody = call.body
    before = get_user(conn, call.target)
    changed = body.model_fields_set
    after = replace(
        before,
        display_name=body.display_name or before.display_name,
        user_principal_name=body.user_principal_name or before.user_principal_name,
        account_enabled=(
            before.account_enabled if body.account_enabled is None else body.account_enabled
        ),
        properties={**before.properties, **_read_properties(body)},
    )
    if {"display_name", "user_principal_name"} & changed and not (
        body.display_name or body.user_principal_name
    ):
        raise BadRequest("The properties userPrincipalName and displayName cannot be empty.")
    update_user(conn, after)
    if call.prepared:
        set_password(conn, before.id, call.prepared, call.now, force_change=_forces_change(body))
    keep_an_administrator(conn)
    return GraphReply()


def _list_update_actions(call: GraphCall) -> tuple[str, ...]:
    """Return the right to each part of a change."""
    body: UserBody = call.body
    state = "users/enable" if body.account_enabled else "users/disable"
    special = {
        "account_enabled": state,
        "password_profile": "users/password/update",
        "user_principal_name": "users/userPrincipalName/update",
    }
    changed = body.model_fields_set
    actions = {special.get(name, "users/basic/update") for name in changed}
    return tuple(sorted(actions)) or ("users/basic/update",)


def _delete(conn: core.Connection, call: GraphCall) -> GraphReply:
    delete_user(conn, call.target)
    keep_an_administrator(conn)
    return GraphReply()


def _revoke(conn: core.Connection, call: GraphCall) -> GraphReply:
    user = get_user(conn, call.target)
    revoke_sign_in_sessions(conn, user.id, call.now)
    context = f"{call.service_root}/$metadata#Edm.Boolean"
    return GraphReply({"@odata.context": context, "value": True})


def _change_password(conn: core.Connection, call: GraphCall) -> GraphReply:
    user = _get_me(conn, call)
    set_password(conn, user.id, call.prepared, call.now)
    return GraphReply()


def _show_me(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_one(call, "users", render_user(_get_me(conn, call)), USER_DEFAULTS)


def _get_me(conn: core.Connection, call: GraphCall) -> User:
    return get_user(conn, call.own_id)


async def _hash_new_password(call: GraphCall, sign_in: SignIn) -> Any:
    del sign_in
    profile = call.body.password_profile
    if profile is None or profile.password is None:
        raise BadRequest("A password must be specified to create a new user.")
    return await _hash(profile.password)


async def _hash_changed_password(call: GraphCall, sign_in: SignIn) -> Any:
    del sign_in
    profile = call.body.password_profile
    if profile is None:
        return None
    if profile.password is None:
        raise BadRequest("The property passwordProfile needs a password.")
    return await _hash(profile.password)


async def _check_and_hash(call: GraphCall, sign_in: SignIn) -> Any:
    body: ChangePasswordBody = call.body
    name = call.caller.principal.name
    checked = await sign_in.verify_password(name, body.current_password, call.client_ip)
    if checked.object_id != call.own_id:
        raise BadRequest("The specified password is not the account's.")
    return await _hash(body.new_password)


async def _hash(password: str) -> str:
    if not is_complex(password):
        raise PropertyInvalid(
            "The specified password does not comply with password complexity requirements."
            " Please provide a different password."
        )
    return await asyncio.to_thread(hash_password, password)


def _forces_change(body: UserBody) -> bool:
    """Entra's default is yes: somebody else knows the password."""
    profile = body.password_profile
    return profile is None or profile.force_change_password_next_sign_in is not False


def _read_properties(body: UserBody) -> dict[str, Any]:
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in sent.items() if name not in _DECIDED}


USER_ROUTES = (
    GraphRoute("GET", "/users", "users/standard/read", _list),
    GraphRoute("GET", "/users/$count", "users/standard/read", _count),
    GraphRoute(
        "POST",
        "/users",
        "users/create",
        _create,
        body=UserBody,
        prepare=_hash_new_password,
        operation="users/create",
    ),
    GraphRoute("GET", "/users/{id}", "users/standard/read", _show),
    GraphRoute(
        "PATCH",
        "/users/{id}",
        "users/standard/read",
        _update,
        body=UserBody,
        more_actions=_list_update_actions,
        prepare=_hash_changed_password,
        operation="users/update",
    ),
    GraphRoute("DELETE", "/users/{id}", "users/delete", _delete, operation="users/delete"),
    GraphRoute(
        "POST",
        "/users/{id}/revokeSignInSessions",
        "users/invalidateAllRefreshTokens",
        _revoke,
        operation="users/revokeSignInSessions",
    ),
    GraphRoute("GET", "/me", "me/read", _show_me),
    GraphRoute(
        "POST",
        "/me/changePassword",
        "me/changePassword",
        _change_password,
        body=ChangePasswordBody,
        prepare=_check_and_hash,
        operation="users/changePassword",
    ),
    GraphRoute(
        "POST",
        "/me/revokeSignInSessions",
        "users/invalidateAllRefreshTokens",
        _revoke,
        operation="users/revokeSignInSessions",
    ),
)
