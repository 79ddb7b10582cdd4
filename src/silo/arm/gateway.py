"""The one door of the control plane: a request comes in, and these steps happen in order.

correlate → authenticate → match → throttle → api-version → authorise → read the body → handle →
render
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from silo import access, core

from . import long_running, metadata, verbs, wire
from .authentication import Authenticate, check_caller, render_challenge
from .errors import (
    ArmError,
    AuthenticationFailed,
    AuthorizationFailed,
    MissingApiVersionParameter,
)
from .provider import Call, Match, Operation, Provider, Reply, ResourceType
from .recorder import Recorder
from .resource_id import parse_resource_id
from .resources import Resources
from .routes import Routes
from .scopes import check_scope
from .throttle import Throttle

log = structlog.get_logger()

_READS = frozenset({"GET", "HEAD"})


class Catalogue:
    """Every declared type and operation, found without regard to case."""

    def __init__(self, providers: Sequence[Provider], resources: Resources) -> None:
        self.providers = tuple(providers)
        self._types: dict[str, ResourceType[Any]] = {
            f"{provider.namespace}/{type_.name}".casefold(): type_
            for provider in providers
            for type_ in provider.types
        }
        statuses = long_running.OperationStatuses(resources)
        operations: list[Operation] = []
        for provider in providers:
            for type_ in provider.types:
                operations += verbs.expand(provider.namespace, type_, resources, self.find_type)
            operations += provider.operations
            if provider.types:
                operations += statuses.operations(provider.namespace)
        self.operations = tuple(operations)

    def find_type(self, full_type: str) -> ResourceType[Any] | None:
        """Return the declaration of a type, or None for one that is stored but not declared."""
        return self._types.get(full_type.casefold())


class Gateway:
    """An ASGI application that speaks ARM for the declared providers."""

    def __init__(
        self,
        catalogue: Catalogue,
        resources: Resources,
        authorizer: access.Authorizer,
        authenticate: Authenticate,
        tenant_id: str,
        *,
        throttle: Throttle,
    ) -> None:
        self.operations = catalogue.operations
        self._routes = Routes(catalogue.operations)
        self._resources = resources
        self._store = resources.store
        self._clock = resources.clock
        self._authorizer = authorizer
        self._authenticate = authenticate
        self._tenant_id = tenant_id
        self._throttle = throttle
        self._subscriptions: set[str] = set()

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: wire.Receive, send: wire.Send
    ) -> None:
        """Answer one request; the only place that turns an error into a reply."""
        request = wire.read_request(scope, receive)
        try:
            reply = await self._answer(request)
        except AuthenticationFailed as error:
            challenge = render_challenge(
                error, request.context.urls, self._tenant_id, self._clock.now()
            )
            reply = wire.render_error(error)
            reply = Reply(reply.status, reply.body, {"www-authenticate": challenge})
        except core.SiloError as error:
            reply = wire.render_error(error)
        await wire.send_reply(send, request, reply)

    async def _answer(self, request: wire.Request) -> Reply:
        if metadata.is_asked_for(request):
            return metadata.answer(request)
        principal = check_caller(request, self._authenticate)
        operation, match = self._routes.find(request.method, request.path, request.api_version)
        left = self._count(request, principal, match)
        if not request.api_version:
            raise MissingApiVersionParameter
        call = self._make_call(request, principal, operation, match)
        try:
            reply = await self._handle(request, call, operation, match)
            return replace(reply, headers={**reply.headers, **left})
        except Exception as error:
            # Whatever it was, the log says that it was tried; told elsewhere.
            if isinstance(error, AuthorizationFailed) or operation.method not in _READS:
                await self._record_failure(call, error)
            raise

    async def _handle(
        self, request: wire.Request, call: Call, operation: Operation, match: Match
    ) -> Reply:
        if operation.filtered:
            # Its handler refuses who may read nothing, in the same words whether the
            # subscription exists or not; only who may read all of it is told that it does not.
            if call.allows(operation.name, match.id.text):
                self._check_subscription(match)
        else:
            where = (
                operation.permission_scope(match) if operation.permission_scope else match.id.text
            )
            decision = self._authorizer.decide(
                call.principal, operation.name, where, data=operation.data
            )
            if not decision.allowed:
                raise call.refusal(operation.name, where)
            self._check_subscription(match)
        body = None
        if operation.method not in _READS and operation.method != "DELETE":
            body = await wire.read_json(request, raw=operation.raw_body)
        reply = await operation.handler(call, match, body)
        if operation.method not in _READS and not call.recorder.done:
            await self._store.write(lambda conn: call.record(conn, reply.status))
        return reply

    def _count(
        self, request: wire.Request, principal: access.Principal, match: Match
    ) -> dict[str, str]:
        """Count the request; subscriptions not known to exist count as the tenant.

        Else whoever makes up names would have a bucket for each. What is refused here leaves no
        record: the log is not to grow as fast as somebody can ask.
        """
        name = match.id.subscription.casefold()
        subscription = name if name in self._subscriptions else ""
        return self._throttle.take(principal.object_id, subscription, request.method)

    def _make_call(
        self,
        request: wire.Request,
        principal: access.Principal,
        operation: Operation,
        match: Match,
    ) -> Call:
        now = self._clock.now()
        headers = request.headers

        def allows(action: str, scope: str) -> bool:
            return self._authorizer.decide(principal, action, scope).allowed

        return Call(
            principal=principal,
            urls=request.context.urls,
            correlation_id=request.correlation_id,
            client_ip=request.context.client_ip,
            api_version=request.api_version,
            query=request.query,
            now=now,
            allows=allows,
            recorder=Recorder(
                now,
                principal,
                operation.name,
                match.id.text,
                operation.method,
                request.context.client_ip,
                request.correlation_id,
            ),
            path=request.path,
            if_match=headers.get("if-match", ""),
            if_none_match=headers.get("if-none-match", ""),
            action=operation.name,
        )

    def _check_subscription(self, match: Match) -> None:
        """Refuse a subscription that does not exist; those that do are remembered."""
        name = match.id.subscription.casefold()
        if not name or name in self._subscriptions:
            return
        id_ = parse_resource_id(f"/subscriptions/{name}")
        self._store.read_now(lambda conn: check_scope(conn, id_))
        self._subscriptions.add(name)

    async def _record_failure(self, call: Call, error: Exception) -> None:
        """Log a refused or failed operation; its own transaction was rolled back.

        That it cannot be written down must not hide from the caller what went wrong first.
        """
        if isinstance(error, core.SiloError):
            told = error if isinstance(error, ArmError) else wire.translate(error)
            status, facts = told.status, {"code": told.code, "message": str(told)}
        else:  # a bug of ours: the front door logs it and answers 500
            status, facts = 500, {"code": "InternalServerError", "message": type(error).__name__}
        try:
            await self._store.write(lambda conn: call.recorder.append(conn, status, **facts))
        except core.StoreUnavailable:
            log.exception("could not record a failure", correlation_id=call.correlation_id)
