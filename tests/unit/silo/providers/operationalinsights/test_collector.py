"""Lines come in once, whatever happens in between."""

from datetime import timedelta

import pytest
from tests.unit.silo.providers.operationalinsights.logs_world import (
    NOW,
    UID,
    Logs,
    make_lines,
    make_source,
)

from silo import core
from silo.providers.operationalinsights import Collector, Subject, records


class Reader:
    """Log files in memory; a position is the number of lines read."""

    def __init__(self) -> None:
        self.lines: list[records.Line] = []

    def write(self, *texts: str) -> None:
        self.lines += make_lines(*texts, first=len(self.lines))

    def read_lines(self, uid, container, position, limit):
        assert (uid, container) == (UID, "web")
        begin = int(position or 0)
        return self.lines[begin : begin + limit]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def make_collector(logs: Logs, reader, *subjects: Subject, most_bytes: int = 1 << 20) -> Collector:
    return Collector(
        store=logs.world.store,
        monitor=logs.monitor,
        clock=logs.clock,
        reader=reader,
        list_subjects=lambda _conn: subjects,
        most_bytes=most_bytes,
    )


async def read(logs: Logs, workspace: str) -> list[str]:
    rows = await logs.find(workspace, "ContainerInstanceLog_CL | order by TimeGenerated asc")
    return [row["Message"] for row in rows]


async def test_a_restart_goes_on_where_it_stopped(logs: Logs, workspace: str, reader) -> None:
    subject = Subject(make_source(workspace))
    reader.write("one", "two")
    await make_collector(logs, reader, subject).collect()
    reader.write("three")

    second = make_collector(logs, reader, subject)
    await second.collect()
    await second.collect()

    assert await read(logs, workspace) == ["one", "two", "three"]


async def test_two_collectors_at_once_store_nothing_twice(
    logs: Logs, workspace: str, reader
) -> None:
    subject = Subject(make_source(workspace))
    old = make_collector(logs, reader, subject)
    await old.collect()
    reader.write("one")
    await make_collector(logs, reader, subject).collect()
    reader.write("two")

    await old.collect()
    await old.collect()

    assert await read(logs, workspace) == ["one", "two"]


async def test_a_crash_between_rows_and_position_leaves_neither(
    logs: Logs, workspace: str, reader, monkeypatch
) -> None:
    reader.write("one")
    collector = make_collector(logs, reader, Subject(make_source(workspace)))

    def crash(_lines):
        raise core.StoreUnavailable("killed")

    monkeypatch.setattr(records, "to_micros", crash)
    with pytest.raises(core.StoreUnavailable):
        await collector.collect()
    monkeypatch.undo()
    await collector.collect()

    assert await read(logs, workspace) == ["one"]


async def test_many_lines_come_in_several_batches(logs: Logs, workspace: str, reader) -> None:
    reader.write(*map(str, range(4_500)))

    await make_collector(logs, reader, Subject(make_source(workspace))).collect()

    assert await logs.find(workspace, "ContainerInstanceLog_CL | count") == [{"Count": 4_500}]


async def test_a_line_without_end_is_cut(logs: Logs, workspace: str, reader) -> None:
    reader.write("ä" * 100_000)

    await make_collector(logs, reader, Subject(make_source(workspace))).collect()

    (line,) = await read(logs, workspace)
    assert len(line.encode()) <= 32 * 1024


async def test_lines_older_than_the_workspace_keeps_them_are_dropped(
    logs: Logs, workspace: str, reader
) -> None:
    logs.write(make_source(workspace), "old", begin=NOW - timedelta(days=31))
    logs.write(make_source(workspace, "side"), "new")

    await make_collector(logs, reader).clean({UID})

    assert await read(logs, workspace) == ["new"]


async def test_a_full_workspace_loses_its_oldest_lines(logs: Logs, workspace: str, reader) -> None:
    reader.write(*(f"{n:04}" + "x" * 996 for n in range(100)))
    collector = make_collector(logs, reader, Subject(make_source(workspace)), most_bytes=50_000)

    await collector.collect()
    await collector.clean({UID})

    left = await read(logs, workspace)
    assert 30 < len(left) < 50
    assert left[-1].startswith("0099")
    held = logs.monitor.read_now(records.count_rows)
    assert held["bytes"] <= 50_000


async def test_a_deleted_workspace_leaves_no_records(logs: Logs, workspace: str, reader) -> None:
    logs.write(make_source("gone"), "secret")

    await make_collector(logs, reader).clean({UID})

    assert logs.monitor.read_now(records.count_rows) == {"rows": 0, "bytes": 0}
