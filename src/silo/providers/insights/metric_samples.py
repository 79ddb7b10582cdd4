"""What was measured, by the minute: count, sum, least and most; old minutes make room for new."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from silo import core

metadata = sa.MetaData()

buckets = sa.Table(
    "metric_buckets",
    metadata,
    sa.Column("uid", sa.String, primary_key=True),
    sa.Column("metric", sa.String, primary_key=True),
    sa.Column("container", sa.String, primary_key=True),
    sa.Column("minute", sa.Integer, primary_key=True),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
    sa.Column("least", sa.Float, nullable=False),
    sa.Column("most", sa.Float, nullable=False),
    sa.Index("metric_buckets_minute", "minute"),
    sqlite_with_rowid=False,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one metric."""

    uid: str
    """Of the resource."""
    metric: str
    container: str
    """Empty for what the whole group shares."""
    value: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """The samples of some time."""

    start: datetime
    container: str
    count: int
    total: float
    least: float
    most: float


def create_tables(store: core.Store) -> None:
    """Make the tables that are missing."""
    store.write_now(metadata.create_all)


def to_minute(moment: datetime) -> int:
    """Return minutes since 1970."""
    return (moment - _EPOCH) // _MINUTE


def from_minute(minute: int) -> datetime:
    """Return the beginning of a minute."""
    return _EPOCH + minute * _MINUTE


def add_samples(conn: core.Connection, moment: datetime, samples: Iterable[Sample]) -> None:
    """Put samples into the bucket of their minute."""
    rows = [
        {
            "uid": each.uid,
            "metric": each.metric,
            "container": each.container,
            "minute": to_minute(moment),
            "samples": 1,
            "total": each.value,
            "least": each.value,
            "most": each.value,
        }
        for each in samples
    ]
    if not rows:
        return
    new = insert(buckets)
    merged = new.on_conflict_do_update(
        index_elements=["uid", "metric", "container", "minute"],
        set_={
            "samples": buckets.c.samples + new.excluded.samples,
            "total": buckets.c.total + new.excluded.total,
            "least": sa.func.min(buckets.c.least, new.excluded.least),
            "most": sa.func.max(buckets.c.most, new.excluded.most),
        },
    )
    conn.execute(merged, rows)


def list_buckets(
    conn: core.Connection, uid: str, metric: str, since: datetime, until: datetime
) -> list[Bucket]:
    """Return the minutes that begin from ``since`` to before ``until``, oldest first."""
    query = (
        sa.select(buckets)
        .where(
            buckets.c.uid == uid,
            buckets.c.metric == metric,
            buckets.c.minute >= to_minute(since),
            buckets.c.minute < -((_EPOCH - until) // _MINUTE),
        )
        .order_by(buckets.c.minute)
    )
    return [
        Bucket(from_minute(row.minute), row.container, row.samples, row.total, row.least, row.most)
        for row in conn.execute(query)
    ]


def drop_old(conn: core.Connection, before: datetime, most_rows: int) -> None:
    """Forget what is too old, and the oldest of what is too much."""
    conn.execute(buckets.delete().where(buckets.c.minute < to_minute(before)))
    count = sa.select(sa.func.count()).select_from(buckets)
    while (conn.scalar(count) or 0) > most_rows:
        oldest = conn.scalar(sa.select(sa.func.min(buckets.c.minute)))
        newest = conn.scalar(sa.select(sa.func.max(buckets.c.minute)))
        if oldest is None or newest is None:
            return
        # A tenth of the time at once, so that this is not done for every minute anew.
        end = oldest + max(1, (newest - oldest) // 10)
        conn.execute(buckets.delete().where(buckets.c.minute < end))


@dataclass(frozen=True, slots=True)
class Latest:
    """The average of the newest minute of one series."""

    uid: str
    metric: str
    container: str
    value: float


def list_latest(conn: core.Connection, since: datetime) -> list[Latest]:
    """Return the newest minute of every series that was measured since then."""
    newest = (
        sa.select(
            buckets.c.uid,
            buckets.c.metric,
            buckets.c.container,
            sa.func.max(buckets.c.minute).label("minute"),
        )
        .where(buckets.c.minute >= to_minute(since))
        .group_by(buckets.c.uid, buckets.c.metric, buckets.c.container)
        .subquery()
    )
    names = ("uid", "metric", "container", "minute")
    same = sa.and_(*(buckets.c[name] == newest.c[name] for name in names))
    query = sa.select(buckets).join(newest, same).order_by(*(buckets.c[name] for name in names))
    return [
        Latest(row.uid, row.metric, row.container, row.total / row.samples)
        for row in conn.execute(query)
    ]
