"""The query API of Log Analytics: ``POST /v1/workspaces/<customer id>/query``.

authenticate → which workspace → may the caller → read the query → ask the database → render

Reads are not recorded, refusals are: the same rule as for GET on the management plane.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from silo import access, arm, audit, core, front

from . import kql, tables
from .plan import TABLES, make_plan
from .query_errors import (
    AuthorizationRequired,
    BadArgument,
    BodyTooLong,
    InsufficientAccess,
    QueryError,
    Unavailable,
    WorkspaceNotFound,
)
from .questions import BODY_LIMIT, METHODS, Question, read_body, read_query_string, read_workspace
from .searches import Answer, Searches

log = structlog.get_logger()

QUERY = "Microsoft.OperationalInsights/workspaces/query/read"
"""May send queries; which tables they may touch is asked besides."""
_TABLE = "Microsoft.OperationalInsights/workspaces/query/{}/read"
_CUSTOM = "Tables.Custom"
"""Every custom log at once; ours are such."""
_DATA = "Microsoft.OperationalInsights/workspaces/tables/data/read"


def query_routes() -> list[tuple[str, str, str]]:
    """Return method, path and permission of everything that this door answers."""
    return [(method, "/v1/workspaces/{workspace}/query", QUERY) for method in METHODS]


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class LogsDoor:
    """An ASGI application."""

    store: core.Store
    clock: core.Clock
    authorizer: access.Authorizer
    authenticate: Callable[[str], access.Principal]
    """Raises an AuthenticationFailed of ARM for a token that does not hold."""
    searches: Searches
    tenant_id: str

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; the only place that turns an error into a reply."""
        context = front.get_context(scope)
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(scope, receive, context)
            status, body = 200, answer.to_json()
        except QueryError as error:
            status, headers = error.status, error.headers
            body = _render_error(error, context)
        except core.StoreUnavailable as error:
            log.warning("the database cannot be used", reason=str(error))
            status, body = 503, _render_error(Unavailable(str(error)), context)
        except core.BodyTooLarge as error:
            status, body = 413, _render_error(BodyTooLong(str(error)), context)
        except core.BodyError as error:
            status, body = 400, _render_error(BadArgument(str(error)), context)
        await _send_json(send, status, body, headers)

    async def _answer(
        self, scope: Mapping[str, Any], receive: Receive, context: front.RequestContext
    ) -> Answer:
        principal = self._check_caller(scope, context)
        customer_id = read_workspace(scope["method"], scope["path"])
        workspace = self.store.read_now(lambda conn: tables.find_workspace(conn, customer_id))
        if workspace is None:
            if self._allows(principal, QUERY, access.ROOT):
                raise WorkspaceNotFound
            raise InsufficientAccess
        try:
            self._check(principal, workspace, "")
            question = await self._read(scope, receive)
            query = kql.parse_query(question.query)
            if query.table in TABLES:
                self._check(principal, workspace, query.table)
        except InsufficientAccess:
            await self._record_refusal(principal, workspace, context)
            raise
        now = self.clock.now()
        plan = make_plan(query, workspace.customer_id, now, question.since, question.until)
        return await asyncio.to_thread(self.searches.find, plan)

    async def _read(self, scope: Mapping[str, Any], receive: Receive) -> Question:
        now = self.clock.now()
        if scope["method"] == "GET":
            return read_query_string(scope["query_string"], now)
        return read_body(await core.read_body(receive, limit=BODY_LIMIT), now)

    def _check_caller(
        self, scope: Mapping[str, Any], context: front.RequestContext
    ) -> access.Principal:
        header = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        scheme, _, token = header.decode("latin-1").partition(" ")
        challenge = f'Bearer authorization_uri="{context.urls.login}/{self.tenant_id}"'
        if scheme.casefold() != "bearer" or not token.strip():
            raise AuthorizationRequired(
                "Valid authentication was not provided", headers={"www-authenticate": challenge}
            )
        try:
            return self.authenticate(token.strip())
        except arm.AuthenticationFailed as error:
            raise AuthorizationRequired(
                "Valid authentication was not provided",
                inner={"code": error.code, "message": str(error)},
                headers={"www-authenticate": f'{challenge}, error="invalid_token"'},
            ) from None

    def _check(self, principal: access.Principal, workspace: tables.Workspace, table: str) -> None:
        """Refuse who may not query the workspace, or this table of it."""
        where = workspace.resource_id
        if not self._allows(principal, QUERY, where):
            raise InsufficientAccess
        if not table:
            return
        named = any(
            self._allows(principal, _TABLE.format(name), where) for name in (table, _CUSTOM)
        )
        if not named and not self._allows(principal, _DATA, f"{where}/tables/{table}", data=True):
            raise InsufficientAccess

    def _allows(
        self, principal: access.Principal, action: str, scope: str, *, data: bool = False
    ) -> bool:
        return self.authorizer.decide(principal, action, scope, data=data).allowed

    async def _record_refusal(
        self,
        principal: access.Principal,
        workspace: tables.Workspace,
        context: front.RequestContext,
    ) -> None:
        record = audit.Record(
            time=self.clock.now(),
            category="Administrative",
            operation=QUERY,
            scope=workspace.resource_id,
            result="Denied",
            caller=principal.name,
            caller_object_id=principal.object_id,
            client_ip=context.client_ip,
            correlation_id=context.request_id,
            http_status=403,
        )
        try:
            await self.store.write(lambda conn: audit.append(conn, record))
        except core.StoreUnavailable:
            log.exception("could not record a refusal", correlation_id=context.request_id)


def _render_error(error: QueryError, context: front.RequestContext) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message": str(error),
        "code": error.code,
        "correlationId": context.request_id,
    }
    if error.inner:
        body["innererror"] = dict(error.inner)
    return {"error": body}


async def _send_json(
    send: Send, status: int, body: Mapping[str, Any], more: Mapping[str, str]
) -> None:
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
        *((name.encode(), value.encode("latin-1", "replace")) for name, value in more.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
