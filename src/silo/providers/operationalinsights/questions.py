"""What the query API is asked: path, body or query string to one question."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic import TypeAdapter, ValidationError

from silo import core

from .query_errors import BadArgument, MethodRefused, PathNotFound

BODY_LIMIT = 64 * 1024
"""Bytes; a query is at most a third of it."""
METHODS = ("GET", "POST")
_PATH = re.compile(r"/v1/workspaces/([0-9A-Fa-f-]{36})/query/?", re.IGNORECASE)
_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)
_ISO_DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.IGNORECASE)
_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Question:
    """One query on one workspace."""

    query: str
    since: datetime | None
    until: datetime | None


def read_workspace(method: str, path: str) -> str:
    """Return the customer id in a path, or raise PathNotFound or MethodRefused."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise PathNotFound
    if method not in METHODS:
        raise MethodRefused(f"The method {method} is not allowed", headers={"allow": "GET, POST"})
    return found[1].lower()


def read_body(data: bytes, now: datetime) -> Question:
    """Read the body of a POST."""
    try:
        body = core.parse_json_object(data)
    except core.BodyMalformed as error:
        raise BadArgument(str(error)) from None
    return _read(body, now)


def read_query_string(data: bytes, now: datetime) -> Question:
    """Read the query string of a GET."""
    fields = data.decode("latin-1").split("&", _FIELDS)[:_FIELDS]
    return _read(dict(parse_qsl("&".join(fields), keep_blank_values=True)), now)


def _read(given: Mapping[str, Any], now: datetime) -> Question:
    query, timespan = given.get("query"), given.get("timespan")
    if not isinstance(query, str) or not query.strip():
        raise BadArgument("The request needs a query, and it must be text")
    if given.get("workspaces"):
        raise BadArgument("Queries over several workspaces are not supported")
    if timespan is None or timespan == "":
        return Question(query, None, None)
    if not isinstance(timespan, str):
        raise BadArgument("The timespan must be text")
    since, until = parse_timespan(timespan, now)
    return Question(query, since, until)


def parse_timespan(text: str, now: datetime) -> tuple[datetime, datetime]:
    """Read an ISO 8601 interval: a duration until now, or two of begin, duration and end.

    Raises:
        BadArgument: it is none.

    """
    first, slash, second = unquote(text).strip().partition("/")
    try:
        if not slash:
            return now - _parse_duration(first), now
        if first[:1] in {"P", "p"}:
            until = core.parse_time(second)
            return until - _parse_duration(first), until
        since = core.parse_time(first)
        if second[:1] in {"P", "p"}:
            return since, since + _parse_duration(second)
        return since, core.parse_time(second)
    except (ValueError, OverflowError):
        raise BadArgument(
            f"The timespan '{text[:100]}' is no ISO 8601 interval, such as PT1H or "
            "2026-01-01T00:00:00Z/PT1H"
        ) from None


def _parse_duration(text: str) -> timedelta:
    if _ISO_DURATION.fullmatch(text) is None:
        raise ValueError(text)
    try:
        return _DURATION.validate_python(text.upper())
    except ValidationError as error:
        raise ValueError(text) from error
