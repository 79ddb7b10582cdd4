"""Which route a Graph path means, and which object: names are compared without regard to case."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.routing import compile_path

from silo import core

from .applications import find_application
from .directory import find_group, find_service_principal, find_type, find_user
from .graph_applications import APPLICATION_ROUTES
from .graph_call import GraphRoute
from .graph_errors import MethodNotAllowed, SegmentUnknown
from .graph_groups import GROUP_ROUTES
from .graph_objects import OBJECT_ROUTES
from .graph_roles import ROLE_ROUTES
from .graph_service_principals import SERVICE_PRINCIPAL_ROUTES
from .graph_tenant import TENANT_ROUTES
from .graph_users import USER_ROUTES

VERSIONS = ("v1.0", "beta")
"""Both speak the same subset."""
ROUTES: tuple[GraphRoute, ...] = (
    *USER_ROUTES,
    *GROUP_ROUTES,
    *APPLICATION_ROUTES,
    *SERVICE_PRINCIPAL_ROUTES,
    *OBJECT_ROUTES,
    *ROLE_ROUTES,
    *TENANT_ROUTES,
)
_KEY = re.compile(r"^/(\w+)\((?:(appId|roleTemplateId)=)?'([^'/()]*)'\)", re.IGNORECASE)
"""OData's other way to name one object: ``/servicePrincipals(appId='…')``."""
_PATHS = [
    (re.compile(compile_path(path)[0].pattern, re.IGNORECASE), path)
    for path in dict.fromkeys(route.path for route in ROUTES)
]
_METHODS = {(route.path, route.method): route for route in ROUTES}


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what its path names."""

    route: GraphRoute
    params: Mapping[str, str]


def graph_routes() -> tuple[tuple[str, str], ...]:
    """Return every method and path of the Graph door, for the tests that try them all."""
    return tuple(
        (route.method, f"/{version}{route.path}") for version in VERSIONS for route in ROUTES
    )


def match_route(method: str, path: str) -> Match:
    """Return the route of a request; ``path`` starts with the version.

    Raises:
        SegmentUnknown: no route has this path. MethodNotAllowed: its routes have other methods.

    """
    _, _, rest = path.partition("/")
    version, slash, below = rest.partition("/")
    if version.casefold() not in VERSIONS:
        raise SegmentUnknown(f"Invalid version: '{version}'.")
    below = _KEY.sub(_rewrite_key, slash + below.rstrip("/"))
    known = False
    for pattern, template in _PATHS:
        found = pattern.match(below)
        if found is None:
            continue
        known = True
        route = _METHODS.get((template, method))
        if route is not None:
            return Match(route, found.groupdict())
    if known:
        raise MethodNotAllowed("Specified HTTP method is not allowed for the request target.")
    raise SegmentUnknown(f"Resource not found for the segment '{below.strip('/')}'.")


def find_target(conn: core.Connection, match: Match, own_id: str) -> str | None:
    """Return the id of the object a path names: "" if it names none, None if there is none."""
    collection = match.route.path.split("/")[1]
    if collection == "me":
        return own_id
    text = match.params.get("id")
    if text is None:
        return ""
    found: str | None = None
    match collection:
        case "users":
            user = find_user(conn, text)
            found = user.id if user else None
        case "groups":
            group = find_group(conn, text)
            found = group.id if group else None
        case "applications":
            application = find_application(conn, text.casefold().removeprefix("appid="))
            by_id = application is not None and text.casefold() == application.id
            is_named = by_id or text.casefold().startswith("appid=")
            found = application.id if application and is_named else None
        case "servicePrincipals":
            principal = find_service_principal(conn, text.casefold().removeprefix("appid="))
            by_id = principal is not None and text.casefold() == principal.id
            is_named = by_id or text.casefold().startswith("appid=")
            found = principal.id if principal and is_named else None
        case "directoryObjects":
            found = text.casefold() if find_type(conn, text) else None
    return found


def _rewrite_key(found: re.Match[str]) -> str:
    collection, name, value = found.groups()
    return f"/{collection}/{name}={value}" if name else f"/{collection}/{value}"
