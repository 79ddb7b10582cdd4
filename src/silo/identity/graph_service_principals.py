"""Graph's ``/servicePrincipals``. Those of managed identities are ARM's to change."""

from dataclasses import replace
from typing import Any

from silo import core

from .applications import find_application
from .directory import ServicePrincipal, ServicePrincipalType
from .directory_roles import keep_an_administrator
from .graph_bodies import ServicePrincipalBody
from .graph_call import GraphCall, GraphReply, GraphRoute, require
from .graph_credentials import make_password_routes, replace_credentials
from .graph_errors import BadRequest
from .graph_query import answer_count, answer_list, answer_one, find_equality
from .graph_shapes import load_service_principals, load_surroundings, render_service_principal
from .objects import add_owner
from .service_principals import (
    create_service_principal,
    delete_service_principal,
    get_service_principal,
    revoke_service_principal_sessions,
    update_service_principal,
)

_DECIDED = {
    "appId",
    "accountEnabled",
    "displayName",
    "appRoleAssignmentRequired",
    "keyCredentials",
    "passwordCredentials",
    "servicePrincipalType",
}
_CREDENTIALS = {"key_credentials", "password_credentials"}


def _render(conn: core.Connection, principal: ServicePrincipal) -> dict[str, Any]:
    return render_service_principal(load_surroundings(conn, principal.app_id), principal)


def _list(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(
        call, "servicePrincipals", load_service_principals(conn, find_equality(call))
    )


def _count(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_count(
        call, "servicePrincipals", load_service_principals(conn, find_equality(call))
    )


def _show(conn: core.Connection, call: GraphCall) -> GraphReply:
    principal = get_service_principal(conn, call.target)
    return answer_one(
        call,
        "servicePrincipals",
        _render(conn, principal),
    )


def _create(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ServicePrincipalBody = call.body
    if not body.app_id:
        raise BadRequest("A value is required for property 'appId' of resource 'ServicePrincipal'.")
    application = find_application(conn, body.app_id)
    require(conn, call, "servicePrincipals/create", application.id if application else "")
    _check_supported(body)
    principal = create_service_principal(
        conn,
        body.app_id,
        call.now,
        account_enabled=body.account_enabled is not False,
        properties=_read_properties(body),
    )
    add_owner(conn, principal.id, call.own_id)
    replace_credentials(
        conn, principal.id, body.key_credentials, body.password_credentials, call.now
    )
    document = _render(conn, principal)
    return answer_one(call, "servicePrincipals", document, status=201)


def _update(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ServicePrincipalBody = call.body
    principal = get_service_principal(conn, call.target)
    is_identity = principal.type is ServicePrincipalType.MANAGED_IDENTITY
    if is_identity and body.model_fields_set - {"account_enabled"}:
        raise BadRequest("The service principal of a managed identity is changed through ARM.")
    _check_supported(body)
    if body.app_id not in {None, principal.app_id} or (
        body.display_name not in {None, principal.display_name}
    ):
        raise BadRequest("appId and displayName come from the application and are read-only.")
    enabled = principal.account_enabled if body.account_enabled is None else body.account_enabled
    changed = replace(
        principal,
        account_enabled=enabled,
        properties={**principal.properties, **_read_properties(body)},
    )
    update_service_principal(conn, changed)
    replace_credentials(
        conn, principal.id, body.key_credentials, body.password_credentials, call.now
    )
    keep_an_administrator(conn)
    return GraphReply()


def _list_update_actions(call: GraphCall) -> tuple[str, ...]:
    body: ServicePrincipalBody = call.body
    state = "servicePrincipals/enable" if body.account_enabled else "servicePrincipals/disable"
    special = dict.fromkeys(_CREDENTIALS, "servicePrincipals/credentials/update")
    special["account_enabled"] = state
    names = body.model_fields_set
    actions = {special.get(name, "servicePrincipals/basic/update") for name in names}
    return tuple(sorted(actions)) or ("servicePrincipals/basic/update",)


def _delete(conn: core.Connection, call: GraphCall) -> GraphReply:
    principal = get_service_principal(conn, call.target)
    if principal.type is ServicePrincipalType.MANAGED_IDENTITY:
        raise BadRequest("The service principal of a managed identity is deleted through ARM.")
    delete_service_principal(conn, principal.id)
    keep_an_administrator(conn)
    return GraphReply()


def _revoke(conn: core.Connection, call: GraphCall) -> GraphReply:
    principal = get_service_principal(conn, call.target)
    revoke_service_principal_sessions(conn, principal.id, call.now)
    context = f"{call.service_root}/$metadata#Edm.Boolean"
    return GraphReply({"@odata.context": context, "value": True})


def _check_supported(body: ServicePrincipalBody) -> None:
    if body.app_role_assignment_required:
        raise BadRequest("App role assignments are not supported here; they cannot be required.")


def _read_properties(body: ServicePrincipalBody) -> dict[str, Any]:
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in sent.items() if name not in _DECIDED}


SERVICE_PRINCIPAL_ROUTES = (
    GraphRoute("GET", "/servicePrincipals", "servicePrincipals/standard/read", _list),
    GraphRoute("GET", "/servicePrincipals/$count", "servicePrincipals/standard/read", _count),
    GraphRoute(
        "POST",
        "/servicePrincipals",
        "servicePrincipals/standard/read",  # the handler asks again, for this application
        _create,
        body=ServicePrincipalBody,
        operation="servicePrincipals/create",
    ),
    GraphRoute("GET", "/servicePrincipals/{id}", "servicePrincipals/standard/read", _show),
    GraphRoute(
        "PATCH",
        "/servicePrincipals/{id}",
        "servicePrincipals/standard/read",
        _update,
        body=ServicePrincipalBody,
        more_actions=_list_update_actions,
        operation="servicePrincipals/update",
    ),
    GraphRoute(
        "DELETE",
        "/servicePrincipals/{id}",
        "servicePrincipals/delete",
        _delete,
        operation="servicePrincipals/delete",
    ),
    GraphRoute(
        "POST",
        "/servicePrincipals/{id}/revokeSignInSessions",
        "servicePrincipals/disable",
        _revoke,
        operation="servicePrincipals/revokeSignInSessions",
    ),
    *make_password_routes("servicePrincipals"),
)
