"""The registry's ASGI application: read the path, know the caller, decide, answer.

No framework on this road: a manifest costs less than one route table (decision 0015).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Never

import structlog
from starlette.types import Receive, Scope, Send

from silo import core, front

from .content import Content
from .errors import (
    Denied,
    RegistryError,
    Unauthorized,
    Unsupported,
    render_error,
    translate,
)
from .gate import Audiences, Gate, SignIn
from .journal import Journal, Look
from .lists import Lists
from .metadata import Metadata
from .permissions import Authorize
from .pull import Pull
from .push import Push
from .routes import PERMISSIONS, Kind, Permission, parse_route
from .sign_in import TokenEndpoints
from .tokens import Tokens
from .wire import JSON, VERSION, Request

log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[None]]


class RegistryDoor:
    """The data plane of every registry, in one worker."""

    def __init__(
        self,
        *,
        store: core.Store,
        content_root: Path,
        clock: core.Clock,
        keys: core.KeyRing,
        vault: core.Vault,
        authorize: Authorize,
        sign_in: SignIn,
        audiences: Audiences,
    ) -> None:
        """``authorize``, ``sign_in`` and ``audiences`` are other rooms', handed over by ``app``."""
        content = Content(content_root)
        self._clock = clock
        self._journal = Journal(store, clock)
        self._gate = Gate(
            store=store,
            clock=clock,
            tokens=Tokens(keys, clock),
            vault=vault,
            authorize=authorize,
            sign_in=sign_in,
        )
        self._push = Push(store, content, self._gate)
        pull = Pull(store, content, self._journal)
        lists = Lists(store, self._journal)
        metadata = Metadata(store, self._journal)
        tokens = TokenEndpoints(self._gate, self._journal, audiences)
        push = self._push
        self._handlers: dict[tuple[Kind, str], Handler] = {
            (Kind.VERSION, "GET"): _get_version,
            (Kind.VERSION, "HEAD"): _get_version,
            (Kind.CATALOG, "GET"): lists.get_catalog,
            (Kind.TAGS, "GET"): lists.get_tags,
            (Kind.MANIFEST, "GET"): pull.get_manifest,
            (Kind.MANIFEST, "HEAD"): pull.get_manifest,
            (Kind.MANIFEST, "PUT"): push.put_manifest,
            (Kind.MANIFEST, "DELETE"): lists.delete_manifest,
            (Kind.REFERRERS, "GET"): lists.get_referrers,
            (Kind.BLOB, "GET"): pull.get_blob,
            (Kind.BLOB, "HEAD"): pull.get_blob,
            (Kind.BLOB, "DELETE"): lists.delete_blob,
            (Kind.UPLOADS, "POST"): push.post_upload,
            (Kind.UPLOAD, "GET"): push.get_upload,
            (Kind.UPLOAD, "PATCH"): push.patch_upload,
            (Kind.UPLOAD, "PUT"): push.put_upload,
            (Kind.UPLOAD, "DELETE"): push.delete_upload,
            (Kind.EXCHANGE, "POST"): tokens.post_exchange,
            (Kind.TOKEN, "GET"): tokens.get_token,
            (Kind.TOKEN, "POST"): tokens.post_token,
            (Kind.ACR_CATALOG, "GET"): metadata.get_catalog,
            (Kind.ACR_DELETED, "GET"): metadata.refuse_deleted,
            (Kind.ACR_DELETED, "POST"): metadata.refuse_deleted,
            (Kind.ACR_DELETED, "DELETE"): metadata.refuse_deleted,
            (Kind.ACR_REPOSITORY, "GET"): metadata.get_repository,
            (Kind.ACR_REPOSITORY, "PATCH"): metadata.patch_repository,
            (Kind.ACR_REPOSITORY, "DELETE"): metadata.delete_repository,
            (Kind.ACR_STREAMING, "GET"): metadata.refuse_streaming,
            (Kind.ACR_TAGS, "GET"): metadata.get_tags,
            (Kind.ACR_TAG, "GET"): metadata.get_tag,
            (Kind.ACR_TAG, "PATCH"): metadata.patch_tag,
            (Kind.ACR_TAG, "DELETE"): metadata.delete_tag,
            (Kind.ACR_MANIFESTS, "GET"): metadata.get_manifests,
            (Kind.ACR_MANIFEST, "GET"): metadata.get_manifest,
            (Kind.ACR_MANIFEST, "PATCH"): metadata.patch_manifest,
        }

    async def flush(self) -> None:
        """Write what has been looked at so far to the log."""
        await self._journal.flush()

    async def run(self) -> Never:
        """Write what was looked at to the log, until cancelled."""
        await self._journal.run()

    def close(self) -> None:
        """Wait for what is being written."""
        self._push.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure in the registry's dialect."""
        if scope["type"] != "http":
            return
        context = front.get_context(scope)
        request: Request | None = None
        try:
            registry = self._gate.get_registry(context.registry, context.client_ip)
            request = Request(
                scope=scope,
                receive=receive,
                send=send,
                method=scope["method"],
                route=parse_route(scope["path"]),
                context=context,
                registry=registry,
                headers=dict(scope["headers"]),
                now=self._clock.now(),
            )
            await self._answer(request)
        except core.SiloError as error:
            failure = translate(error)
            if request is None:
                await _refuse(send, failure, head_only=scope["method"] == "HEAD")
            elif request.started:
                log.warning("answer cut off", reason=str(error), request_id=context.request_id)
            else:
                await self._refuse(request, failure)

    async def _answer(self, request: Request) -> None:
        route = request.route
        permission = PERMISSIONS[route.kind].get(request.method)
        if permission is None:
            allowed = ", ".join(sorted(PERMISSIONS[route.kind])).encode()
            raise Unsupported("The operation is unsupported.", None, [(b"allow", allowed)])
        if route.kind is not Kind.TOKEN and route.kind is not Kind.EXCHANGE:
            request.session = session = await self._gate.authenticate(
                request.registry, request.headers.get(b"authorization"), request.context.client_ip
            )
            if permission.any_of:
                place = "" if permission.scope == "*" else route.name
                self._gate.check(session, place, *permission.any_of)
        await self._handlers[route.kind, request.method](request)

    async def _refuse(self, request: Request, error: RegistryError) -> None:
        permission = PERMISSIONS[request.route.kind].get(request.method)
        headers = list(error.headers)
        if isinstance(error, Unauthorized | Denied):
            self._note_refusal(request, error, permission)
        if isinstance(error, Unauthorized):
            headers.append((b"www-authenticate", _render_challenge(request, permission)))
        error.headers = headers
        await _refuse(request.send, error, head_only=request.method == "HEAD")

    def _note_refusal(
        self, request: Request, error: RegistryError, permission: Permission | None
    ) -> None:
        """Count a refusal. A request without any credential is how every client begins."""
        if permission is None or b"authorization" not in request.headers:
            return
        # Strangers choose names and references freely; only what a known caller asked for is
        # told apart, or they could fill the log at will.
        known = request.session is not None
        self._journal.note(
            Look(
                permission.what,
                "Denied",
                error.status,
                request.registry.resource_id,
                request.route.name if known else "",
                request.route.reference if known else "",
                request.caller,
                str(error),
            )
        )


async def _get_version(request: Request) -> None:
    await request.reply(200, [JSON], b"{}" if request.method == "GET" else b"")


def _render_challenge(request: Request, permission: Permission | None) -> bytes:
    """Return ``WWW-Authenticate``; az splits it at every comma, space and equals sign.

    Source: azure-wire 4.2; RFC 6750 section 3.
    """
    parts = [f'realm="{request.url}/oauth2/token"', f'service="{request.login_server}"']
    if permission is not None and (scope := permission.render_scope(request.route.name)):
        parts.append(f'scope="{scope}"')
    if request.session is not None:
        parts.append('error="insufficient_scope"')
    elif request.headers.get(b"authorization", b"").lower().startswith(b"bearer"):
        parts.append('error="invalid_token"')
    return f"Bearer {','.join(parts)}".encode()


async def _refuse(send: Send, error: RegistryError, *, head_only: bool) -> None:
    body = render_error(error)
    headers = [VERSION, JSON, (b"content-length", b"%d" % len(body)), *error.headers]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else body})
