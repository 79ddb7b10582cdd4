"""The query API as a client meets it."""

import uuid

import pytest
from tests.unit.silo.providers.operationalinsights.conftest import WORKSPACES, World
from tests.unit.silo.providers.operationalinsights.logs_world import Logs, make_source

from silo import audit

TABLE = "Microsoft.OperationalInsights/workspaces/query/ContainerInstanceLog_CL/read"
LOGS = {"query": "ContainerInstanceLog_CL | project Message"}


async def test_lines_are_answered_as_a_table(logs: Logs, workspace: str) -> None:
    logs.write(make_source(workspace), "one", "two")

    status, body = await logs.ask(f"/v1/workspaces/{workspace}/query", LOGS)

    assert status == 200
    assert body == {
        "tables": [
            {
                "name": "PrimaryResult",
                "columns": [{"name": "Message", "type": "string"}],
                "rows": [["one"], ["two"]],
            }
        ]
    }


async def test_a_workspace_shows_nothing_of_its_neighbour(
    logs: Logs, world: World, workspace: str
) -> None:
    other = (await world.make("other"))["customerId"]
    logs.write(make_source(other), "secret")

    assert await logs.find(workspace, "ContainerInstanceLog_CL") == []


async def test_get_asks_the_same(logs: Logs, workspace: str) -> None:
    logs.write(make_source(workspace), "one")

    status, body = await logs.ask(
        f"/v1/workspaces/{workspace}/query",
        method="GET",
        query=b"query=ContainerInstanceLog_CL%20%7C%20count&timespan=PT1H",
    )

    assert (status, body["tables"][0]["rows"]) == (200, [[1]])


@pytest.mark.parametrize("who", [None, "wrong", "stale"])
async def test_without_a_good_token_nothing_is_said(logs: Logs, workspace: str, who) -> None:
    for path in (f"/v1/workspaces/{workspace}/query", "/v1/elsewhere"):
        status, body = await logs.ask(path, LOGS, who=who)

        assert (status, body["error"]["code"]) == (401, "AuthorizationRequiredError")


async def test_who_may_not_learns_not_even_what_exists(logs: Logs, workspace: str) -> None:
    path = "/v1/workspaces/{}/query"

    real = await logs.ask(path.format(workspace), LOGS, who="nobody")
    unreal = await logs.ask(path.format(uuid.uuid4()), LOGS, who="nobody")

    assert real == unreal
    assert real[0] == 403
    now = logs.clock.now()
    found = logs.world.store.read_now(
        lambda conn: audit.list_records(conn, category="Administrative", since=now, until=now)
    )
    assert found[0][1]["result"] == "Denied"


async def test_who_may_query_everything_is_told_what_does_not_exist(logs: Logs) -> None:
    status, body = await logs.ask(f"/v1/workspaces/{uuid.uuid4()}/query", LOGS)

    assert (status, body["error"]["code"]) == (404, "WorkspaceNotFoundError")


async def test_a_table_needs_its_own_permission(logs: Logs, workspace: str) -> None:
    path = f"/v1/workspaces/{workspace}/query"
    logs.assign("nobody", actions=["Microsoft.OperationalInsights/workspaces/query/read", TABLE])

    logs_status, _ = await logs.ask(path, LOGS, who="nobody")
    events_status, _ = await logs.ask(path, {"query": "ContainerEvent_CL"}, who="nobody")

    assert (logs_status, events_status) == (200, 403)


async def test_the_data_permission_of_one_table_opens_that_one(logs: Logs, workspace: str) -> None:
    path = f"/v1/workspaces/{workspace}/query"
    query = "Microsoft.OperationalInsights/workspaces/query/read"
    data = "Microsoft.OperationalInsights/workspaces/tables/data/read"
    where = f"{WORKSPACES}/logs"
    logs.assign("nobody", actions=[query], data_actions=[data], scope=where)

    status, _ = await logs.ask(path, LOGS, who="nobody")

    assert status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BadArgumentError"),
        (b"[]", "BadArgumentError"),
        (b"{}", "BadArgumentError"),
        (b'{"query": 7}', "BadArgumentError"),
        (b'{"query": "T", "timespan": "yesterday"}', "BadArgumentError"),
        (b'{"query": "T", "timespan": "P1Y"}', "BadArgumentError"),
        (b'{"query": "T", "timespan": "PT99999999999999H"}', "BadArgumentError"),
        (b'{"query": "T", "workspaces": ["x"]}', "BadArgumentError"),
        (b'{"query": "Heartbeat"}', "BadArgumentError"),
        (b'{"query": "ContainerEvent_CL | where Nothing == 1"}', "BadArgumentError"),
        (b'{"query": "ContainerEvent_CL | where Message == 1"}', "BadArgumentError"),
        (b'{"query": "ContainerEvent_CL | where TimeGenerated has \\"x\\""}', "BadArgumentError"),
    ],
)
async def test_a_bad_question_is_a_bad_argument(logs: Logs, workspace: str, body, code) -> None:
    status, told = await logs.ask(f"/v1/workspaces/{workspace}/query", raw=body)

    assert (status, told["error"]["code"]) == (400, code)


async def test_a_query_too_large_for_the_database_is_refused(logs: Logs, workspace: str) -> None:
    text = "ContainerEvent_CL | where " + " or ".join(['Message == "x"'] * 1_100)

    status, told = await logs.ask(f"/v1/workspaces/{workspace}/query", {"query": text[:19_999]})

    assert (status, told["error"]["code"]) == (400, "BadArgumentError")


async def test_a_body_that_is_too_long_is_refused(logs: Logs, workspace: str) -> None:
    status, _ = await logs.ask(f"/v1/workspaces/{workspace}/query", raw=b"x" * 100_000)

    assert status == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/workspaces/x/query", 404),
        ("DELETE", f"/v1/workspaces/{uuid.UUID(int=1)}/query", 405),
    ],
)
async def test_other_paths_and_methods_are_not_served(logs: Logs, method, path, status) -> None:
    assert (await logs.ask(path, LOGS, method=method))[0] == status
