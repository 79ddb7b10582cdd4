"""The records of all workspaces: a database of their own, for they are many and may be dropped.

A source is one container (or, with no container, one group) that writes to one workspace. How far
a source has been read is stored with its rows in one transaction, and only if it still stands
where the reader began: so nothing comes in twice, and nothing is skipped, whatever dies when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import core

metadata = sa.MetaData()

sources = sa.Table(
    "log_sources",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("workspace", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False),
    sa.Column("container", sa.String, nullable=False),
    sa.Column("resource_id", sa.String, nullable=False),
    sa.Column("container_group", sa.String, nullable=False),
    sa.Column("image", sa.String, nullable=False),
    sa.Column("location", sa.String, nullable=False),
    sa.Column("subscription", sa.String, nullable=False),
    sa.Column("resource_group", sa.String, nullable=False),
    sa.Column("position", sa.String, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.UniqueConstraint("workspace", "uid", "container"),
)
records = sa.Table(
    "log_records",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Integer, nullable=False),
    sa.Column("time", sa.Integer, nullable=False),
    sa.Column("stream", sa.String, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Index("log_records_source", "source", "time"),
)
events = sa.Table(
    "log_events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Integer, nullable=False),
    sa.Column("time", sa.Integer, nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.UniqueConstraint("source", "reason", "first"),
    sa.Index("log_events_source", "source", "time"),
)

ROW_BYTES = 48
"""What a row costs beyond its text, roughly: numbers and the index."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DROPPED = 10
"""A workspace that is full loses one part in so many of its oldest rows at once."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose records these are."""

    workspace: str
    uid: str
    container: str
    resource_id: str
    container_group: str
    image: str
    location: str
    subscription: str
    resource_group: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a container wrote."""

    time: datetime
    stream: str
    text: str
    position: str
    """Where the reader goes on after this line; only the reader knows what it means."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that happened to a container; again is counted."""

    reason: str
    type: str
    message: str
    count: int
    first: datetime
    last: datetime


class PositionMoved(core.SiloError):
    """Somebody else has read on from here meanwhile; what was read is theirs to store."""


def create_tables(store: core.Store) -> None:
    """Make the tables that are missing."""
    store.write_now(metadata.create_all)


def to_micros(moment: datetime) -> int:
    """Return microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the time again."""
    return _EPOCH + timedelta(microseconds=micros)


def ensure_source(conn: core.Connection, source: Source) -> tuple[int, str]:
    """Return the number of a source and its position; a new one begins at the start."""
    found = conn.execute(
        sa.select(sources.c.id, sources.c.position).where(
            sources.c.workspace == source.workspace,
            sources.c.uid == source.uid,
            sources.c.container == source.container,
        )
    ).first()
    described = {name: getattr(source, name) for name in Source.__slots__}
    if found is None:
        made = conn.execute(sources.insert().values(**described, position="", size=0))
        return int(made.inserted_primary_key[0]), ""  # type: ignore[index]
    conn.execute(sources.update().where(sources.c.id == found.id).values(image=source.image))
    return int(found.id), str(found.position)


def append_lines(conn: core.Connection, number: int, position: str, lines: Sequence[Line]) -> None:
    """Store lines that were read from ``position`` on, and where to go on.

    Raises:
        PositionMoved: the source does not stand there any more.

    """
    size = sum(len(line.text.encode()) + ROW_BYTES for line in lines)
    moved = conn.execute(
        sources.update()
        .where(sources.c.id == number, sources.c.position == position)
        .values(position=lines[-1].position, size=sources.c.size + size)
    )
    if not moved.rowcount:
        raise PositionMoved("These lines were stored by another collector.")
    conn.execute(
        records.insert(),
        [
            {
                "source": number,
                "time": to_micros(line.time),
                "stream": line.stream,
                "message": line.text,
            }
            for line in lines
        ],
    )


def put_events(conn: core.Connection, number: int, found: Iterable[Occurrence]) -> None:
    """Store what happened; what is known already is only counted on."""
    for each in found:
        row = {
            "time": to_micros(each.last),
            "type": each.type,
            "message": each.message,
            "count": each.count,
        }
        mine = sa.and_(
            events.c.source == number,
            events.c.reason == each.reason,
            events.c.first == to_micros(each.first),
        )
        if not conn.execute(events.update().where(mine).values(**row)).rowcount:
            key = {"source": number, "reason": each.reason, "first": to_micros(each.first)}
            conn.execute(events.insert().values(**key, **row))


def drop_older(conn: core.Connection, workspace: str, before: datetime) -> int:
    """Forget what a workspace keeps no longer; return how many rows."""
    mine = sa.select(sources.c.id).where(sources.c.workspace == workspace)
    gone = 0
    for table in (records, events):
        old = table.delete().where(table.c.source.in_(mine), table.c.time < to_micros(before))
        gone += conn.execute(old).rowcount
    if gone:
        _measure(conn, workspace)
    return gone


def drop_over(conn: core.Connection, workspace: str, most_bytes: int) -> int:
    """Forget the oldest lines of a workspace that is full; return how many."""
    mine = sa.select(sources.c.id).where(sources.c.workspace == workspace)
    held = sa.select(sa.func.sum(sources.c.size)).where(sources.c.workspace == workspace)
    gone = 0
    while (conn.scalar(held) or 0) > most_bytes:
        counted = sa.select(sa.func.count()).select_from(records)
        rows = conn.scalar(counted.where(records.c.source.in_(mine))) or 0
        oldest = (
            sa.select(records.c.id)
            .where(records.c.source.in_(mine))
            .order_by(records.c.time)
            .limit(max(1, rows // _DROPPED))
        )
        dropped = conn.execute(records.delete().where(records.c.id.in_(oldest))).rowcount
        _measure(conn, workspace)
        gone += dropped
        if not dropped:
            break
    return gone


def drop_workspaces(conn: core.Connection, keep: Iterable[str]) -> None:
    """Forget all records of workspaces that are gone."""
    lost = sa.select(sources.c.id).where(sources.c.workspace.not_in(tuple(keep)))
    for table in (records, events):
        conn.execute(table.delete().where(table.c.source.in_(lost)))
    conn.execute(sources.delete().where(sources.c.id.in_(lost)))


def drop_empty_sources(conn: core.Connection, living: Iterable[str]) -> None:
    """Forget sources whose group is gone and whose last record is, too."""
    empty = sa.and_(
        sources.c.uid.not_in(tuple(living)),
        ~sa.exists().where(records.c.source == sources.c.id),
        ~sa.exists().where(events.c.source == sources.c.id),
    )
    conn.execute(sources.delete().where(empty))


def count_rows(conn: core.Connection) -> dict[str, Any]:
    """Return how many lines, and how many bytes of them, are held."""
    rows = conn.scalar(sa.select(sa.func.count()).select_from(records))
    size = conn.scalar(sa.select(sa.func.sum(sources.c.size)))
    return {"rows": rows or 0, "bytes": size or 0}


def _measure(conn: core.Connection, workspace: str) -> None:
    """Count again what the sources of a workspace hold."""
    text = sa.func.length(sa.cast(records.c.message, sa.LargeBinary)) + ROW_BYTES
    held = (
        sa.select(sa.func.coalesce(sa.func.sum(text), 0))
        .where(records.c.source == sources.c.id)
        .scalar_subquery()
    )
    conn.execute(sources.update().where(sources.c.workspace == workspace).values(size=held))
