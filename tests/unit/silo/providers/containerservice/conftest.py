import pytest
from tests.unit.silo.arm.world import GROUP

from .cluster_world import ClusterWorld


@pytest.fixture
async def world(tmp_path):
    made = ClusterWorld(tmp_path)
    status, _, _ = await made.ask("PUT", GROUP, {"location": "westeurope"})
    assert status == 201
    yield made
    made.store.close()
