"""A cluster's API, nodes and disks that are numbers, and what gives claims their volumes."""

import asyncio
import copy
from contextlib import asynccontextmanager

from tests.unit.silo.kube import kube_world as world

from silo import core
from silo.kube import attaching, storing
from silo.kube.attaching import Source

UID = "11111111-2222-3333-4444-555555555555"
NAME = f"pvc-{UID}"
DISKS, SHARES = "disk.csi.azure.com", "file.csi.azure.com"
CLAIM = {
    "metadata": {
        "namespace": "n",
        "name": "data",
        "uid": UID,
        "resourceVersion": "1",
        "annotations": {"volume.kubernetes.io/storage-provisioner": DISKS},
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
        "annotations": {"pv.kubernetes.io/provisioned-by": DISKS},
    },
    "spec": {
        "persistentVolumeReclaimPolicy": "Delete",
        "capacity": {"storage": "1Gi"},
        "claimRef": {"uid": UID},
    },
    "status": {"phase": "Released"},
}
POD = {
    "metadata": {
        "namespace": "n",
        "name": "pod",
        "uid": "p",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    },
    "spec": {"nodeName": "a", "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]},
    "status": {"phase": "Running"},
}


class FakeApi:
    """An API server with these objects, to which nothing happens but what it is asked for."""

    def __init__(self, claims=(), volumes=(), pods=(), class_=None):
        self.items = {
            "persistentvolumeclaims": claims,
            "persistentvolumes": volumes,
            "pods": pods,
        }
        self.class_ = {"reclaimPolicy": "Retain"} if class_ is None else class_
        self.put_, self.changed, self.amended = {}, [], {}
        self.done = asyncio.Event()

    async def pages(self, path):
        yield self.items[path.rpartition("/")[2]], "1"

    async def watch(self, path, version):
        await asyncio.Event().wait()
        yield "BOOKMARK", {}

    async def find(self, path):
        return {"provisioner": DISKS, **self.class_} if self.class_ else None

    async def put(self, path, document):
        self.put_[path] = document
        self.done.set()

    async def create(self, path, document):
        self.changed.append((path, document))
        self.done.set()

    async def delete(self, path):
        self.changed.append((path, None))
        self.done.set()

    async def amend(self, path, parts):
        self.amended[path] = parts
        self.done.set()
        return True


class FakeMaker:
    """Has volumes as numbers; those of ``stuck`` grow when no node has them."""

    def __init__(self, *, is_exclusive=True):
        self.is_exclusive = is_exclusive
        self.made, self.removed = {}, []
        self.stuck = None

    async def make(self, name, gib):
        self.made[name] = gib

    async def open(self, name):
        return Source(name)

    async def grow(self, name, gib):
        if self.stuck is not None and self.stuck():
            return False
        self.made[name] = gib
        return True

    async def remove(self, name):
        self.removed.append(name)


class FakeTending:
    async def do(self, work, *args):
        return work(*args)

    look = do

    def find(self, name):
        return name.removeprefix("init-")


class Nodes:
    """The nodes of the machine, and what is in them."""

    def __init__(self, patch, notes):
        self.has = {"a": set(), "b": set()}
        self.moved = asyncio.Event()
        notes.mkdir(parents=True)
        for name in self.has:
            (notes / f"init-{name}.json").touch()
        patch.setattr(attaching, "attach", self._move)
        patch.setattr(attaching, "detach", self._move)
        patch.setattr(attaching, "list_attached", self._list)

    def _move(self, node, name, source=None):
        self.has[node] ^= {name}
        self.moved.set()

    def _list(self, pids):
        return {NAME: {node for node in pids if NAME in self.has[node]}}


def open_nodes(tmp_path, monkeypatch):
    monkeypatch.setattr(storing, "_RETRY_S", 0.0)
    monkeypatch.setattr(storing, "_LOOK_S", 0.0)
    return Nodes(monkeypatch, world.paths_in(tmp_path).processes)


@asynccontextmanager
async def running(folder, api, maker, kind=DISKS):
    paths = world.paths_in(folder)
    what = storing.Storing(paths, core.SystemClock(), FakeTending(), {kind: maker})
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(what.run(api))
        yield
        running.cancel()


async def run(folder, api, *, waits=True):
    maker = FakeMaker()
    async with running(folder, api, maker):
        try:
            async with asyncio.timeout(20 if waits else 0.1):
                await api.done.wait()
        except TimeoutError:
            assert not waits
    return maker


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0)


def change(base, **parts):
    made = copy.deepcopy(base)
    for path, value in parts.items():
        *above, last = path.split("__")
        place = made
        for step in above:
            place = place[step]
        place[last] = value
    return made


BOUND = change(CLAIM, status__phase="Bound", spec__volumeName=NAME)
KEPT = change(VOLUME, status__phase="Bound")
LARGER = change(BOUND, spec__resources__requests__storage="3Gi")
