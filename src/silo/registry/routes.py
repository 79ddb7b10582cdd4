"""The grammar of the data plane's paths: one function reads them, one table names them. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from .errors import NameUnknown
from .names import check_name
from .permissions import Action


class Kind(StrEnum):
    """What a path means, as its template."""

    VERSION = "/v2/"
    CATALOG = "/v2/_catalog"
    TAGS = "/v2/{name}/tags/list"
    MANIFEST = "/v2/{name}/manifests/{reference}"
    REFERRERS = "/v2/{name}/referrers/{reference}"
    BLOB = "/v2/{name}/blobs/{reference}"
    UPLOADS = "/v2/{name}/blobs/uploads/"
    UPLOAD = "/v2/{name}/blobs/uploads/{reference}"
    EXCHANGE = "/oauth2/exchange"
    TOKEN = "/oauth2/token"  # noqa: S105 - a path
    ACR_CATALOG = "/acr/v1/_catalog"
    ACR_DELETED = "/acr/v1/_deleted/{name}"
    ACR_REPOSITORY = "/acr/v1/{name}"
    ACR_STREAMING = "/acr/v1/{name}/_streaming"
    ACR_TAGS = "/acr/v1/{name}/_tags"
    ACR_TAG = "/acr/v1/{name}/_tags/{reference}"
    ACR_MANIFESTS = "/acr/v1/{name}/_manifests"
    ACR_MANIFEST = "/acr/v1/{name}/_manifests/{reference}"


@dataclass(frozen=True, slots=True)
class Route:
    """What one path names."""

    kind: Kind
    name: str = ""
    """The repository."""
    reference: str = ""
    """A tag, digest or upload id, not yet checked."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What a route needs: any of the actions will do; none at all for signing in."""

    what: str
    """ACR's word for the log."""
    any_of: tuple[Action, ...]
    scope: str
    """The actions that the challenge asks clients to get."""

    def render_scope(self, name: str) -> str:
        """Return the ``scope`` of a challenge."""
        if self.scope == Action.CATALOG:
            return "registry:catalog:*"
        return f"repository:{name}:{self.scope}" if self.scope else ""


_PULL = Permission("Pull", (Action.PULL,), "pull")
_LIST = Permission("Read", (Action.METADATA_READ, Action.PULL), "metadata_read")
_READ = Permission("Read", (Action.METADATA_READ,), "metadata_read")
_PUSH = Permission("Push", (Action.PUSH,), "pull,push")
_DELETE = Permission("Delete", (Action.DELETE,), "delete")
_UPDATE = Permission("Update", (Action.METADATA_WRITE,), "metadata_write,metadata_read")
_CATALOG = Permission("List", (Action.CATALOG,), "*")
_SIGN_IN = Permission("Login", (), "")
_DELETED = Permission("Read", (Action.DELETED_READ,), "deleted_read")
_RESTORE = Permission("Update", (Action.DELETED_RESTORE,), "deleted_read,deleted_restore")

PERMISSIONS: dict[Kind, dict[str, Permission]] = {
    Kind.VERSION: {"GET": _SIGN_IN, "HEAD": _SIGN_IN},
    Kind.CATALOG: {"GET": _CATALOG},
    Kind.TAGS: {"GET": _LIST},
    Kind.MANIFEST: {"GET": _PULL, "HEAD": _PULL, "PUT": _PUSH, "DELETE": _DELETE},
    Kind.REFERRERS: {"GET": _PULL},
    Kind.BLOB: {"GET": _PULL, "HEAD": _PULL, "DELETE": _DELETE},
    Kind.UPLOADS: {"POST": _PUSH},
    Kind.UPLOAD: {"GET": _PUSH, "PATCH": _PUSH, "PUT": _PUSH, "DELETE": _PUSH},
    Kind.EXCHANGE: {"POST": _SIGN_IN},
    Kind.TOKEN: {"GET": _SIGN_IN, "POST": _SIGN_IN},
    Kind.ACR_CATALOG: {"GET": _CATALOG},
    Kind.ACR_DELETED: {"GET": _DELETED, "POST": _RESTORE, "DELETE": _DELETED},
    Kind.ACR_REPOSITORY: {"GET": _READ, "PATCH": _UPDATE, "DELETE": _DELETE},
    Kind.ACR_STREAMING: {"GET": _READ},
    Kind.ACR_TAGS: {"GET": _READ},
    Kind.ACR_TAG: {"GET": _READ, "PATCH": _UPDATE, "DELETE": _DELETE},
    Kind.ACR_MANIFESTS: {"GET": _READ},
    Kind.ACR_MANIFEST: {"GET": _READ, "PATCH": _UPDATE},
}
"""Every route of the data plane; what is not here is not served."""


@dataclass(frozen=True, slots=True)
class ListedRoute:
    """One route, for the permission matrix and the documentation."""

    method: str
    path: str
    scope: str
    """As a challenge writes it, with ``{name}``; empty where being signed in suffices."""
    signs_in: bool
    """It takes credentials of its own instead of a token."""


def routes() -> list[ListedRoute]:
    """Return every route of the data plane."""
    return [
        ListedRoute(
            method=method,
            path=kind.value,
            scope=permission.render_scope("{name}"),
            signs_in=kind in {Kind.EXCHANGE, Kind.TOKEN},
        )
        for kind, methods in PERMISSIONS.items()
        for method, permission in methods.items()
    ]


_FIXED = {
    "/v2": Route(Kind.VERSION),
    "/v2/": Route(Kind.VERSION),
    "/v2/_catalog": Route(Kind.CATALOG),
    "/oauth2/exchange": Route(Kind.EXCHANGE),
    "/oauth2/token": Route(Kind.TOKEN),
    "/acr/v1/_catalog": Route(Kind.ACR_CATALOG),
}


@lru_cache(maxsize=16_384)
def parse_route(path: str) -> Route:
    """Return what a path names; read from its end, for a repository may be called ``blobs``.

    Raises:
        NameUnknown: nothing. NameInvalid: the repository's name breaks the grammar.

    """
    if path in _FIXED:
        return _FIXED[path]
    if path.startswith("/v2/"):
        return _parse_v2(path.removeprefix("/v2/"))
    if path.startswith("/acr/v1/"):
        return _parse_acr(path.removeprefix("/acr/v1/").rstrip("/"))
    raise NameUnknown("There is nothing at this path.")


def _parse_v2(path: str) -> Route:
    if path.endswith("/tags/list"):
        return Route(Kind.TAGS, check_name(path.removesuffix("/tags/list")))
    head, _, last = path.rpartition("/")
    if head.endswith("/blobs/uploads"):
        name = check_name(head.removesuffix("/blobs/uploads"))
        return Route(Kind.UPLOAD, name, last) if last else Route(Kind.UPLOADS, name)
    if path.endswith("/blobs/uploads"):
        return Route(Kind.UPLOADS, check_name(path.removesuffix("/blobs/uploads")))
    name, _, noun = head.rpartition("/")
    kinds = {"manifests": Kind.MANIFEST, "blobs": Kind.BLOB, "referrers": Kind.REFERRERS}
    if noun in kinds and last:
        return Route(kinds[noun], check_name(name), last)
    raise NameUnknown("There is nothing at this path.")


def _parse_acr(path: str) -> Route:
    if path.startswith("_deleted/"):
        # ``_deleted/_catalog``, ``_deleted/{name}/_tags``, ``_deleted/{name}/_manifests/{digest}``
        name = path.removeprefix("_deleted/").partition("/_")[0]
        return Route(Kind.ACR_DELETED, name if name == "_catalog" else check_name(name))
    head, _, last = path.rpartition("/")
    lists = {
        "_tags": Kind.ACR_TAGS,
        "_manifests": Kind.ACR_MANIFESTS,
        "_streaming": Kind.ACR_STREAMING,
    }
    if last in lists:
        return Route(lists[last], check_name(head))
    name, _, noun = head.rpartition("/")
    items = {"_tags": Kind.ACR_TAG, "_manifests": Kind.ACR_MANIFEST}
    if noun in items:
        return Route(items[noun], check_name(name), last)
    return Route(Kind.ACR_REPOSITORY, check_name(path))
