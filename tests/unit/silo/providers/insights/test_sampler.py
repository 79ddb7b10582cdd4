from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from silo import core
from silo.providers.insights import Reading, Sampler, metric_samples

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Clock:
    seconds = 100.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Meter:
    def __init__(self) -> None:
        self.readings: Sequence[Reading] = ()

    async def read(self) -> Sequence[Reading]:
        return self.readings


@pytest.fixture
def sampler(tmp_path: Path) -> Iterator[Sampler]:
    store = core.Store(tmp_path / "monitor.db")
    metric_samples.create_tables(store)
    yield Sampler(store, Clock(), Meter(), period_s=15, days=1, most_rows=1000)
    store.close()


async def sample(sampler: Sampler, *readings: Reading, after_s: float = 10) -> dict[str, float]:
    sampler.clock.seconds += after_s
    sampler.meter.readings = readings
    await sampler.sample()
    return {each.metric: each.value for each in sampler.latest}


async def test_a_counter_needs_two_looks_and_memory_one(sampler: Sampler) -> None:
    first = Reading("u", "web", {"cpu_ns": 1_000_000_000}, memory_bytes=42)

    assert await sample(sampler, first) == {"MemoryUsage": 42.0}


async def test_processor_time_becomes_millicores(sampler: Sampler) -> None:
    await sample(sampler, Reading("u", "web", {"cpu_ns": 1_000_000_000}))

    second = await sample(sampler, Reading("u", "web", {"cpu_ns": 6_000_000_000}))

    assert second == {"CpuUsage": 500.0}


async def test_bytes_become_bytes_per_second(sampler: Sampler) -> None:
    counters = {"received_bytes": 100, "transmitted_bytes": 5}
    await sample(sampler, Reading("u", "", counters))

    later = await sample(
        sampler, Reading("u", "", {"received_bytes": 1_100, "transmitted_bytes": 5})
    )

    assert later == {
        "NetworkBytesReceivedPerSecond": 100.0,
        "NetworkBytesTransmittedPerSecond": 0.0,
    }


async def test_a_restarted_container_never_counts_backwards(sampler: Sampler) -> None:
    await sample(sampler, Reading("u", "web", {"cpu_ns": 9_000_000_000}))

    assert await sample(sampler, Reading("u", "web", {"cpu_ns": 1})) == {}


async def test_samples_are_kept(sampler: Sampler) -> None:
    await sample(sampler, Reading("u", "web", memory_bytes=10))
    await sample(sampler, Reading("u", "web", memory_bytes=30), after_s=5)

    (bucket,) = sampler.monitor.read_now(
        lambda conn: metric_samples.list_buckets(
            conn, "u", "MemoryUsage", NOW, NOW + timedelta(hours=1)
        )
    )
    assert (bucket.count, bucket.total, bucket.least, bucket.most) == (2, 40.0, 10.0, 30.0)
