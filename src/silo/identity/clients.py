"""Client applications: Microsoft's own public ones, and those registered in the directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from silo import core

from .applications import Application, find_application, find_application_by_uri
from .audiences import Resource
from .directory import find_service_principal
from .errors import ClientUnknown, RedirectUnknown

_WELL_KNOWN = {
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI",
    "1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
    "aebc6443-996d-45c2-90f0-388ff96faa56": "Visual Studio Code",
    "872cd9fa-d31f-45e0-9eab-6e460a02d1f1": "Visual Studio",
    "80faf920-1908-4b52-b5ef-a8e7bedfc67a": "Azure Kubernetes Service AAD Client",
    "14d82eec-204b-4c2f-b7e8-296a70dab67e": "Microsoft Graph Command Line Tools",
}
"""Programs on people's machines; they keep no secret and need no registration."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SCRIPT_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})
_VERSION_2 = 2


@dataclass(frozen=True, slots=True)
class Client:
    """An application that asks for tokens."""

    app_id: str
    display_name: str
    is_well_known: bool = False
    is_public: bool = False
    """It may use device codes and passwords without proving itself."""
    public_redirects: tuple[str, ...] = ()
    """Of programs and single pages: redeemed without a secret, with PKCE."""
    web_redirects: tuple[str, ...] = ()
    """Of web servers: redeemed with a secret or certificate."""

    def has_redirect(self, uri: str) -> bool:
        """Tell whether codes may be sent to a URI."""
        if self.is_well_known:
            return is_loopback(uri)
        return self.is_web_redirect(uri) or _is_among(uri, self.public_redirects)

    def is_web_redirect(self, uri: str) -> bool:
        """Tell whether a URI is a web server's, so that its code needs a secret to be redeemed."""
        return _is_among(uri, self.web_redirects)


def find_client(conn: core.Connection, client_id: str) -> Client | None:
    """Return the application with this id, or None."""
    key = client_id.casefold()
    if name := _WELL_KNOWN.get(key):
        return Client(key, name, is_well_known=True, is_public=True)
    application = find_application(conn, key)
    if application is not None and application.app_id == key:
        return _read_client(application)
    # A managed identity has no application; federated credentials hang on its principal.
    principal = find_service_principal(conn, key)
    if principal is not None and principal.app_id == key:
        return Client(key, principal.display_name)
    return None


def get_client(conn: core.Connection, client_id: str, tenant: str) -> Client:
    """Return the application with this id.

    Raises:
        ClientUnknown: there is none.

    """
    client = find_client(conn, client_id)
    if client is None:
        raise ClientUnknown(app_id=client_id, tenant=tenant)
    return client


def check_redirect(client: Client, uri: str) -> None:
    """Refuse to send codes where the application did not register.

    Raises:
        RedirectUnknown: show it on a page; never redirect there.

    """
    if not is_safe_redirect(uri) or not client.has_redirect(uri):
        raise RedirectUnknown(uri=uri, app_id=client.app_id)


def find_registered_resource(conn: core.Connection, name: str) -> Resource | None:
    """Return the API of a registered application by its id or one of its URIs, or None."""
    application = find_application_by_uri(conn, name.rstrip("/"))
    if application is None:
        application = find_application(conn, name.removeprefix("api://"))
        if application is None or application.app_id != name.removeprefix("api://").casefold():
            return None
    api = _get_mapping(application.properties, "api")
    scopes = api.get("oauth2PermissionScopes")
    permissions = tuple(
        str(scope["value"])
        for scope in (scopes if isinstance(scopes, list) else [])
        if isinstance(scope, Mapping) and scope.get("value") and scope.get("isEnabled", True)
    )
    version = _VERSION_2 if api.get("requestedAccessTokenVersion") == _VERSION_2 else 1
    return Resource(
        app_id=application.app_id,
        # As Entra: version 2.0 tokens always name the application by its id.
        audience=application.app_id if version == _VERSION_2 else name,
        display_name=application.display_name,
        permissions=permissions,
        version=version,
    )


def is_loopback(uri: str) -> bool:
    """Tell whether a redirect stays on the user's machine (RFC 8252, section 7.3)."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "http"
        and parts.hostname in _LOOPBACK
        and parts.username is None
        and not parts.fragment
        and uri.isprintable()
        and not set(uri) & set(" \\\"'<>;,")
    )


def is_safe_redirect(uri: str) -> bool:
    """Tell whether a registered URI may be redirected to; one with a script in it never is."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if not uri.isprintable() or parts.fragment or set(uri) & set(" \\\"'<>;,"):
        return False
    if parts.scheme == "http":
        return is_loopback(uri)
    return bool(parts.scheme) and parts.scheme not in _SCRIPT_SCHEMES


def _is_among(uri: str, registered: tuple[str, ...]) -> bool:
    if uri in registered:
        return True
    if not is_loopback(uri):
        return False
    # The port of a loopback redirect is picked at run time, so it does not count.
    return any(is_loopback(one) and _without_port(one) == _without_port(uri) for one in registered)


def _without_port(uri: str) -> tuple[str | None, str, str]:
    parts = urlsplit(uri)
    return (parts.hostname, parts.path or "/", parts.query)


def _read_client(application: Application) -> Client:
    properties = application.properties
    return Client(
        app_id=application.app_id,
        display_name=application.display_name,
        is_public=properties.get("isFallbackPublicClient") is True,
        public_redirects=(
            *_list_redirects(properties, "publicClient"),
            *_list_redirects(properties, "spa"),
        ),
        web_redirects=_list_redirects(properties, "web"),
    )


def _list_redirects(properties: Mapping[str, Any], platform: str) -> tuple[str, ...]:
    uris = _get_mapping(properties, platform).get("redirectUris")
    return tuple(uri for uri in uris if isinstance(uri, str)) if isinstance(uris, list) else ()


def _get_mapping(properties: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = properties.get(name)
    return value if isinstance(value, Mapping) else {}
