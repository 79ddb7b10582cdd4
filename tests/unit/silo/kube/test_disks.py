import asyncio
import copy
import json
import os

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import core
from silo.kube import disks
from silo.kube.errors import StepFailed

UID = "11111111-2222-3333-4444-555555555555"
NAME = f"pvc-{UID}"
CLAIM = {
    "metadata": {
        "namespace": "n",
        "name": "data",
        "uid": UID,
        "resourceVersion": "1",
        "annotations": {"volume.kubernetes.io/storage-provisioner": "disk.csi.azure.com"},
    },
    "spec": {
        "storageClassName": "default",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
    "status": {"phase": "Pending"},
}
VOLUME = {
    "metadata": {
        "name": NAME,
        "uid": "v",
        "resourceVersion": "1",
        "annotations": {"pv.kubernetes.io/provisioned-by": "disk.csi.azure.com"},
    },
    "spec": {"persistentVolumeReclaimPolicy": "Delete"},
    "status": {"phase": "Released"},
}


class FakeApi:
    """An API server with these objects, to which nothing happens but what it is asked for."""

    def __init__(self, claims=(), volumes=(), class_=None):
        self.items = {"persistentvolumeclaims": claims, "persistentvolumes": volumes}
        self.class_ = {"reclaimPolicy": "Retain"} if class_ is None else class_
        self.put_, self.changed = {}, []
        self.done = asyncio.Event()

    async def pages(self, path):
        yield self.items[path.rpartition("/")[2]], "1"

    async def watch(self, path, version):
        await asyncio.Event().wait()
        yield "BOOKMARK", {}

    async def find(self, path):
        return self.class_

    async def put(self, path, document):
        self.put_[path] = document
        self.done.set()

    async def create(self, path, document):
        self.changed.append((path, document))
        self.done.set()

    async def delete(self, path):
        self.changed.append((path, None))
        self.done.set()


async def run(folder, api, *, waits=True):
    paths = world.paths_in(folder)
    paths.disks.mkdir(parents=True, exist_ok=True)
    paths.first_id.write_text(str(os.getuid()))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(disks.Disks(paths, core.SystemClock()).run(api))
        try:
            async with asyncio.timeout(20 if waits else 0.1):
                await api.done.wait()
        except TimeoutError:
            assert not waits
        running.cancel()
    return paths.disks


def change(base, **parts):
    made = copy.deepcopy(base)
    for path, value in parts.items():
        *above, last = path.split("__")
        place = made
        for step in above:
            place = place[step]
        place[last] = value
    return made


async def test_claim_gets_a_folder_that_every_node_sees(tmp_path):
    api = FakeApi([CLAIM])
    folder = await run(tmp_path, api)

    (spec,) = (one["spec"] for one in api.put_.values())
    assert (folder / NAME).is_dir()
    assert (folder / NAME).stat().st_mode & 0o777 == 0o755
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
    folder = await run(tmp_path, api, waits=False)

    assert not list(folder.iterdir())
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
        (CLAIM, {"parameters": {"diskEncryptionSetID": "x"}}, "diskEncryptionSetID"),
        (CLAIM, {"mountOptions": ["noatime"]}, "mountOptions"),
    ],
)
async def test_what_a_folder_cannot_be_is_refused_by_name(tmp_path, claim, class_, reason):
    api = FakeApi([claim], class_=class_)
    folder = await run(tmp_path, api)

    ((path, event),) = api.changed
    assert path == "/api/v1/namespaces/n/events"
    assert (event["type"], event["reason"]) == ("Warning", "ProvisioningFailed")
    assert reason in event["message"]
    assert not list(folder.iterdir())


async def test_released_disk_goes_with_all_that_is_in_it(tmp_path):
    old = world.paths_in(tmp_path).disks / NAME
    old.mkdir(parents=True)
    (old / "file").write_text("x")
    inner = old
    for _ in range(1500):  # more than Python calls itself
        inner /= "d"
        inner.mkdir()
    api = FakeApi(volumes=[VOLUME])
    folder = await run(tmp_path, api)

    assert not list(folder.iterdir())
    assert api.changed == [(f"/api/v1/persistentvolumes/{NAME}", None)]


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
    kept = world.paths_in(tmp_path).disks / NAME
    kept.mkdir(parents=True)
    await run(tmp_path, FakeApi(volumes=[volume]), waits=False)

    assert kept.is_dir()


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
    monkeypatch.setattr(disks, "_RETRY_S", 0.0)
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
    monkeypatch.setattr(disks, "_RETRY_S", 0.0)
    api = FakeApi([CLAIM])
    classes = [{"reclaimPolicy": "Delete"}, None]

    async def find(_path):
        return classes.pop() if len(classes) > 1 else classes[0]

    async def tell(path, document):
        api.changed.append((path, document))

    api.find, api.create = find, tell
    await run(tmp_path, api)

    ((_, event),) = api.changed
    assert "class is gone" in event["message"]
    assert len(api.put_) == 1
