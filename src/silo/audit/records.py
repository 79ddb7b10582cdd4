"""The log: who did what, where from, with what result. Append-only and hash-chained.

Every record carries the SHA-256 of the one before it, so a changed or removed record shows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
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


# Every write of every plane appends: these two statements skip the building of statements.
_HEAD = "SELECT number, hash FROM audit_records ORDER BY number DESC LIMIT 1"
_INSERT = """
INSERT INTO audit_records (number, time, category, scope, correlation_id, body, hash)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


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
    number, previous = get_head(conn)
    body = _render(record)
    conn.exec_driver_sql(
        _INSERT,
        (
            number + 1,
            core.render_time(record.time),
            record.category,
            record.scope.casefold(),
            record.correlation_id,
            body,
            get_hash(previous, number + 1, body),
        ),
    )
    return number + 1


def list_records(
    conn: core.Connection,
    *,
    category: str,
    since: datetime,
    until: datetime,
    within: str = "",
    correlation_id: str = "",
    before: int | None = None,
    limit: int = 10_000,
) -> list[tuple[int, dict[str, Any]]]:
    """Return the newest records of a category between two times, newest first, numbered.

    Args:
        conn: the transaction.
        category: as in ``Record.category``.
        since: the earliest time, itself included.
        until: the latest time, itself included.
        within: only what was done to this scope or below it.
        correlation_id: only what was done under this id.
        before: only records with a smaller number, as for the next page.
        limit: at most so many.

    """
    query = (
        sa.select(records.c.number, records.c.body)
        .where(records.c.category == category)
        .where(records.c.time.between(core.render_time(since), core.render_time(until)))
        .order_by(records.c.number.desc())
        .limit(limit)
    )
    key = within.casefold().rstrip("/")
    if key:
        below = records.c.scope.startswith(f"{key}/", autoescape=True)
        query = query.where(sa.or_(records.c.scope == key, below))
    if correlation_id:
        query = query.where(records.c.correlation_id == correlation_id)
    if before is not None:
        query = query.where(records.c.number < before)
    return [(row.number, json.loads(row.body)) for row in conn.execute(query)]


def get_head(conn: core.Connection) -> tuple[int, str]:
    """Return number and hash of the newest record; 0 and ``GENESIS`` when there is none."""
    row = conn.exec_driver_sql(_HEAD).first()
    return (row[0], row[1]) if row else (0, GENESIS)


def get_hash(previous: str, number: int, body: str) -> str:
    """Return what a record is chained by: the hash of the one before, its number and its body."""
    return hashlib.sha256(f"{previous}\n{number}\n{body}".encode()).hexdigest()


def get_columns(body: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return what the columns of a record's row must say: the body says it too, and is hashed."""
    return (body["time"], body["category"], body["scope"].casefold(), body["correlation_id"])


def _render(record: Record) -> str:
    document = {item.name: getattr(record, item.name) for item in fields(record)}
    document["time"] = core.render_time(record.time)
    document["properties"] = dict(record.properties)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
