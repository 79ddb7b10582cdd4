import httpx2
import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import api, control_plane, rotation


@pytest.fixture
def paths(tmp_path):
    found = world.paths_in(tmp_path)
    control_plane.prepare(world.PLAN, found, world.NOW)
    return found


def test_another_set_is_issued_once_and_tokens_stay_good(paths):
    before = {path.name: path.read_bytes() for path in paths.pki.iterdir()}

    assert not rotation.is_due(paths, 0)
    assert rotation.is_due(paths, 1)
    for _ in range(2):
        rotation.ensure(paths, 1)
        control_plane.prepare(world.PLAN, paths, world.NOW)

    after = {path.name: path.read_bytes() for path in paths.pki.iterdir() if path.suffix}
    assert {name for name in before if before[name] == after[name]} == {
        "service-accounts.key",
        "service-accounts.pub",
    }
    assert not rotation.is_due(paths, 1)


def test_cluster_that_never_was_has_nothing_to_rotate(tmp_path):
    assert not rotation.is_due(world.paths_in(tmp_path), 1)


@pytest.mark.parametrize(("told", "known"), [("", False), ("-----BEGIN old", False), (None, True)])
async def test_pods_are_told_once_every_namespace_has_the_authority(paths, told, known):
    text = (paths.pki / "ca.crt").read_text()
    items = [{"data": {"ca.crt": text}}, {"data": {"ca.crt": text if told is None else told}}]
    asked = api.Api(world.PLAN, paths)
    await asked.close()
    asked._client = httpx2.AsyncClient(
        base_url="https://k.test",
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={"items": items})),
    )

    assert await rotation.is_told(asked, paths) is known
    await asked.close()
