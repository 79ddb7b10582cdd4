"""A gateway that serves workspaces."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.arm import world as arms

from silo import arm, core
from silo.providers import operationalinsights

WORKSPACES = f"{arms.GROUP}/providers/Microsoft.OperationalInsights/workspaces"


class World(arms.World):
    """The gateway of the grammar's own tests with this provider in it."""

    def __init__(self, folder: Path) -> None:
        self.vault = core.Vault(folder / "vault.key")
        super().__init__(folder)

    def _declare(self):
        return (*super()._declare(), operationalinsights.provider(self.resources, self.vault))

    def _seed(self, conn: core.Connection) -> None:
        super()._seed(conn)
        stamp = arm.make_stamp(self.clock.now())
        self.resources.put(conn, self.resources.make(arm.parse_resource_id(arms.GROUP), {}, stamp))

    async def make(self, name: str = "logs", **properties):
        """Make a workspace as az does; return its properties."""
        body = {"location": "westeurope", "properties": properties}
        status, _, made = await self.ask("PUT", f"{WORKSPACES}/{name}", body)
        assert status == 201, made
        return made["properties"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def logs(world: World, tmp_path: Path):
    """Return the query API over the world's workspaces."""
    from tests.unit.silo.providers.operationalinsights.logs_world import Logs

    made = Logs(tmp_path, world)
    yield made
    made.monitor.close()


@pytest.fixture
async def workspace(world: World) -> str:
    """Make a workspace; return its customer id."""
    return (await world.make())["customerId"]
