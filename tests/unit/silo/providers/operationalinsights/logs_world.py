"""A workspace with lines in it, and the door that answers queries on it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.unit.silo.arm import world as arms
from tests.unit.silo.providers.operationalinsights.conftest import WORKSPACES, World

from silo import access, core, front
from silo.providers.operationalinsights import (
    Line,
    LogsDoor,
    Occurrence,
    Searches,
    Source,
    create_tables,
    records,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UID = "aaaaaaaa-0000-0000-0000-000000000001"


class Clock:
    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


def make_source(workspace: str, container: str = "web", uid: str = UID, group: str = "g") -> Source:
    return Source(
        workspace=workspace,
        uid=uid,
        container=container,
        resource_id=f"{arms.GROUP}/providers/Microsoft.ContainerInstance/containerGroups/{group}",
        container_group=group,
        image="nginx:1",
        location="westeurope",
        subscription=arms.SUBSCRIPTION,
        resource_group="g1",
    )


def make_lines(*texts: str, begin: datetime = NOW - timedelta(minutes=10), first: int = 0):
    """Make lines a minute apart."""
    return [
        Line(begin + timedelta(minutes=first + n), "stdout", text, str(first + n + 1))
        for n, text in enumerate(texts)
    ]


class Logs:
    """Everything between a query and its rows."""

    def __init__(self, folder: Path, world: World) -> None:
        self.world = world
        self.monitor = core.Store(folder / "monitor.db")
        create_tables(self.monitor)
        self.clock = Clock()
        self.door = LogsDoor(
            store=world.store,
            clock=self.clock,
            authorizer=access.Authorizer(world.store),
            authenticate=world._authenticate,
            searches=Searches(folder / "monitor.db"),
            tenant_id="tenant",
        )

    def write(self, source: Source, *texts: str, begin: datetime = NOW - timedelta(minutes=10)):
        def work(conn: core.Connection) -> None:
            number, position = records.ensure_source(conn, source)
            first = int(position or 0)
            lines = make_lines(*texts, begin=begin, first=first)
            records.append_lines(conn, number, position, lines)

        self.monitor.write_now(work)

    def happen(self, source: Source, *found: Occurrence) -> None:
        def work(conn: core.Connection) -> None:
            number, _ = records.ensure_source(conn, source)
            records.put_events(conn, number, found)

        self.monitor.write_now(work)

    async def ask(self, path, body=None, *, who="owner", method="POST", raw=None, query=b""):
        data = raw if raw is not None else json.dumps(body).encode()
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query,
            "headers": [(b"authorization", f"Bearer {who}".encode())] if who else [],
            "silo": front.RequestContext("request-1", "127.0.0.1", arms.NAMES.urls),
        }
        messages = []

        async def receive():
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message):
            messages.append(message)

        await self.door(scope, receive, send)
        return messages[0]["status"], json.loads(messages[1]["body"])

    async def find(self, workspace: str, query: str, timespan: str | None = None):
        """Return the rows of a query."""
        body = {"query": query, "timespan": timespan}
        status, told = await self.ask(f"/v1/workspaces/{workspace}/query", body)
        assert status == 200, told
        (table,) = told["tables"]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def assign(self, who: str, *, actions=(), data_actions=(), scope: str = f"{WORKSPACES}/logs"):
        """Give somebody a role of these actions."""

        def work(conn: core.Connection) -> None:
            role = "cccccccc-0000-0000-0000-000000000001"
            permission = access.Permission(tuple(actions), (), tuple(data_actions), ())
            access.put_definition(
                conn,
                access.RoleDefinition(role, "Asker", "CustomRole", "", (permission,), ("/",)),
            )
            access.insert_assignment(
                conn,
                access.RoleAssignment(
                    "dddddddd-0000-0000-0000-000000000001", scope, f"{who}-id", "User", role
                ),
            )

        self.world.store.write_now(work)
