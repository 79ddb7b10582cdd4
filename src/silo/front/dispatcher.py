"""The first code that a request meets: host name to door, a request id, a last resort.

Limits on headers, connections and TLS are the HTTP server's (``silo.app.serving``);
limits on bodies are each door's, for only it knows what a route may take.
"""

import contextlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .context import RequestContext
from .names import Door, Names

log = structlog.get_logger()

_SLASHES = re.compile(r"/{2,}")


class Dispatcher:
    """An ASGI application made of one application a door."""

    def __init__(
        self,
        names: Names,
        doors: Mapping[Door, ASGIApp],
        sockets: Mapping[Door, ASGIApp] | None = None,
    ) -> None:
        """``sockets`` are the applications behind the doors that take websockets too."""
        self._names = names
        self._doors = doors
        self._sockets = sockets or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead one request to its door; answer 421 for a host that is not ours."""
        if scope["type"] == "websocket":
            await self._lead_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        request_id = str(uuid.uuid4())
        header = (b"x-ms-request-id", request_id.encode())
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        place = self._names.find_place(host.decode("latin-1"))
        if place is None:
            sentence = f"No service has this name. Request id: {request_id}."
            await _refuse(send_with_id, 421, "MisdirectedRequest", sentence)
            return
        scope["silo"] = RequestContext(
            request_id,
            (scope.get("client") or ("", 0))[0],
            place.urls,
            place.registry,
            place.account,
            place.service,
        )
        if "//" in scope["path"]:
            scope["path"] = _SLASHES.sub("/", scope["path"])
        try:
            await self._doors[place.door](scope, receive, send_with_id)
        except Exception:  # the last resort of every door: a bug is logged and told as a 500
            log.exception("unhandled", request_id=request_id, door=place.door, path=scope["path"])
            if not started:
                await _refuse_broken(send_with_id, place.door, request_id)

    async def _lead_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        place = self._names.find_place(host.decode("latin-1"))
        app = self._sockets.get(place.door) if place else None
        if app is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            await app(scope, receive, send)
        except Exception:  # the last resort, as for requests
            log.exception("unhandled", path=scope["path"].rpartition("/")[0])
            with contextlib.suppress(Exception):  # it may be closed already
                await send({"type": "websocket.close", "code": 1011})


async def _refuse_broken(send: Send, door: Door, request_id: str) -> None:
    sentence = f"The server met an unexpected condition. Request id: {request_id}."
    if door is Door.REGISTRY:
        body: dict[str, Any] = {
            "errors": [{"code": "UNKNOWN", "message": sentence, "detail": None}]
        }
        await _send_json(send, 500, body)
    elif door is Door.LOGIN:
        await _send_json(send, 500, {"error": "server_error", "error_description": sentence})
    elif door is Door.STORAGE:
        error = f"<Error><Code>InternalError</Code><Message>{sentence}</Message></Error>"
        data = f'<?xml version="1.0" encoding="utf-8"?>{error}'.encode()
        await _send(send, 500, b"application/xml", data)
    else:
        await _refuse(send, 500, "InternalServerError", sentence)


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    await _send_json(send, status, {"error": {"code": code, "message": message}})


async def _send_json(send: Send, status: int, body: Mapping[str, Any]) -> None:
    await _send(send, status, b"application/json", json.dumps(body).encode())


async def _send(send: Send, status: int, kind: bytes, data: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(data))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
