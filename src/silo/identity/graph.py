"""The Graph door: who asks, may they, the handler, the audit record, the answer. In this order.

A change and its audit record are one transaction, and the decision is made in it, so a right that
was taken away a moment ago is gone. What is refused or fails is recorded too.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from silo import access, audit, core, front

from .directory_errors import ObjectNotFound
from .directory_roles import list_directory_roles
from .graph_bodies import read_body_shape
from .graph_call import (
    GraphCall,
    GraphReply,
    GraphRoute,
    SignIn,
    describe_target,
    refuse_unless_allowed,
)
from .graph_errors import (
    BadRequest,
    Forbidden,
    GraphError,
    MediaTypeUnsupported,
    TokenMissing,
    render_error,
    translate,
)
from .graph_permissions import Caller
from .graph_query import parse_query
from .graph_routing import Match, find_target, match_route

BODY_LIMIT = 1024 * 1024
"""Many times the largest directory object."""
_CLIENT_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_JSON = {
    "content-type": "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8",
    "odata-version": "4.0",
    "cache-control": "no-cache",
}


def graph_door(
    store: core.Store, clock: core.Clock, sign_in: SignIn, audiences: Collection[str]
) -> ASGIApp:
    """Return the ASGI app behind ``graph.<domain>`` and ``graph.microsoft.com``.

    ``audiences`` are what a token's ``aud`` must be one of.
    """
    return _Door(store, clock, sign_in, frozenset(audiences))


@dataclass(frozen=True, slots=True)
class _Door:
    store: core.Store
    clock: core.Clock
    sign_in: SignIn
    audiences: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        client_id = request.headers.get("client-request-id", "")
        request_id = front.get_context(scope).request_id
        if not _CLIENT_ID.fullmatch(client_id):
            client_id = request_id
        try:
            response = _render(await self._answer(request))
        except core.SiloError as error:
            date = self.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
            response = _refuse(translate(error), request, date, request_id, client_id)
        response.headers["request-id"] = request_id
        response.headers["client-request-id"] = client_id
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> GraphReply:
        principal = self._authenticate(request)
        path = request.scope["path"]
        if not path.isprintable():  # lone surrogates are not: the bytes were no UTF-8
            raise BadRequest("The path is not valid.")
        match = match_route(request.method, path)
        call = GraphCall(
            caller=Caller(principal),
            params=match.params,
            target="",
            query=parse_query(request.scope.get("query_string", b"").decode("latin-1")),
            body=None,
            prepared=None,
            path=path.rstrip("/"),
            urls=front.get_context(request.scope).urls,
            client_ip=front.get_context(request.scope).client_ip,
            now=self.clock.now(),
        )
        try:
            return await self._perform(request, match, call)
        except core.SiloError as error:
            await self._record_failure(request, match.route, call, translate(error))
            raise

    def _authenticate(self, request: Request) -> access.Principal:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not token.strip():
            raise TokenMissing("Access token is empty.")
        try:
            return self.sign_in.verify_bearer(token.strip(), self.audiences)
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            raise TokenMissing(f"Access token validation failure. {error}") from error

    async def _perform(self, request: Request, match: Match, call: GraphCall) -> GraphReply:
        route = match.route
        # Decided before the body is read, so that strangers to the directory cost nothing, …
        call = await self.store.read(lambda conn: _authorize(conn, match, call))
        if route.body is not None:
            call = replace(call, body=read_body_shape(route.body, await _read_json(request)))
        if route.more_actions is not None:
            call = await self.store.read(lambda conn: _authorize(conn, match, call))
        if route.prepare is not None:
            call = replace(call, prepared=await route.prepare(call, self.sign_in))

        def work(conn: core.Connection) -> GraphReply:
            # … and again in the transaction that does it.
            current = _authorize(conn, match, call)
            reply = route.handler(conn, current)
            if route.operation:
                record = _make_record(request, route, current, "Succeeded", reply.status)
                target = reply.object_id or current.target
                audit.append(conn, replace(record, scope=_render_scope(route, target)))
            return reply

        return await (self.store.write(work) if route.operation else self.store.read(work))

    async def _record_failure(
        self, request: Request, route: GraphRoute, call: GraphCall, error: GraphError
    ) -> None:
        is_denied = isinstance(error, Forbidden)
        if not is_denied and not route.operation:
            return
        result = "Denied" if is_denied else "Failed"
        record = _make_record(request, route, call, result, error.status)
        record = replace(record, properties={**record.properties, "reason": str(error)[:512]})
        await self.store.write(lambda conn: audit.append(conn, record))


def _authorize(conn: core.Connection, match: Match, call: GraphCall) -> GraphCall:
    """Return the call with its target and the caller's roles, if the caller may make it."""
    roles = list_directory_roles(conn, call.own_id)
    caller = Caller(call.caller.principal, roles)
    target = find_target(conn, match, call.own_id)
    is_user = caller.principal.type is access.PrincipalType.USER
    if match.route.path.split("/")[1] == "me" and not is_user:
        raise BadRequest("/me request is only valid with delegated authentication flow.")
    facts = describe_target(conn, target) if target else None
    actions = [match.route.action]
    if match.route.more_actions is not None and call.body is not None:
        actions += match.route.more_actions(call)
    for action in actions:
        refuse_unless_allowed(caller, action, facts)
    if target is None:
        raise ObjectNotFound(
            f"Resource '{match.params['id']}' does not exist or one of its queried"
            " reference-property objects are not present."
        )
    return replace(call, caller=caller, target=target)


async def _read_json(request: Request) -> Any:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.casefold() not in {"application/json", ""}:
        raise MediaTypeUnsupported("The body must be of the content type application/json.")
    data = await core.read_body(request.receive, limit=BODY_LIMIT)
    if not data:
        raise BadRequest("Empty Payload. JSON content expected.")
    return core.parse_json_object(data)


def _make_record(
    request: Request, route: GraphRoute, call: GraphCall, result: str, status: int
) -> audit.Record:
    principal = call.caller.principal
    return audit.Record(
        time=call.now,
        category="Administrative",
        operation=f"Microsoft.Graph/{route.operation or route.action}",
        scope=_render_scope(route, call.target or str(call.params.get("id", ""))[:128]),
        result=result,
        caller=principal.name,
        caller_object_id=principal.object_id,
        client_ip=call.client_ip,
        correlation_id=front.get_context(request.scope).request_id or str(uuid4()),
        http_status=status,
        properties={"method": request.method, "path": call.path[:1024]},
    )


def _render_scope(route: GraphRoute, target: str) -> str:
    collection = (route.operation or route.action).split("/")[0]
    return f"/providers/Microsoft.Graph/{collection}/{target}".rstrip("/")


def _render(reply: GraphReply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status)
    if isinstance(reply.body, str):
        return PlainTextResponse(reply.body, reply.status, headers=dict(reply.headers))
    return JSONResponse(reply.body, reply.status, headers={**_JSON, **reply.headers})


def _refuse(
    error: GraphError, request: Request, date: str, request_id: str, client_id: str
) -> Response:
    body = render_error(error, date=date, request_id=request_id, client_id=client_id)
    response = Response(json.dumps(body), error.status, headers=_JSON)
    if error.retry_after_s:
        response.headers["retry-after"] = str(error.retry_after_s)
    if error.status == TokenMissing.status:
        login = front.get_context(request.scope).urls.login
        response.headers["www-authenticate"] = (
            f'Bearer realm="", authorization_uri="{login}/common/oauth2/authorize",'
            ' error="invalid_token"'
        )
    return response
