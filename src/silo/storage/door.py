"""The file service's ASGI application: read the path, know the caller, decide, answer, write down.

Every request passes the same steps; blob, queue and table hosts are told that they are not served.
"""

import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Never
from urllib.parse import quote, unquote

import structlog
from starlette.types import Message, Receive, Scope, Send

from silo import core, front

from .accounts import Account
from .copies import Copies, FindPlace
from .directory_operations import DirectoryOperations
from .errors import (
    NoAuthentication,
    NotImplementedHere,
    NotServed,
    ServerBusy,
    StorageError,
    render_error,
    translate,
)
from .file_operations import FileOperations
from .gate import Asking, Authorize, Caller, Gate, Verify
from .journal import Journal, Note
from .quota import Quota
from .routes import Level, Route, check_served, parse_route
from .share_operations import ShareOperations
from .signatures import SignedRequest
from .tree import Tree
from .wire import Request, choose_version, encode_headers, format_time

log = structlog.get_logger()

Handler = Callable[[Request], Awaitable[None]]
QUERY_FIELDS = 100


class StorageDoor:
    """The data plane of every storage account, in one worker."""

    def __init__(
        self,
        *,
        store: core.Store,
        tree: Tree,
        clock: core.Clock,
        vault: core.Vault,
        verify: Verify,
        authorize: Authorize,
        audiences: Collection[str],
        find_place: FindPlace,
        tenant: str,
    ) -> None:
        """``verify``, ``authorize`` and ``audiences`` are other rooms', handed over by ``app``."""
        quota = Quota(tree, clock)
        self._clock = clock
        self._tenant = tenant
        self._journal = Journal(store, clock)
        self._gate = Gate(
            store=store, vault=vault, verify=verify, authorize=authorize, audiences=audiences
        )
        shares = ShareOperations(store, tree, quota)
        folders = DirectoryOperations(shares, tree)
        files = FileOperations(shares, tree, quota)
        self._copies = Copies(
            store, self._gate, shares, tree=tree, quota=quota, find_place=find_place
        )
        self._handlers: dict[str, Handler] = {
            "ListShares": shares.list_all,
            "GetFileServiceProperties": shares.get_service_properties,
            "CreateShare": shares.create,
            "GetShareProperties": shares.get,
            "GetShareMetadata": shares.get,
            "SetShareProperties": shares.set_properties,
            "SetShareMetadata": shares.set_metadata,
            "GetShareStats": shares.get_statistics,
            "GetShareACL": shares.get_policies,
            "DeleteShare": shares.delete,
            "CreateDirectory": folders.create,
            "GetDirectoryProperties": folders.get,
            "GetDirectoryMetadata": folders.get,
            "SetDirectoryProperties": folders.set_properties,
            "SetDirectoryMetadata": folders.set_metadata,
            "DeleteDirectory": folders.delete,
            "ListFilesAndDirectories": folders.list_content,
            "CreateFile": files.create,
            "CopyFile": self._copies.copy,
            "GetFile": files.get,
            "GetFileProperties": files.get_properties,
            "GetFileMetadata": files.get_properties,
            "SetFileProperties": files.set_properties,
            "SetFileMetadata": files.set_metadata,
            "PutRange": files.put_range,
            "ListRanges": files.list_ranges,
            "DeleteFile": files.delete,
        }

    async def flush(self) -> None:
        """Write what has been counted so far to the log."""
        await self._journal.flush()

    async def run(self) -> Never:
        """Write what was looked at to the log, until cancelled."""
        await self._journal.run()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every failure in storage's dialect."""
        if scope["type"] != "http":
            return
        context = front.get_context(scope)
        asking = self._read(scope, context)
        account: Account | None = None
        request: Request | None = None
        route: Route | None = None
        try:
            if context.service != "file":
                raise NotServed
            account = self._gate.get_account(context.account, context.client_ip)
            keep_dots = asking.signed.headers.get("x-ms-allow-trailing-dot", "").lower() == "true"
            route = parse_route(scope["method"], scope["path"], asking.query, keep_dots=keep_dots)
            caller = self._gate.authenticate(account, route, asking)
            request = Request(scope, receive, send, context, asking, route, account, caller)
            await self._answer(request)
        except (core.SiloError, OSError) as error:
            failure = translate(error)
            if isinstance(error, OSError):
                log.exception("the machine refused", request_id=context.request_id)
            if request is not None and request.started:
                log.warning("answer cut off", reason=str(error), request_id=context.request_id)
                return
            await self._refuse(send, context, asking, failure, scope["method"])
            # Where the log takes no more, nothing is given either: the refusal may go uncounted.
            with contextlib.suppress(ServerBusy):
                self._note_refusal(context, account, route, request, failure)

    def _read(self, scope: Scope, context: front.RequestContext) -> Asking:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        raw_query = scope["query_string"].decode("latin-1")
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        signed = SignedRequest(
            scope["method"], raw_path.decode("latin-1").partition("?")[0], raw_query, headers
        )
        return Asking(signed, _parse_query(raw_query), context.client_ip, self._clock.now())

    async def _answer(self, request: Request) -> None:
        operation, name = request.route.operation, request.route.operation.name
        if "sharesnapshot" in request.asking.query:
            raise NotImplementedHere("There are no snapshots of shares here.")
        check_served(operation)
        if name == "CreateFile" and request.find_header("x-ms-copy-source") is not None:
            name = "CopyFile"
        if operation.reads:
            self._journal.count(_note(request, name, "Succeeded", 200))
            await self._handlers[name](request)
            return
        held = _Held(request.send)
        request.send = held
        await self._handlers[name](request)
        # Nobody is told of a deed before it stands in the log.
        request.started = False
        await self._journal.record(
            _note(request, name, "Succeeded", request.status), request.context.request_id
        )
        await held.release()

    def _note_refusal(
        self,
        context: front.RequestContext,
        account: Account | None,
        route: Route | None,
        request: Request | None,
        error: StorageError,
    ) -> None:
        """Count a refusal. A request without any credential is how every stranger begins."""
        if account is None or route is None or error.status not in {401, 403}:
            return
        if isinstance(error, NoAuthentication):
            return
        # Strangers choose paths freely; only what a known caller asked for is told apart.
        known = request is not None
        self._journal.count(
            Note(
                route.operation.name,
                route.operation.action,
                "Denied",
                error.status,
                account.resource_id,
                route.path if known else "",
                request.caller.name if request else "",
                request.caller.object_id if request else "",
                context.client_ip,
                request.caller.means if request else "",
                error.code,
            )
        )

    async def _refuse(
        self,
        send: Send,
        context: front.RequestContext,
        asking: Asking,
        error: StorageError,
        method: str,
    ) -> None:
        body = render_error(error, context.request_id, core.render_time(asking.now))
        headers = {
            "content-type": "application/xml",
            "content-length": str(len(body)),
            "x-ms-error-code": error.code,
            "x-ms-version": choose_version(asking.signed.headers.get("x-ms-version")),
            "date": format_time(asking.now),
            **error.headers,
        }
        if error.status == 401:  # noqa: PLR2004
            authority = f"{context.urls.login}/{self._tenant}/oauth2/authorize"
            headers["www-authenticate"] = (
                f"Bearer authorization_uri={authority} resource_id=https://storage.azure.com"
            )
        start = {"type": "http.response.start", "status": error.status}
        await send({**start, "headers": encode_headers(headers)})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


class _Held:
    """Keeps an answer until it may go."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)

    async def release(self) -> None:
        for message in self._messages:
            await self._send(message)


def _parse_query(raw: str) -> dict[str, str]:
    """Return the parameters by lower-case name; a plus is a plus, as signatures count on."""
    pairs = (pair.partition("=") for pair in raw.split("&", QUERY_FIELDS) if pair)
    return {unquote(name).lower(): unquote(value) for name, _, value in pairs}


def _note(request: Request, name: str, result: str, status: int) -> Note:
    caller: Caller = request.caller
    operation = request.route.operation
    scope = request.account.resource_id
    if operation.level is not Level.SERVICE:
        scope = f"{scope}/fileServices/default/fileshares/{request.route.share}"
    return Note(
        name,
        operation.action,
        result,
        status,
        scope,
        request.route.path,
        caller.name,
        caller.object_id,
        request.context.client_ip,
        caller.means,
    )
