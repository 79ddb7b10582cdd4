"""A gateway that serves ARM's own grammar beside the test's things, and callers of small roles."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.silo.arm import world as arms

from silo import access, arm, core, identity
from silo.providers import resources

SUBSCRIPTION = f"/subscriptions/{arms.SUBSCRIPTION}"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"
TENANT = "tenant"


class World(arms.World):
    """The gateway of the grammar's own tests; the real groups take the place of its own."""

    def _declare(self):
        things = super()._declare()[0]
        authorizer = access.Authorizer(self.store)
        ours = resources.providers(self.resources, authorizer, lambda: self.catalogue)
        return (things, *ours)

    def _authenticate(self, token: str) -> access.Principal:
        return access.Principal(f"{token}-id", TENANT, access.PrincipalType.USER, token)

    def _seed(self, conn: core.Connection) -> None:
        super()._seed(conn)
        self.resources.delete(conn, arm.parse_resource_id(SUBSCRIPTION))
        identity.put_tenant(conn, identity.Tenant(TENANT, "silo.test", "Silo"))
        for id_ in (SUBSCRIPTION, OTHER):
            guid = id_.rpartition("/")[2]
            resources.ensure_subscription(
                conn, self.resources, guid, f"Sub {guid[0]}", TENANT, self.clock.now()
            )

    def give(self, who: str, role: str, scope: str) -> None:
        """Assign a role."""
        self.store.write_now(
            lambda conn: access.insert_assignment(
                conn,
                access.RoleAssignment(
                    name=f"{who}-{role}-{scope}",
                    scope=scope,
                    principal_id=f"{who}-id",
                    principal_type="User",
                    role_definition_id=access.ROLE_IDS[role],
                ),
            )
        )

    async def say(self, status: int, method: str, path: str, *more: Any, **kwargs: Any) -> Any:
        """Send a request that must be answered with this status; return the body."""
        found, _, body = await self.ask(method, path, *more, **kwargs)
        assert found == status, (found, body)
        return body

    async def refuse(self, code: str, method: str, path: str, *more: Any, **kwargs: Any) -> int:
        """Send a request that must be refused with this code; return the status."""
        status, _, body = await self.ask(method, path, *more, **kwargs)
        assert (body or {}).get("error", {}).get("code") == code, (status, body)
        return status

    async def make_group(self, name: str = "g1", **parts: Any) -> str:
        """Make a group; return its id."""
        path = f"{SUBSCRIPTION}/resourcegroups/{name}"
        body = await self.say(201, "PUT", path, {"location": "westeurope", **parts})
        return body["id"]

    async def make_thing(self, group: str, name: str = "one", **parts: Any) -> str:
        """Make a thing in a group; return its id."""
        path = f"{group}/providers/Silo.Test/things/{name}"
        body = await self.say(201, "PUT", path, {"location": "westeurope", **parts})
        return body["id"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()
