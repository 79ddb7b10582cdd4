import pytest
from tests.unit.silo.kube.storing_world import (
    BOUND,
    CLAIM,
    KEPT,
    LARGER,
    NAME,
    POD,
    SHARES,
    FakeApi,
    FakeMaker,
    change,
    open_nodes,
    running,
    until,
)

from silo.kube import claims


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    return open_nodes(tmp_path, monkeypatch)


async def test_disk_is_brought_to_the_node_of_its_pod_and_fetched_from_another(tmp_path, nodes):
    nodes.has["b"].add(NAME)
    async with running(tmp_path, FakeApi([BOUND], [KEPT], [POD]), FakeMaker()):
        await until(lambda: nodes.has == {"a": {NAME}, "b": set()})


async def test_disk_stays_with_its_pod_and_one_elsewhere_is_told(tmp_path, nodes):
    nodes.has["a"].add(NAME)
    other = change(POD, metadata__uid="q", metadata__name="other", spec__nodeName="b")
    # The one that came first does not matter, but the one that has it.
    other["metadata"]["creationTimestamp"] = "2025-01-01T00:00:00Z"
    api = FakeApi([BOUND], [KEPT], [POD, other])
    async with running(tmp_path, api, FakeMaker()):
        await until(lambda: api.changed)

    ((path, event),) = api.changed
    assert (path, event["reason"]) == ("/api/v1/namespaces/n/events", "FailedAttachVolume")
    assert event["involvedObject"]["name"] == "other"
    assert "Multi-Attach error" in event["message"]
    assert nodes.has == {"a": {NAME}, "b": set()}


async def test_share_is_wherever_a_pod_is(tmp_path, nodes):
    shared = change(KEPT, metadata__annotations={"pv.kubernetes.io/provisioned-by": SHARES})
    pods = [POD, change(POD, metadata__uid="q", spec__nodeName="b")]
    maker = FakeMaker(is_exclusive=False)
    async with running(tmp_path, FakeApi([BOUND], [shared], pods), maker, SHARES):
        await until(lambda: nodes.has == {"a": {NAME}, "b": {NAME}})


async def test_node_that_started_anew_gets_its_volumes_again(tmp_path, nodes):
    async with running(tmp_path, FakeApi([BOUND], [KEPT], [POD]), FakeMaker()):
        await until(lambda: nodes.has["a"])
        nodes.has["a"].clear()
        await until(lambda: nodes.has["a"])


async def test_volume_grows_under_its_pod_where_the_machine_lets_it(tmp_path, nodes):
    api, maker = FakeApi([LARGER], [KEPT], [POD]), FakeMaker()
    async with running(tmp_path, api, maker):
        await until(lambda: len(api.amended) == 2)

    volume, claim = api.amended.values()
    assert volume == {"spec": {"capacity": {"storage": "3Gi"}}}
    assert claim == {"status": {"capacity": {"storage": "3Gi"}, "conditions": []}}
    assert maker.made == {NAME: 3}


async def test_volume_that_is_used_waits_with_its_growth_and_says_so(tmp_path, nodes):
    api, maker = FakeApi([LARGER], [KEPT], [POD]), FakeMaker()
    maker.stuck = lambda: True
    async with running(tmp_path, api, maker):
        await until(lambda: api.amended)

    ((path, parts),) = api.amended.items()
    assert path == "/api/v1/namespaces/n/persistentvolumeclaims/data/status"
    (condition,) = parts["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("FileSystemResizePending", "True")
    assert not maker.made


async def test_volume_of_pods_that_do_not_run_yet_is_let_go_and_grows(tmp_path, nodes):
    nodes.has["a"].add(NAME)
    maker = FakeMaker()
    maker.stuck = lambda: any(nodes.has.values())
    api = FakeApi([LARGER], [KEPT], [change(POD, status__phase="Pending")])
    async with running(tmp_path, api, maker):
        await until(lambda: maker.made == {NAME: 3})


async def test_pods_do_not_wait_for_ever_for_a_volume_that_does_not_grow(tmp_path, nodes):
    maker = FakeMaker()
    maker.stuck = lambda: True
    api = FakeApi([LARGER], [KEPT], [change(POD, status__phase="Pending")])
    async with running(tmp_path, api, maker):
        await until(lambda: nodes.has["a"])


@pytest.mark.parametrize(
    ("pod", "names"),
    [
        (POD, {"data"}),
        (change(POD, status__phase="Succeeded"), set()),
        (change(POD, spec__nodeName=""), set()),
        (change(POD, spec__volumes=[{"name": "v", "ephemeral": {}}, {"name": "w"}]), {"pod-v"}),
    ],
)
def test_pod_uses_what_its_volumes_name_while_it_is_on_a_node(pod, names):
    assert claims.read_use(pod).claims == names


@pytest.mark.parametrize(
    ("class_", "reason"),
    [
        ({"mountOptions": ["dir_mode=0777", "mfsymlinks", "actimeo=30"]}, ""),
        ({"mountOptions": ["uid=1000"]}, "uid=1000"),
        ({"parameters": {"skuName": "Premium_LRS", "protocol": "SMB"}}, ""),
        ({"parameters": {"protocol": "nfs"}}, "protocol"),
        ({"parameters": {"shareName": "mine"}}, "shareName"),
    ],
)
def test_class_of_shares_asks_for_what_there_is(class_, reason):
    asked = {"volume.kubernetes.io/storage-provisioner": SHARES}
    many = change(CLAIM, metadata__annotations=asked, spec__accessModes=["ReadWriteMany"])
    claim = claims.read_claim(many)

    assert not claim.extra
    found = claims.find_reason(claim, {"provisioner": SHARES, **class_})
    assert reason in found
    assert bool(found) == bool(reason)
