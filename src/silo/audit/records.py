"""The log: who did what, where from, with what result. Append-only and hash-chained.

Every record carries the SHA-256 of the one before it, so a changed or removed record shows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from silo import core

records = sa.Table(
    "audit_records",
    core.metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("time", sa.String, nullable=False),
    sa.Column("category", sa.String, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("correlation_id", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.String, nullable=False),
    sa.Index("audit_records_time", "category", "time"),
)

GENESIS = "0" * 64
"""What the first record chains to."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened."""

    time: datetime
    category: str
    """``Administrative`` (ARM, Graph), ``SignIn`` or ``Registry``."""
    operation: str
    """Azure's action name, e.g. ``Microsoft.Resources/subscriptions/resourceGroups/write``."""
    scope: str
    """The id of the resource it was done to; lower case decides, casing is kept."""
    result: str
    """``Succeeded``, ``Failed``, ``Denied``, ``Accepted`` or ``Started``."""
    caller: str
    """``userPrincipalName`` or application id; empty when nobody could be told."""
    caller_object_id: str = ""
    client_ip: str = ""
    correlation_id: str = ""
    http_status: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What else a reader needs (method, path, reason, count); never a secret."""


def append(conn: core.Connection, record: Record) -> int:
    """Add a record in the caller's transaction, so deed and record are one; return its number."""
    number, previous = _head(conn)
    body = _render(record)
    conn.execute(
        records.insert().values(
            number=number + 1,
            time=core.render_time(record.time),
            category=record.category,
            scope=record.scope.casefold(),
            correlation_id=record.correlation_id,
            body=body,
            hash=_chain(previous, number + 1, body),
        )
    )
    return number + 1


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the whole chain found."""

    count: int
    head: str
    broken: int | None
    """The number of the first record that does not fit, or None."""


def verify(conn: core.Connection) -> Verification:
    """Recompute every hash from the first record on."""
    previous, number = GENESIS, 0
    for row in conn.execute(sa.select(records).order_by(records.c.number)):
        number += 1
        columns_agree = _columns(json.loads(row.body)) == (
            row.time,
            row.category,
            row.scope,
            row.correlation_id,
        )
        if (
            row.number != number
            or row.hash != _chain(previous, number, row.body)
            or not columns_agree
        ):
            return Verification(number, previous, number)
        previous = row.hash
    return Verification(number, previous, None)


def list_records(
    conn: core.Connection, *, category: str, since: datetime, until: datetime, limit: int = 10_000
) -> list[tuple[int, dict[str, Any]]]:
    """Return the newest records of a category between two times, newest first, numbered."""
    query = (
        sa.select(records.c.number, records.c.body)
        .where(records.c.category == category)
        .where(records.c.time.between(core.render_time(since), core.render_time(until)))
        .order_by(records.c.number.desc())
        .limit(limit)
    )
    return [(row.number, json.loads(row.body)) for row in conn.execute(query)]


def _head(conn: core.Connection) -> tuple[int, str]:
    query = sa.select(records.c.number, records.c.hash).order_by(records.c.number.desc()).limit(1)
    row = conn.execute(query).first()
    return (row.number, row.hash) if row else (0, GENESIS)


def _chain(previous: str, number: int, body: str) -> str:
    return hashlib.sha256(f"{previous}\n{number}\n{body}".encode()).hexdigest()


def _columns(body: dict[str, Any]) -> tuple[str, str, str, str]:
    return (body["time"], body["category"], body["scope"].casefold(), body["correlation_id"])


def _render(record: Record) -> str:
    document = asdict(record) | {"time": core.render_time(record.time)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
