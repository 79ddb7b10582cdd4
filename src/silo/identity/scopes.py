"""What a client asks for: ``scope`` of v2, ``resource`` of v1, both to one API and its permissions.

A scope is ``<resource>/<permission>``. The resource may itself end in a slash (azure-wire 1.2):
``https://management.azure.com//.default`` asks for ``https://management.azure.com/``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .audiences import GRAPH_APP_ID, Resource
from .errors import ResourceUnknown, ScopeInvalid

_OPENID = frozenset({"openid", "profile", "email", "offline_access"})
_DEFAULT = ".default"
_SCOPES_MAX = 50
"""More than any tool asks for; keeps answers short."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """A parsed ``scope`` parameter."""

    requested: tuple[str, ...]
    """Verbatim, each once; the answer must repeat them or az never finds the token again."""
    resource: str
    """The API's name as the client wrote it; Graph when only OpenID scopes were asked for."""
    permissions: frozenset[str]
    """After the last slash; ``.default`` means all that can be had."""

    @property
    def has_default(self) -> bool:
        """Tell whether everything is asked for that can be had."""
        return _DEFAULT in self.permissions or not self.permissions

    @property
    def wants_id_token(self) -> bool:
        """Tell whether OpenID Connect is spoken."""
        return "openid" in self.requested

    @property
    def wants_refresh_token(self) -> bool:
        """Tell whether the client wants to go on without the user."""
        return "offline_access" in self.requested


def parse_scopes(text: str, resource: str = "") -> Scopes:
    """Read a ``scope`` parameter, or the v1 pair of ``resource`` and OpenID scopes.

    Raises:
        ScopeInvalid: there is none, there are too many, or they belong to different APIs.

    """
    requested = tuple(dict.fromkeys(text.split()))
    if len(requested) > _SCOPES_MAX:
        raise ScopeInvalid(reason="Too many scopes.")
    if resource:
        return Scopes(requested, resource, frozenset())
    if not requested:
        raise ScopeInvalid(reason="The scope is empty.")
    resources: set[str] = set()
    permissions: set[str] = set()
    for scope in requested:
        if scope in _OPENID:
            continue
        name, slash, permission = scope.rpartition("/")
        # A bare permission such as ``User.Read`` is Graph's.
        resources.add(name if slash else GRAPH_APP_ID)
        permissions.add(permission)
        if slash and not (name and permission):
            raise ScopeInvalid(reason=f"The scope {scope} is not valid.")
    if len(resources) > 1:
        raise ScopeInvalid(reason="It contains scopes of more than one resource.")
    return Scopes(requested, resources.pop() if resources else GRAPH_APP_ID, frozenset(permissions))


def select_permissions(scopes: Scopes, resource: Resource) -> tuple[str, ...]:
    """Return which permissions of an API a token for a user carries.

    Raises:
        ScopeInvalid: one was asked for that the API does not have.

    """
    if scopes.has_default:
        return resource.permissions
    known = {name.casefold(): name for name in resource.permissions}
    asked = sorted(scopes.permissions)
    unknown = [name for name in asked if name.casefold() not in known]
    if resource.app_id == GRAPH_APP_ID:
        # Graph has some hundred permissions; what a token may do is decided by directory roles.
        return tuple(asked)
    if unknown:
        raise ScopeInvalid(reason=f"The scope {scopes.resource}/{unknown[0]} does not exist.")
    return tuple(known[name.casefold()] for name in asked)


def render_scopes(scopes: Scopes, permissions: tuple[str, ...]) -> str:
    """Return ``scope`` of an answer: what is granted, then what was asked for, verbatim."""
    granted = [f"{scopes.resource}/{name}" for name in permissions]
    if all("/" not in scope for scope in scopes.requested):
        granted = []
    return " ".join(dict.fromkeys([*granted, *scopes.requested]))


def get_resource(
    scopes: Scopes, tenant: str, finders: tuple[Callable[[str], Resource | None], ...]
) -> Resource:
    """Return the API that scopes name, asking each finder in turn.

    Raises:
        ResourceUnknown: there is none.

    """
    for find in finders:
        if resource := find(scopes.resource):
            return resource
    raise ResourceUnknown(resource=scopes.resource, tenant=tenant)
