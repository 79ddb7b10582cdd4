"""Where the keys of clusters' token issuers are: two documents each, for everybody to read.

Whoever checks tokens of pods reads them, Entra among them; nothing in them is secret.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from silo import core, kube

from .token_issuer import TokenIssuers

log = structlog.get_logger()

ISSUER_ROUTES = tuple(
    (method, f"/{{tenant}}/{{uid}}/{document}")
    for document in (kube.DISCOVERY, kube.KEYS)
    for method in ("GET", "HEAD")
)
_DOCUMENTS = "|".join(map(re.escape, (kube.DISCOVERY, kube.KEYS)))
_PATH = re.compile(rf"/([0-9a-f-]{{1,64}})/([0-9a-f-]{{1,64}})/({_DOCUMENTS})")
_KIND = {kube.DISCOVERY: "application/json", kube.KEYS: "application/jwk-set+json"}
_KEPT = "public, max-age=3600"
"""As API servers have it."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class IssuerDoor:
    """An ASGI application."""

    issuers: TokenIssuers

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        del receive
        found = _PATH.fullmatch(scope["path"])
        if found is None:
            await _refuse(send, 404, "ResourceNotFound", "The specified resource does not exist.")
        elif scope["method"] not in {"GET", "HEAD"}:
            await _refuse(send, 405, "MethodNotAllowed", "The method is not allowed.")
        else:
            await self._answer(send, found, bodiless=scope["method"] == "HEAD")

    async def _answer(self, send: Send, found: re.Match[str], *, bodiless: bool) -> None:
        tenant, uid, document = found.groups()
        try:
            described = self.issuers.describe(tenant, uid, document)
        except core.StoreUnavailable as error:
            log.warning("the database cannot be used", reason=str(error))
            await _refuse(send, 503, "ServerBusy", "The server is busy.")
            return
        if described is None:
            await _refuse(send, 404, "ResourceNotFound", "The specified resource does not exist.")
            return
        fields = {"content-type": _KIND[document], "cache-control": _KEPT}
        await _send(send, 200, fields, described, bodiless=bodiless)


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    fields = {"content-type": "application/json", "cache-control": "no-store"}
    if status == 405:  # noqa: PLR2004
        fields["allow"] = "GET, HEAD"
    await _send(send, status, fields, {"error": {"code": code, "message": message}})


async def _send(
    send: Send,
    status: int,
    fields: Mapping[str, str],
    body: Mapping[str, Any],
    *,
    bodiless: bool = False,
) -> None:
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    headers.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else data})
