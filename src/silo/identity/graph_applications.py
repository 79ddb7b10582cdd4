"""Graph's ``/applications``."""

from dataclasses import replace
from typing import Any

from silo import core

from .applications import (
    Application,
    create_application,
    delete_application,
    get_application,
    update_application,
)
from .directory_roles import keep_an_administrator
from .graph_bodies import ApplicationBody
from .graph_call import GraphCall, GraphReply, GraphRoute
from .graph_credentials import FEDERATION_ROUTES, make_password_routes, replace_credentials
from .graph_errors import BadRequest
from .graph_query import answer_count, answer_list, answer_one, find_equality
from .graph_shapes import load_applications, load_surroundings, render_application
from .objects import add_owner
from .tenant import get_tenant

_DECIDED = {"displayName", "identifierUris", "keyCredentials", "passwordCredentials"}
_CREDENTIALS = {"key_credentials", "password_credentials"}
_URI_MAX = 255


def _render(conn: core.Connection, application: Application) -> dict[str, Any]:
    return render_application(load_surroundings(conn, application.app_id), application)


def _list(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_list(call, "applications", load_applications(conn, find_equality(call)))


def _count(conn: core.Connection, call: GraphCall) -> GraphReply:
    return answer_count(call, "applications", load_applications(conn, find_equality(call)))


def _show(conn: core.Connection, call: GraphCall) -> GraphReply:
    application = get_application(conn, call.target)
    return answer_one(
        call,
        "applications",
        _render(conn, application),
    )


def _create(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ApplicationBody = call.body
    if not body.display_name:
        raise BadRequest("A value is required for property 'displayName' of resource 'Application'")
    application = create_application(
        conn,
        display_name=body.display_name,
        now=call.now,
        identifier_uris=_read_uris(conn, body) or (),
        properties=_read_properties(body),
    )
    add_owner(conn, application.id, call.own_id)
    replace_credentials(
        conn, application.id, body.key_credentials, body.password_credentials, call.now
    )
    document = _render(conn, application)
    return answer_one(call, "applications", document, status=201)


def _update(conn: core.Connection, call: GraphCall) -> GraphReply:
    body: ApplicationBody = call.body
    application = get_application(conn, call.target)
    uris = _read_uris(conn, body)
    changed = replace(
        application,
        display_name=body.display_name or application.display_name,
        identifier_uris=application.identifier_uris if uris is None else uris,
        properties={**application.properties, **_read_properties(body)},
    )
    update_application(conn, changed)
    replace_credentials(
        conn, application.id, body.key_credentials, body.password_credentials, call.now
    )
    return GraphReply()


def _list_update_actions(call: GraphCall) -> tuple[str, ...]:
    names = call.body.model_fields_set
    actions = {
        "applications/credentials/update" if name in _CREDENTIALS else "applications/basic/update"
        for name in names
    }
    return tuple(sorted(actions)) or ("applications/basic/update",)


def _delete(conn: core.Connection, call: GraphCall) -> GraphReply:
    delete_application(conn, call.target)
    keep_an_administrator(conn)
    return GraphReply()


def _read_uris(conn: core.Connection, body: ApplicationBody) -> tuple[str, ...] | None:
    """Return the URIs, all of them this tenant's to give: nobody poses as one of Azure's APIs."""
    if body.identifier_uris is None:
        return None
    domain = get_tenant(conn).domain
    for uri in body.identifier_uris:
        scheme, _, rest = uri.partition("://")
        host = rest.partition("/")[0].casefold()
        is_ours = host == domain or host.endswith(f".{domain}")
        if not rest or len(uri) > _URI_MAX or " " in uri:
            raise BadRequest(f"Value '{uri}' of property 'identifierUris' is not a valid URI.")
        if scheme.casefold() != "api" and not (scheme.casefold() == "https" and is_ours):
            raise BadRequest(
                "Values of identifierUris property must use a verified domain of the organization"
                f" or its subdomain: '{uri}'"
            )
    return tuple(body.identifier_uris)


def _read_properties(body: ApplicationBody) -> dict[str, Any]:
    sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in sent.items() if name not in _DECIDED}


APPLICATION_ROUTES = (
    GraphRoute("GET", "/applications", "applications/standard/read", _list),
    GraphRoute("GET", "/applications/$count", "applications/standard/read", _count),
    GraphRoute(
        "POST",
        "/applications",
        "applications/createAsOwner",
        _create,
        body=ApplicationBody,
        operation="applications/create",
    ),
    GraphRoute("GET", "/applications/{id}", "applications/standard/read", _show),
    GraphRoute(
        "PATCH",
        "/applications/{id}",
        "applications/standard/read",
        _update,
        body=ApplicationBody,
        more_actions=_list_update_actions,
        operation="applications/update",
    ),
    GraphRoute(
        "DELETE",
        "/applications/{id}",
        "applications/delete",
        _delete,
        operation="applications/delete",
    ),
    *make_password_routes("applications"),
    *FEDERATION_ROUTES,
)
