"""``az monitor metrics list`` and ``list-definitions``, as they ask."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, NOW, World, open_world

from silo import arm, core
from silo.providers import insights
from silo.providers.insights import Sample, metric_samples

SCOPE = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/web"
BEGIN = NOW - timedelta(minutes=10)
SPAN = "2026-11-23T09%3A50%3A00Z%2F2026-11-23T10%3A00%3A00Z"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for built in open_world(tmp_path):
        monitor = core.Store(tmp_path / "monitor.db")
        insights.create_tables(monitor)
        provider = insights.provider(built.resources, built.authorizer, monitor, 14)
        built.operations = provider.operations

        def fill(conn: core.Connection, built: World = built) -> str:
            id_ = arm.parse_resource_id(SCOPE)
            made = built.resources.make(id_, {"location": "westeurope"}, arm.make_stamp(NOW))
            return built.resources.put(conn, made).uid

        uid = built.store.write_now(fill)
        for minute in range(10):
            moment = BEGIN + timedelta(minutes=minute)
            samples = [
                Sample(uid, "CpuUsage", "web", 100.0 + minute),
                Sample(uid, "CpuUsage", "side", 10.0),
                Sample(uid, "NetworkBytesReceivedPerSecond", "", 7.0),
            ]
            monitor.write_now(
                lambda conn, moment=moment, samples=samples: metric_samples.add_samples(
                    conn, moment, samples
                )
            )
        yield built
        monitor.close()


async def ask(world: World, **query: str) -> dict[str, Any]:
    query = {"timespan": SPAN, **query}
    reply = await world.ask("GET", "Microsoft.Insights/metrics", SCOPE, query=query)
    assert reply.status == 200
    return dict(reply.body)


async def test_values_come_by_the_minute(world: World) -> None:
    body = await ask(world, metricnames="cpuusage", interval="PT1M", top="10")

    (metric,) = body["value"]
    (series,) = metric["timeseries"]
    assert body["timespan"] == "2026-11-23T09:50:00Z/2026-11-23T10:00:00Z"
    assert (body["interval"], body["resourceregion"]) == ("PT1M", "westeurope")
    assert metric["name"]["value"] == "CpuUsage"
    assert metric["id"].endswith("/providers/Microsoft.Insights/metrics/CpuUsage")
    assert len(series["data"]) == 10
    assert series["data"][0] == {"timeStamp": "2026-11-23T09:50:00Z", "average": 55.0}


async def test_a_container_is_a_dimension(world: World) -> None:
    one = await ask(world, metricnames="CpuUsage", **{"$filter": "containerName eq 'web'"})
    each = await ask(world, metricnames="CpuUsage", **{"$filter": "containerName eq '*'"})

    (series,) = one["value"][0]["timeseries"]
    assert series["metadatavalues"][0]["value"] == "web"
    assert series["data"][3]["average"] == 103.0
    assert len(each["value"][0]["timeseries"]) == 2


async def test_longer_intervals_and_every_aggregation(world: World) -> None:
    body = await ask(
        world,
        metricnames="CpuUsage",
        interval="PT5M",
        aggregation="Average,Total,Minimum,Maximum,Count",
        **{"$filter": "containerName eq 'web'"},
    )

    (series,) = body["value"][0]["timeseries"]
    assert [point["timeStamp"] for point in series["data"]] == [
        "2026-11-23T09:50:00Z",
        "2026-11-23T09:55:00Z",
    ]
    assert series["data"][1] == {
        "timeStamp": "2026-11-23T09:55:00Z",
        "average": 107.0,
        "total": 535.0,
        "minimum": 105.0,
        "maximum": 109.0,
        "count": 5.0,
    }


async def test_minutes_without_a_value_are_there_without_one(world: World) -> None:
    span = "2026-11-23T09:45:00Z/2026-11-23T09:55:00Z"

    body = await ask(world, metricnames="NetworkBytesReceivedPerSecond", timespan=span)

    (series,) = body["value"][0]["timeseries"]
    assert series["data"][0] == {"timeStamp": "2026-11-23T09:45:00Z"}
    assert series["data"][-1]["average"] == 7.0


async def test_what_was_never_measured_has_no_series(world: World) -> None:
    body = await ask(world, metricnames="MemoryUsage")

    assert body["value"][0]["timeseries"] == []


async def test_definitions_name_every_metric(world: World) -> None:
    reply = await world.ask("GET", "Microsoft.Insights/metricDefinitions", SCOPE)

    names = [each["name"]["value"] for each in reply.body["value"]]
    assert names == [
        "CpuUsage",
        "MemoryUsage",
        "NetworkBytesReceivedPerSecond",
        "NetworkBytesTransmittedPerSecond",
    ]
    assert reply.body["value"][0]["metricAvailabilities"][0] == {
        "timeGrain": "PT1M",
        "retention": "P14D",
    }


@pytest.mark.parametrize(
    "query",
    [
        {"metricnames": "Requests"},
        {"interval": "PT7M"},
        {"aggregation": "Median"},
        {"timespan": "yesterday"},
        {"timespan": "2026-11-23T10:00:00Z/2026-11-23T09:00:00Z"},
        {"timespan": "2020-01-01T00:00:00Z/2026-01-01T00:00:00Z"},
        {"$filter": "containerName eq"},
        {"$filter": "other eq 'x'"},
        {"metricnames": "NetworkBytesReceivedPerSecond", "$filter": "containerName eq 'web'"},
        {"top": "0"},
        {"top": "²"},
        {"resulttype": "Everything"},
        {"metricnamespace": "Microsoft.Compute/virtualMachines"},
    ],
)
async def test_nonsense_is_a_bad_request(world: World, query: dict[str, str]) -> None:
    with pytest.raises(arm.ArmError) as refused:
        await ask(world, **query)

    assert (refused.value.status, refused.value.code) == (400, "BadRequest")


async def test_other_types_have_no_metrics(world: World) -> None:
    with pytest.raises(arm.ArmError) as refused:
        await world.ask("GET", "Microsoft.Insights/metricDefinitions", GROUP)

    assert refused.value.status == 400


async def test_the_minute_that_is_not_over_is_shown_too(world: World) -> None:
    span = "2026-11-23T09:58:10Z/2026-11-23T09:59:10Z"

    body = await ask(world, metricnames="CpuUsage", timespan=span)

    (series,) = body["value"][0]["timeseries"]
    assert [(point["timeStamp"][11:19], point["average"]) for point in series["data"]] == [
        ("09:58:00", 59.0),
        ("09:59:00", 59.5),
    ]
