"""One request on its way through the registry's door, and how answers are written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from silo import core, front

from .errors import BadRequest, PaginationInvalid
from .gate import Session
from .journal import Caller
from .registries import Registry
from .routes import Route

Headers = list[tuple[bytes, bytes]]
VERSION = (b"docker-distribution-api-version", b"registry/2.0")
JSON = (b"content-type", b"application/json; charset=utf-8")
MAX_PAGE = 1_000
QUERY_FIELDS = 100


@dataclass(slots=True)
class Request:
    """What handlers are given."""

    scope: Scope
    receive: Receive
    send: Send
    method: str
    route: Route
    context: front.RequestContext
    registry: Registry
    headers: dict[bytes, bytes]
    now: datetime
    session: Session | None = None
    started: bool = False
    """The answer's head is on its way; nothing else can be said any more."""
    _query: list[tuple[str, str]] | None = field(default=None, repr=False)

    @property
    def caller(self) -> Caller:
        """Who asks, for the log."""
        if self.session is None:
            return Caller("", "", self.context.client_ip)
        subject = self.session.subject
        return Caller(subject.name, subject.object_id, self.context.client_ip)

    @property
    def login_server(self) -> str:
        """The name the client knows this registry by."""
        return self.context.urls.login_server(self.registry.name)

    @property
    def url(self) -> str:
        """The registry's address, of the family of names it was asked by."""
        return f"https://{self.login_server}"

    def find_query(self, name: str) -> str | None:
        """Return the first value of a query parameter, or None."""
        return next(iter(self.list_query(name)), None)

    def list_query(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        if self._query is None:
            self._query = _parse_fields(self.scope["query_string"].decode("latin-1"))
        return [value for key, value in self._query if key == name]

    def get_page(self, default: int) -> tuple[int, str]:
        """Return ``n``, at most a thousand, and ``last``.

        Raises:
            PaginationInvalid: ``n`` is no number.

        """
        text = self.find_query("n")
        if text is None:
            return default, self.find_query("last") or ""
        if not text.isascii() or not text.isdigit() or len(text) > len("999999999"):
            raise PaginationInvalid("n must be a number that is not negative.", {"n": text[:20]})
        return min(int(text), MAX_PAGE), self.find_query("last") or ""

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Send the head of an answer."""
        self.started = True
        message: Message = {
            "type": "http.response.start",
            "status": status,
            "headers": [VERSION, *headers],
        }
        await self.send(message)

    async def reply(
        self, status: int, headers: Sequence[tuple[bytes, bytes]] = (), body: bytes = b""
    ) -> None:
        """Send a whole answer."""
        if status != 204:  # noqa: PLR2004 - RFC 9110 section 8.6: No Content has no length
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        await self.start(status, headers)
        await self.send({"type": "http.response.body", "body": body})

    async def reply_json(
        self, status: int, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Send a JSON document."""
        await self.reply(status, [JSON, *headers], json.dumps(value).encode())

    async def read_form(self, limit: int) -> dict[str, list[str]]:
        """Return the fields of a form.

        Raises:
            BadRequest: it is not one. BodyError: it is too long or too slow.

        """
        data = await core.read_body(self.receive, limit=limit)
        try:
            pairs = _parse_fields(data.decode("ascii"))
        except UnicodeDecodeError:
            raise BadRequest("The body is not a form.") from None
        form: dict[str, list[str]] = {}
        for key, value in pairs:
            form.setdefault(key, []).append(value)
        return form


def _parse_fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise BadRequest("There are too many fields.") from None
