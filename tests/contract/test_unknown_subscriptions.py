"""Who has no rights gets one answer, whether a subscription exists or not."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.silo.arm.world import NAMES

from silo import access, arm, core, front, identity
from silo.app import composition
from silo.providers import resources
from silo.settings import Settings

TENANT = "99999999-9999-9999-9999-999999999999"
HERE = "11111111-1111-1111-1111-111111111111"
NOWHERE = "22222222-2222-2222-2222-222222222222"


class World:
    """Everything that is served, an owner, and somebody with no rights at all."""

    def __init__(self, folder: Path) -> None:
        clock = core.SystemClock()
        settings = Settings(
            folder,
            tenant_id=TENANT,
            subscription_id=HERE,
            group_pool="10.64.0.0/17",
            public_pool="10.64.128.0/17",
        )
        self.store = core.Store(settings.database)
        self.store.create_tables()

        def fill(conn: core.Connection) -> None:
            identity.put_tenant(conn, identity.Tenant(TENANT, "silo.test", "Silo"))
            table = arm.Resources(self.store, clock)
            resources.ensure_subscription(conn, table, HERE, "Silo", TENANT, clock.now())
            role = access.ROLE_IDS["Owner"]
            given = access.RoleAssignment("a", "/", "owner-id", "User", role)
            access.insert_assignment(conn, given)

        self.store.write_now(fill)
        self.rooms = composition.open_rooms(settings, clock)
        self.lists = [
            one
            for one in self.rooms.catalogue.operations
            if one.filtered and "{subscription}" in one.path
        ]
        self.gateway = arm.Gateway(
            self.rooms.catalogue,
            self.rooms.resources,
            self.rooms.authorizer,
            self._authenticate,
            TENANT,
            throttle=arm.Throttle(clock, 1000),
        )

    def close(self) -> None:
        self.rooms.issuer.close()
        self.rooms.monitor.close()
        self.rooms.store.close()
        self.store.close()

    def _authenticate(self, token: str) -> access.Principal:
        return access.Principal(
            object_id=f"{token}-id", tenant_id=TENANT, type=access.PrincipalType.USER, name=token
        )

    async def ask(self, path: str, who: str) -> tuple[int, Any]:
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"api-version=2024-11-01",
            "headers": [(b"authorization", f"Bearer {who}".encode())],
            "silo": front.RequestContext("request", "127.0.0.1", NAMES.urls),
        }
        await self.gateway(scope, receive, send)
        return messages[0]["status"], json.loads(messages[1]["body"] or b"null")


@pytest.fixture
def world(tmp_path: Path):
    made = World(tmp_path)
    yield made
    made.close()


def fill(path: str, subscription: str) -> str:
    for name in ("{subscription}", "{group}", "{name}", "{namespace}", "{location}"):
        path = path.replace(name, subscription if name == "{subscription}" else "x1")
    return path.replace("{operation}", "x1")


async def test_every_list_says_the_same_of_what_exists_and_what_does_not(world: World) -> None:
    assert len(world.lists) > 20
    for operation in world.lists:
        here = await world.ask(fill(operation.path, HERE), "nobody")
        nowhere = await world.ask(fill(operation.path, NOWHERE), "nobody")

        assert here[0] in {403, 404}, operation.path
        told = json.dumps(nowhere).replace(NOWHERE, HERE)
        assert told == json.dumps(here), operation.path


async def test_who_may_read_all_of_it_is_told_that_it_does_not_exist(world: World) -> None:
    path = f"/subscriptions/{NOWHERE}/providers/Microsoft.ContainerRegistry/registries"

    status, body = await world.ask(path, "owner")

    assert (status, body["error"]["code"]) == (404, "SubscriptionNotFound")
