from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from silo import core
from silo.providers.insights import metric_samples
from silo.providers.insights.metric_samples import Bucket, Sample

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    made = core.Store(tmp_path / "monitor.db")
    metric_samples.create_tables(made)
    yield made
    made.close()


def add(store: core.Store, seconds: int, value: float, metric: str = "CpuUsage") -> None:
    sample = Sample("u", metric, "web", value)
    moment = NOW + timedelta(seconds=seconds)
    store.write_now(lambda conn: metric_samples.add_samples(conn, moment, [sample]))


def read(store: core.Store) -> list[Bucket]:
    return store.read_now(
        lambda conn: metric_samples.list_buckets(
            conn, "u", "CpuUsage", NOW - timedelta(days=30), NOW + timedelta(days=1)
        )
    )


def test_samples_of_a_minute_are_one_bucket(store: core.Store) -> None:
    for seconds, value in ((0, 4.0), (15, 1.0), (59, 7.0), (60, 9.0)):
        add(store, seconds, value)

    assert read(store) == [
        Bucket(NOW, "web", 3, 12.0, 1.0, 7.0),
        Bucket(NOW + timedelta(minutes=1), "web", 1, 9.0, 9.0, 9.0),
    ]


def test_metrics_and_resources_do_not_mix(store: core.Store) -> None:
    add(store, 0, 4.0, metric="MemoryUsage")

    assert read(store) == []


def test_old_minutes_are_forgotten(store: core.Store) -> None:
    add(store, -86_400, 1.0)
    add(store, 0, 2.0)

    store.write_now(
        lambda conn: metric_samples.drop_old(conn, NOW - timedelta(hours=1), most_rows=100)
    )

    assert [bucket.total for bucket in read(store)] == [2.0]


def test_the_table_stays_within_its_bound_and_keeps_the_newest(store: core.Store) -> None:
    for minute in range(50):
        add(store, minute * 60, float(minute))

    store.write_now(
        lambda conn: metric_samples.drop_old(conn, NOW - timedelta(hours=1), most_rows=20)
    )

    left = [bucket.total for bucket in read(store)]
    assert 10 <= len(left) <= 20
    assert left[-1] == 49.0
