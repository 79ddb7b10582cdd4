"""What queries find."""

from datetime import timedelta

import pytest
from tests.unit.silo.providers.operationalinsights.logs_world import NOW, UID, Logs, make_source

from silo.providers.operationalinsights import Occurrence

BEGIN = NOW - timedelta(minutes=10)


@pytest.fixture
def filled(logs: Logs, workspace: str) -> Logs:
    logs.write(make_source(workspace, "web"), "GET /index", "error: disk-full 50%", "Grüße")
    logs.write(make_source(workspace, "side"), "sidecar [ok]", "terror")
    return logs


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ('ContainerName_s == "web"', 3),
        ('ContainerName_s == "WEB"', 0),
        ('ContainerName_s =~ "WEB"', 3),
        ('ContainerName_s != "web"', 2),
        ('ContainerName_s in ("web", "side")', 5),
        ('ContainerName_s !in ("web")', 2),
        ('ContainerName_s in~ ("WEB")', 3),
        ('Message contains "ERROR"', 2),
        ('Message contains_cs "ERROR"', 0),
        ('Message has "error"', 1),
        ('Message has "disk"', 1),
        ('Message has "dis"', 0),
        ('Message has "disk-full"', 1),
        ('Message has "[ok]"', 1),
        ('Message has "50%"', 1),
        ('Message !has "error"', 4),
        ('Message startswith "get"', 1),
        ('Message endswith "FULL 50%"', 1),
        ('Message contains "%"', 1),
        ('Message contains ""', 5),
        ('Message contains "\' OR 1=1 --"', 0),
        ("TimeGenerated > ago(9m)", 1),
        ("TimeGenerated >= ago(9m) and TimeGenerated < ago(500s)", 2),
        ("TimeGenerated between (ago(9m) .. now())", 3),
        ("TimeGenerated >= datetime(2026-11-23T11:52:00Z)", 1),
        ('not(ContainerName_s == "web" or Message has "terror")', 1),
        (f'ContainerGroupInstanceId_g == "{UID.upper()}"', 5),
    ],
)
async def test_where_keeps_what_fits(filled: Logs, workspace: str, condition, count) -> None:
    rows = await filled.find(workspace, f"ContainerInstanceLog_CL | where {condition}")

    assert len(rows) == count


async def test_rows_have_azures_columns(filled: Logs, workspace: str) -> None:
    (row,) = await filled.find(workspace, "ContainerInstanceLog_CL | where Message has 'GET'")

    assert row["ContainerGroup_s"] == "g"
    assert row["ContainerImage_s"] == "nginx:1"
    assert row["TimeGenerated"] == "2026-11-23T11:50:00.0000000Z"
    assert row["Source_s"] == "stdout"
    assert row["Type"] == "ContainerInstanceLog_CL"
    assert row["_ResourceId"].endswith("/containerGroups/g")


async def test_order_lasts_through_what_follows(filled: Logs, workspace: str) -> None:
    rows = await filled.find(
        workspace,
        "ContainerInstanceLog_CL | order by TimeGenerated, Message asc | project Text=Message"
        ' | where Text != "Grüße" | take 2',
    )

    assert [row["Text"] for row in rows] == ["error: disk-full 50%", "terror"]


async def test_counting_by_container_and_by_time(filled: Logs, workspace: str) -> None:
    by_name = await filled.find(
        workspace,
        "ContainerInstanceLog_CL | summarize Lines=count() by ContainerName_s"
        " | where Lines > 1 | order by Lines",
    )
    by_time = await filled.find(
        workspace, "ContainerInstanceLog_CL | summarize count() by At=bin(TimeGenerated, 2m)"
    )
    whole = await filled.find(workspace, "ContainerInstanceLog_CL | count")
    none = await filled.find(workspace, "ContainerEvent_CL | count")

    assert by_name == [
        {"ContainerName_s": "web", "Lines": 3},
        {"ContainerName_s": "side", "Lines": 2},
    ]
    assert sorted(row["count_"] for row in by_time) == [1, 4]
    assert (whole, none) == ([{"Count": 5}], [{"Count": 0}])


async def test_distinct_and_top(filled: Logs, workspace: str) -> None:
    names = await filled.find(workspace, "ContainerInstanceLog_CL | distinct ContainerName_s")
    newest = await filled.find(workspace, "ContainerInstanceLog_CL | top 1 by TimeGenerated")

    assert {row["ContainerName_s"] for row in names} == {"web", "side"}
    assert [row["Message"] for row in newest] == ["Grüße"]


@pytest.mark.parametrize(
    ("timespan", "count"),
    [
        ("PT9M", 3),
        ("2026-11-23T11:50:00Z/2026-11-23T11:50:30Z", 2),
        ("2026-11-23T11:50:00Z/PT1M", 4),
        ("PT1M/2026-11-23T11:51:00Z", 4),
        ("P1D", 5),
    ],
)
async def test_the_timespan_bounds_every_query(filled: Logs, workspace, timespan, count) -> None:
    rows = await filled.find(workspace, "ContainerInstanceLog_CL", timespan)

    assert len(rows) == count


async def test_events_are_a_table_and_are_counted_not_repeated(logs: Logs, workspace: str) -> None:
    source = make_source(workspace)
    first = Occurrence("Killing", "Normal", "Killing container", 1, BEGIN, BEGIN)
    logs.happen(source, first)
    logs.happen(source, Occurrence("Killing", "Normal", "Killing container", 4, BEGIN, NOW))

    rows = await logs.find(workspace, 'ContainerEvent_CL | where Reason_s == "Killing"')

    assert [(row["Count_d"], row["TimeGenerated"]) for row in rows] == [
        (4, "2026-11-23T12:00:00.0000000Z")
    ]


async def test_project_cannot_name_a_column_twice(logs: Logs, workspace: str) -> None:
    status, told = await logs.ask(
        f"/v1/workspaces/{workspace}/query",
        {"query": "ContainerEvent_CL | project Message, Message"},
    )

    assert (status, told["error"]["innererror"]["innererror"]["code"]) == (400, "SEM0005")
