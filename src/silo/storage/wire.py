"""One request on its way through the file service's door, and how answers are written."""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TypeVar
from xml.etree import ElementTree as ET

from starlette.types import Receive, Scope, Send

from silo import core, front

from .accounts import Account
from .attributes import HEADERS, Attributes
from .errors import (
    ConditionNotMet,
    InvalidHeaderValue,
    InvalidQueryParameterValue,
    Md5Mismatch,
    MissingRequiredHeader,
    OutOfRangeInput,
)
from .gate import Asking, Caller
from .names import check_metadata
from .routes import Route
from .tree import Entry

T = TypeVar("T")
VERSION = "2026-04-06"
"""Told to clients that name none; otherwise theirs is told, as Azure does."""
_VERSION = re.compile(r"20\d\d-\d\d-\d\d")
_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{0,19})")
MAX_PAGE = 5_000
CHUNK = 1 << 20


@dataclass(slots=True)
class Request:
    """What handlers are given."""

    scope: Scope
    receive: Receive
    send: Send
    context: front.RequestContext
    asking: Asking
    route: Route
    account: Account
    caller: Caller = field(default_factory=lambda: Caller(""))
    started: bool = False
    status: int = 0

    @property
    def now(self) -> datetime:
        """When it came."""
        return self.asking.now

    @property
    def parts(self) -> tuple[str, ...]:
        """The names below the share."""
        return self.route.parts

    def find_header(self, name: str) -> str | None:
        """Return a header, or None."""
        return self.asking.signed.headers.get(name)

    def find_query(self, name: str) -> str | None:
        """Return a parameter of the query, or None."""
        return self.asking.query.get(name)

    def get_number(self, name: str) -> int:
        """Return a header that is a number.

        Raises:
            MissingRequiredHeader, InvalidHeaderValue.

        """
        text = self.find_header(name)
        if text is None:
            raise MissingRequiredHeader(f"{MissingRequiredHeader.sentence} ({name})")
        if not text.isascii() or not text.isdigit() or len(text) > 15:  # noqa: PLR2004 - 1 PB
            raise InvalidHeaderValue(f"{InvalidHeaderValue.sentence} ({name})")
        return int(text)

    def get_page(self) -> tuple[str, str, int]:
        """Return prefix, marker (decoded) and how many are asked for.

        Raises:
            InvalidQueryParameterValue.

        """
        text = self.find_query("maxresults") or str(MAX_PAGE)
        if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
            raise InvalidQueryParameterValue
        try:
            marker = base64.urlsafe_b64decode(self.find_query("marker") or "").decode()
        except ValueError:
            raise InvalidQueryParameterValue from None
        return self.find_query("prefix") or "", marker, min(int(text[:9]), MAX_PAGE)

    def get_metadata(self) -> dict[str, str]:
        """Return the ``x-ms-meta-`` headers.

        Raises:
            InvalidMetadata.

        """
        found = self.asking.signed.headers.items()
        start = "x-ms-meta-"
        return check_metadata(
            {name.removeprefix(start): value for name, value in found if name.startswith(start)}
        )

    def get_range(self, name: str = "x-ms-range") -> tuple[int, int | None] | None:
        """Return the first and last byte that are asked for; None for all.

        Raises:
            InvalidHeaderValue.

        """
        text = self.find_header(name) or self.find_header("range")
        if text is None:
            return None
        found = _RANGE.fullmatch(text.strip())
        if found is None:
            raise InvalidHeaderValue(f"{InvalidHeaderValue.sentence} ({name})")
        first, last = int(found[1]), int(found[2]) if found[2] else None
        if last is not None and last < first:
            raise InvalidHeaderValue(f"{InvalidHeaderValue.sentence} ({name})")
        return first, last

    def check_conditions(self, entry: Entry) -> None:
        """Refuse when an ``If-`` header does not hold.

        Raises:
            ConditionNotMet.

        """
        wanted, unwanted = self.find_header("if-match"), self.find_header("if-none-match")
        if wanted and wanted not in {"*", entry.etag}:
            raise ConditionNotMet
        if unwanted and unwanted in {"*", entry.etag}:
            raise ConditionNotMet

    async def read_body(self, limit: int) -> bytes:
        """Return the body, checked against ``Content-MD5``."""
        data = await core.read_body(self.receive, limit=limit, total_s=300.0)
        told = self.find_header("content-md5")
        digest = hashlib.md5(data, usedforsecurity=False).digest()
        if told and told != base64.b64encode(digest).decode():
            raise Md5Mismatch
        return data

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the head of an answer."""
        self.started, self.status = True, status
        client_id = self.find_header("x-ms-client-request-id")
        own = {
            "x-ms-version": choose_version(self.find_header("x-ms-version")),
            "server": "Silo-File/1.0",
            "date": format_time(self.now),
        }
        if client_id and len(client_id) <= 1024 and client_id.isprintable():  # noqa: PLR2004
            own["x-ms-client-request-id"] = client_id
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": encode_headers({**own, **headers}),
            }
        )

    async def reply(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """Send a whole answer."""
        length = {"content-length": str(len(body))}
        await self.start(status, {**length, **(headers or {})})
        head_only = self.scope["method"] == "HEAD"
        await self.send({"type": "http.response.body", "body": b"" if head_only else body})

    async def reply_xml(self, root: ET.Element, headers: Mapping[str, str] | None = None) -> None:
        """Send an XML document."""
        text = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        kind = {"content-type": "application/xml"}
        await self.reply(200, {**kind, **(headers or {})}, text)


def choose_version(asked: str | None) -> str:
    """Return the version that an answer tells."""
    return asked if asked and _VERSION.fullmatch(asked) else VERSION


def encode_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI takes them; what cannot stand in a header is left out."""
    return [
        (name.encode(), value.encode("latin-1"))
        for name, value in headers.items()
        if value.isprintable() and _is_latin(value)
    ]


def _is_latin(value: str) -> bool:
    return all(ord(letter) < 256 for letter in value)  # noqa: PLR2004


def format_time(moment: datetime | float) -> str:
    """Return a time as HTTP writes it."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def format_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as headers."""
    return {f"x-ms-meta-{name}": value for name, value in metadata.items()}


def describe_entry(entry: Entry) -> dict[str, str]:
    """Return the headers that every answer about a file or directory carries."""
    written = core.render_time(datetime.fromtimestamp(entry.written, UTC))
    kind = "Directory" if entry.is_directory else "Archive"
    return {
        "etag": entry.etag,
        "last-modified": format_time(entry.written),
        "x-ms-server-encrypted": "false",
        "x-ms-request-server-encrypted": "false",
        "x-ms-file-attributes": entry.attributes.flags or kind,
        "x-ms-file-creation-time": entry.attributes.created or written,
        "x-ms-file-last-write-time": written,
        "x-ms-file-change-time": written,
        "x-ms-file-id": str(entry.number),
        "x-ms-file-parent-id": str(entry.parent_number),
    }


def read_attributes_of(request: Request, before: Attributes | None = None) -> Attributes:
    """Return what a request says a file or directory shall carry; what it does not say stays."""
    known = before or Attributes(metadata=request.get_metadata())
    flags = request.find_header("x-ms-file-attributes") or ""
    created = request.find_header("x-ms-file-creation-time") or ""
    headers = {name: value for name in HEADERS if (value := request.find_header(f"x-ms-{name}"))}
    if len(flags) > 200 or len(created) > 40 or sum(map(len, headers.values())) > 1024:  # noqa: PLR2004
        raise OutOfRangeInput
    if created.lower() in {"", "preserve"}:
        created = known.created
    if created.lower() in {"", "now"}:
        created = core.render_time(request.now)
    return known.changed(
        headers=headers or known.headers,
        flags=known.flags if flags.lower() in {"", "none", "preserve"} else flags,
        created=created,
    )


async def in_thread(work: Callable[[], T]) -> T:
    """Run what blocks on a thread."""
    return await asyncio.to_thread(work)
