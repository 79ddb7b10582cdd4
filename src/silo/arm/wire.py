"""Bytes to a request and a reply to bytes; the only place that an error becomes a body."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from silo import core, front

from .errors import (
    ArmError,
    InvalidRequestContent,
    RequestContentTooLarge,
    RequestTimeout,
    ServerFull,
    ServerUnavailable,
    UnsupportedMediaType,
)
from .provider import Reply

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_LIMIT = 4 * 1024 * 1024
"""Azure's own limit for a request to ARM."""
_FIELDS = 100
"""More query parameters than any tool sends."""
_ID = re.compile(r"[A-Za-z0-9._:{}-]{1,128}")
"""What a correlation id may look like; anything else is not echoed."""
_JSON = re.compile(r"(application|text)/([\w.-]+\+)?json\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent, before anybody knows who sent it."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    context: front.RequestContext
    correlation_id: str
    client_request_id: str
    receive: Receive

    @property
    def api_version(self) -> str:
        """The api-version, or nothing."""
        return self.query.get("api-version", "")


def read_request(scope: Mapping[str, Any], receive: Receive) -> Request:
    """Correlate: take ids from the caller when they are sane, else use ours."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    context = front.get_context(scope)
    correlation_id = headers.get("x-ms-correlation-request-id", "")
    client_request_id = headers.get("x-ms-client-request-id", "")
    return Request(
        scope["method"],
        scope["path"],
        _read_query(scope["query_string"]),
        headers,
        context,
        correlation_id if _ID.fullmatch(correlation_id) else context.request_id,
        client_request_id if _ID.fullmatch(client_request_id) else "",
        receive,
    )


def _read_query(query: bytes) -> dict[str, str]:
    if not query:
        return {}
    fields = query.decode("latin-1").split("&", _FIELDS)[:_FIELDS]
    return {
        name.lower(): value for name, value in parse_qsl("&".join(fields), keep_blank_values=True)
    }


async def read_json(request: Request, *, raw: bool = False) -> Any:
    """Return the body as JSON, None when there is none; with ``raw`` as bytes, unread.

    Raises:
        RequestContentTooLarge, RequestTimeout, UnsupportedMediaType, InvalidRequestContent.

    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length[:12]) > BODY_LIMIT:
        raise RequestContentTooLarge(_too_large())
    try:
        data = await core.read_body(request.receive, limit=BODY_LIMIT)
    except core.BodyTooLarge:
        raise RequestContentTooLarge(_too_large()) from None
    except core.BodyTooSlow as error:
        raise RequestTimeout(str(error)) from None
    except core.BodyMalformed as error:
        raise InvalidRequestContent(str(error)) from None
    if not data or raw:
        return data if raw else None
    content_type = request.headers.get("content-type", "")
    if content_type and not _JSON.match(content_type):
        raise UnsupportedMediaType(
            f"The content media type '{content_type[:100]}' is not supported. "
            "Only 'application/json' is supported."
        )
    try:
        return core.parse_json(data)
    except core.BodyMalformed as error:
        raise InvalidRequestContent(str(error)) from None


def _too_large() -> str:
    return (
        f"The size of the request content exceeds the maximum size allowed of {BODY_LIMIT} bytes."
    )


def render_error(error: core.SiloError) -> Reply:
    """Return the reply that tells of an error, in Azure's shape."""
    if not isinstance(error, ArmError):
        return render_error(translate(error))
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.target:
        body["target"] = error.target
    if error.details:
        body["details"] = [dict(detail) for detail in error.details]
    return Reply(error.status, {"error": body}, error.headers)


def translate(error: core.SiloError) -> ArmError:
    """Return ARM's word for an error of the ground floor."""
    if isinstance(error, core.StoreFull):
        return ServerFull(str(error))
    if isinstance(error, core.StoreUnavailable):
        return ServerUnavailable(str(error), headers={"retry-after": "1"})
    return ArmError(str(error))


async def send_reply(send: Send, request: Request, reply: Reply) -> None:
    """Write a reply, with the ids that join it to its request."""
    body = b"" if reply.body is None else json.dumps(reply.body, separators=(",", ":")).encode()
    headers = [
        (b"cache-control", b"no-cache"),
        (b"x-ms-correlation-request-id", request.correlation_id.encode("latin-1")),
    ]
    if request.client_request_id:
        headers.append((b"x-ms-client-request-id", request.client_request_id.encode("latin-1")))
    if body:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    if reply.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        headers.append((b"content-length", str(len(body)).encode()))
    headers += [(k.lower().encode("latin-1"), _header(v)) for k, v in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _header(value: str) -> bytes:
    """Return a header's value; what a header cannot carry is escaped as in a URL."""
    return value.encode("ascii", "backslashreplace").replace(b"\r", b"").replace(b"\n", b" ")
