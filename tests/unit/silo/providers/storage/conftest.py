"""A gateway that serves storage accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.arm import world as arms

from silo import arm, core, storage
from silo.providers import storage as microsoft_storage


class World(arms.World):
    """The gateway of the grammar's own tests with this provider in it."""

    def __init__(self, folder: Path) -> None:
        self.vault = core.Vault(folder / "vault.key")
        self.tree = storage.Tree(folder / "shares")
        super().__init__(folder)

    def _declare(self):
        declared = microsoft_storage.provider(self.resources, self.vault, self.tree)
        return (*super()._declare(), declared)

    def _seed(self, conn: core.Connection) -> None:
        super()._seed(conn)
        stamp = arm.make_stamp(self.clock.now())
        self.resources.put(conn, self.resources.make(arm.parse_resource_id(arms.GROUP), {}, stamp))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()
