"""The managed identity endpoints of a workload: IMDS's form, and App Service's.

Who asks is known before the first byte is read: the socket belongs to one group, or to one node
of a cluster (``UID.PLACE``), which has other identities than the cluster itself. What is left is
which of its identities is meant, and for which API the token shall be.

Source: learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token;
learn.microsoft.com/azure/app-service/overview-managed-identity; azure-wire 2.5.
"""

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog

from silo import arm, core, engine, identity

from .identities import Assigned, Assignment, list_assigned
from .metadata_errors import (
    IdentityAmbiguous,
    IdentityNotFound,
    MetadataError,
    MetadataMissing,
    MetadataUnavailable,
    RequestWrong,
    SecretWrong,
    TooManyRequests,
)

log = structlog.get_logger()

IMDS_PATH = "/metadata/identity/oauth2/token"
APP_SERVICE_PATH = "/msi/token"
APP_SERVICE_VERSION = "2019-08-01"
IMDS_SINCE = "2018-02-01"
BURST, PER_SECOND = 20, 2.0
"""Requests of one group. Each token is a record of the log: a workload in a loop must not fill
the disk. Libraries keep tokens for hours; az asks once a command."""
_BUCKETS = 1024
_VERSION = re.compile(r"\d{4}-\d\d-\d\d")
_TARGET_MAX = 4 * 1024
_FIELDS_MAX = 20
_SELECTORS = {
    "client_id": "client_id",
    "clientid": "client_id",
    "object_id": "object_id",
    "principal_id": "object_id",
    "msi_res_id": "resource_id",
    "mi_res_id": "resource_id",
}
"""Query variable to the field of an assignment; the two forms and their SDKs differ in names."""


ListIdentities = Callable[[core.Connection, arm.Resource], Assigned]
"""The identities of a resource, or of its nodes."""


class MetadataService:
    """Answers the metadata requests of every group and node of this instance."""

    def __init__(
        self,
        issuer: identity.Issuer,
        resources: arm.Resources,
        key: bytes,
        list_of_node: ListIdentities,
    ) -> None:
        """Derive the groups' header values from ``key``, which stays with the instance."""
        self._list_of_node = list_of_node
        self._issuer = issuer
        self._resources = resources
        self._key = key
        self._buckets: dict[str, tuple[float, float]] = {}

    def render_environment(self, uid: str) -> tuple[tuple[str, str], ...]:
        """Return the variables that lead a workload's libraries to App Service's form."""
        return (
            ("IDENTITY_ENDPOINT", f"http://{engine.METADATA_ADDRESS}{APP_SERVICE_PATH}"),
            ("IDENTITY_HEADER", self._get_secret(uid)),
        )

    async def answer(self, uid: str, request: engine.MetadataRequest) -> engine.MetadataAnswer:
        """Answer one request of a group."""
        try:
            body = await self._serve(uid, request)
        except MetadataError as error:
            return _render_error(error)
        except identity.OAuthError as error:
            return _render(error.status, {"error": error.error, "error_description": str(error)})
        except core.StoreUnavailable:
            log.exception("metadata cannot be answered", group=uid)
            return _render_error(MetadataUnavailable())
        return _render(200, body)

    async def _serve(self, uid: str, request: engine.MetadataRequest) -> Mapping[str, Any]:
        if len(request.target) > _TARGET_MAX:
            raise RequestWrong("The request is too long")
        parts = urlsplit(request.target)
        path = parts.path.rstrip("/").casefold()
        if path not in {IMDS_PATH, APP_SERVICE_PATH}:
            raise MetadataMissing
        if request.method != "GET":
            raise RequestWrong(f"The method {request.method[:20]} is not supported", status=405)
        if "x-forwarded-for" in request.headers:
            raise RequestWrong("A request with the header X-Forwarded-For is refused")
        query = _read_query(parts.query)
        if path == IMDS_PATH:
            _check_imds(request.headers, query)
        else:
            self._check_app_service(uid, request.headers, query)
        wanted = query.get("resource", "")
        if not wanted:
            raise RequestWrong("Required audience parameter not specified")
        self._take_turn(uid)
        resource, assigned = self._resources.store.read_now(lambda conn: self._find(conn, uid))
        chosen = _choose(assigned, query)
        sign_in = identity.SignIn(
            client_ip=request.client_ip,
            correlation_id=str(uuid.uuid4()),
            user_agent=request.headers.get("user-agent", ""),
            extra={"workload": resource.id.text},
        )
        urls = self._issuer.names.urls
        return await identity.issue_managed_identity_token(
            self._issuer, chosen.object_id, wanted, sign_in, urls
        )

    def _find(self, conn: core.Connection, uid: str) -> tuple[arm.Resource, Assigned]:
        owner, _, part = uid.partition(".")
        resource = self._resources.find_by_uid(conn, owner)
        if resource is None:
            raise IdentityNotFound
        find = self._list_of_node if part else list_assigned
        return resource, find(conn, resource)

    def _check_app_service(
        self, uid: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> None:
        given = headers.get("x-identity-header", "").encode("latin-1")
        if not hmac.compare_digest(given, self._get_secret(uid).encode()):
            raise SecretWrong
        if query.get("api-version") != APP_SERVICE_VERSION:
            raise RequestWrong(f"The api-version must be {APP_SERVICE_VERSION}")

    def _get_secret(self, uid: str) -> str:
        """Return the group's header value: it keeps out what is tricked into fetching a URL."""
        return hmac.digest(self._key, f"identity-header:{uid}".encode(), hashlib.sha256).hex()

    def _take_turn(self, uid: str) -> None:
        now = self._issuer.clock.monotonic()
        left, since = self._buckets.get(uid, (float(BURST), now))
        left = min(float(BURST), left + (now - since) * PER_SECOND)
        if left < 1.0:
            raise TooManyRequests
        self._buckets[uid] = (left - 1.0, now)
        if len(self._buckets) > _BUCKETS:
            # Who has not asked for so long has a full bucket, as one who never asked.
            rested = now - BURST / PER_SECOND
            self._buckets = {key: kept for key, kept in self._buckets.items() if kept[1] > rested}


def _check_imds(headers: Mapping[str, str], query: Mapping[str, str]) -> None:
    if headers.get("metadata", "").casefold() != "true":
        raise RequestWrong("Required metadata header not specified")
    version = query.get("api-version", "")
    if not version:
        raise RequestWrong("Required query variable 'api-version' is missing")
    if not _VERSION.fullmatch(version) or version < IMDS_SINCE:
        raise RequestWrong(f"The api-version is invalid; the first one is {IMDS_SINCE}")


def _read_query(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise RequestWrong("The query cannot be read") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if found.setdefault(name.casefold(), value) != value:
            raise RequestWrong(f"The query variable '{name[:50]}' comes twice")
    return found


def _choose(assigned: Assigned, query: Mapping[str, str]) -> Assignment:
    """Return the identity that is asked for; without a word about it, the one that is meant."""
    every: tuple[Assignment, ...] = (
        *((assigned.system,) if assigned.system else ()),
        *assigned.users,
    )
    given = [(field, query[name]) for name, field in _SELECTORS.items() if query.get(name)]
    if len(given) > 1:
        raise RequestWrong("At most one of client_id, object_id and msi_res_id may be given")
    for field, value in given:
        for one in every:
            if str(getattr(one, field)).casefold() == value.casefold():
                return one
        raise IdentityNotFound
    if assigned.system is not None:
        return assigned.system
    if len(assigned.users) > 1:
        raise IdentityAmbiguous
    if not assigned.users:
        raise IdentityNotFound
    return assigned.users[0]


def _render_error(error: MetadataError) -> engine.MetadataAnswer:
    body = {
        "error": error.error,
        "error_description": str(error),
        # App Service's words for the same.
        "statusCode": error.status,
        "message": str(error),
    }
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    return _render(error.status, body, headers)


def _render(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> engine.MetadataAnswer:
    return engine.MetadataAnswer(status, json.dumps(body).encode(), headers or {})
