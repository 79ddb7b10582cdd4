import json

import pytest
from tests.unit.silo.kube.storing_world import (
    CLAIM,
    DISKS,
    NAME,
    UID,
    VOLUME,
    FakeApi,
    change,
    open_nodes,
    run,
)

from silo.kube import storing
from silo.kube.errors import StepFailed


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    return open_nodes(tmp_path, monkeypatch)


async def test_claim_gets_a_volume_of_whole_gibibytes(tmp_path):
    api = FakeApi([change(CLAIM, spec__resources__requests__storage="600M")])
    maker = await run(tmp_path, api)

    (spec,) = (one["spec"] for one in api.put_.values())
    assert maker.made == {NAME: 1}
    assert spec["local"] == {"path": f"/mnt/disks/{NAME}"}
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"
    assert (spec["claimRef"]["uid"], spec["capacity"]) == (UID, {"storage": "1Gi"})


@pytest.mark.parametrize(
    "claim",
    [
        change(CLAIM, metadata__annotations={}),
        change(CLAIM, status__phase="Bound"),
        change(CLAIM, spec__volumeName="somebody's"),
        change(CLAIM, metadata__deletionTimestamp="now"),
    ],
)
async def test_who_does_not_wait_for_us_gets_nothing(tmp_path, claim):
    api = FakeApi([claim])
    maker = await run(tmp_path, api, waits=False)

    assert not maker.made
    assert not api.put_


async def test_disk_that_is_there_is_not_made_again(tmp_path):
    api = FakeApi([CLAIM], [change(VOLUME, status__phase="Available")])
    await run(tmp_path, api, waits=False)

    assert not api.put_
    assert not api.changed


@pytest.mark.parametrize(
    ("claim", "class_", "reason"),
    [
        (change(CLAIM, spec__accessModes=["ReadWriteMany"]), None, "ReadWriteMany"),
        (change(CLAIM, spec__volumeMode="Block"), None, "block"),
        (change(CLAIM, spec__dataSource={"kind": "VolumeSnapshot"}), None, "dataSource"),
        (change(CLAIM, spec__resources__requests__storage="17Ti"), None, "16384 GiB"),
        (CLAIM, {"provisioner": "other"}, "another one"),
        (CLAIM, {"parameters": {"diskEncryptionSetID": "x"}}, "diskEncryptionSetID"),
        (CLAIM, {"mountOptions": ["noatime"]}, "noatime"),
    ],
)
async def test_what_there_is_not_is_refused_by_name(tmp_path, claim, class_, reason):
    api = FakeApi([claim], class_=class_)
    maker = await run(tmp_path, api)

    ((path, event),) = api.changed
    assert path == "/api/v1/namespaces/n/events"
    assert (event["type"], event["reason"]) == ("Warning", "ProvisioningFailed")
    assert reason in event["message"]
    assert not maker.made


async def test_released_volume_goes_with_all_that_is_in_it(tmp_path, nodes):
    nodes.has["a"].add(NAME)
    api = FakeApi(volumes=[VOLUME])
    maker = await run(tmp_path, api)

    assert (maker.removed[:1], nodes.has["a"]) == ([NAME], set())
    assert api.changed[0] == (f"/api/v1/persistentvolumes/{NAME}", None)


@pytest.mark.parametrize(
    "volume",
    [
        change(VOLUME, spec__persistentVolumeReclaimPolicy="Retain"),
        change(VOLUME, status__phase="Bound"),
        change(VOLUME, metadata__annotations={}),
        change(VOLUME, metadata__name="etcd"),
    ],
)
async def test_what_is_kept_or_not_ours_stays(tmp_path, volume):
    maker = await run(tmp_path, FakeApi(volumes=[volume]), waits=False)

    assert not maker.removed


async def test_one_claim_that_fails_holds_up_no_other(tmp_path):
    other = change(CLAIM, metadata__uid="11111111-2222-3333-4444-666666666666")
    api = FakeApi([CLAIM, other])
    put = api.put

    async def fail_first(path, document):
        if path.endswith(NAME):
            raise StepFailed("no")
        await put(path, document)

    api.put = fail_first
    await run(tmp_path, api)

    assert json.dumps(list(api.put_)).count("666666666666") == 1


@pytest.mark.parametrize("items", [{"claims": [CLAIM]}, {"volumes": [VOLUME]}])
async def test_disk_that_failed_is_tried_again(tmp_path, monkeypatch, items):
    monkeypatch.setattr(storing, "_RETRY_S", 0.0)
    api = FakeApi(**items)
    put, delete, failures = api.put, api.delete, [StepFailed("no"), OSError("full")]

    async def fail_first(*_):
        if failures:
            raise failures.pop()

    async def try_to_put(path, document):
        await fail_first()
        await put(path, document)

    async def try_to_delete(path):
        await fail_first()
        await delete(path)

    api.put, api.delete = try_to_put, try_to_delete
    await run(tmp_path, api)

    assert api.done.is_set()


async def test_claim_gets_its_disk_once_its_class_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "_RETRY_S", 0.0)
    api = FakeApi([CLAIM])
    classes = [{"reclaimPolicy": "Delete", "provisioner": DISKS}, None]

    async def find(_path):
        return classes.pop() if len(classes) > 1 else classes[0]

    async def tell(path, document):
        api.changed.append((path, document))

    api.find, api.create = find, tell
    await run(tmp_path, api)

    ((_, event),) = api.changed
    assert "class is gone" in event["message"]
    assert len(api.put_) == 1
