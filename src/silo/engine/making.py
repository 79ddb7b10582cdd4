"""How a container is made, in the order that survives a crash at any point.

record → container → snapshot → task. The container names its snapshot, which containerd's clean-up
leaves alone from then on, made or not; what is half made is found in the list of containers.
Without the record (a sandbox's, in containerd's words) the exit of a task that ends while
containerd is away is lost. All but the task needs no network, and is laid while that is made.
"""

import asyncio
import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2

from . import environment, levels, sandboxes, specs
from .api import (
    containers_pb2,
    mount_pb2,
    snapshots_pb2,
    tasks_pb2,
)
from .binaries import Binaries
from .client import SNAPSHOTTER, Client
from .containers import CONTAINER_LABEL, GROUP_LABEL, INSTANCE_LABEL, Image
from .logger import Logger
from .paths import Paths
from .plans import Level
from .records import SPEC, record

IDS_LABEL = "silo.first-id"


@dataclass(frozen=True, slots=True)
class Draft:
    """A container as it is asked for."""

    container_id: str
    image: Image
    spec: dict[str, Any]
    level: Level
    log_path: Path
    group: str
    name: str
    secrets: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Laid:
    """A container that only needs to be loaded."""

    draft: Draft
    spec: dict[str, Any]
    shim: levels.Shim
    task: tasks_pb2.CreateTaskRequest


class Maker:
    """Makes containers; nobody else writes what belongs to one."""

    def __init__(self, client: Client, binaries: Binaries, paths: Paths, logger: Logger) -> None:
        self._client = client
        self._binaries = binaries
        self._paths = paths
        self._logger = logger

    async def lay(self, draft: Draft) -> Laid:
        """Make everything of a container but its task; nothing of it runs yet."""
        client, id_ = self._client, draft.container_id
        spec = await self._complete(draft)
        shim = levels.describe_runtime(draft.level, self._binaries, self._paths)
        draft.log_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stdout, stderr = await self._logger.open(id_, draft.log_path)
        await record(client, id_, shim)
        inner = spec if draft.level is Level.PROCESS else sandboxes.join(spec, draft.group)
        container = containers_pb2.Container(
            id=id_,
            labels=self._render_labels(draft, spec),
            image=draft.image.digest,
            runtime=containers_pb2.Container.Runtime(name=shim[0], options=shim[1]),
            spec=any_pb2.Any(type_url=SPEC, value=json.dumps(inner).encode()),
            snapshotter=SNAPSHOTTER,
            snapshot_key=id_,
        )
        request = containers_pb2.CreateContainerRequest(container=container)
        await client.call(client.containers.create, request)
        rootfs = await _prepare(client, draft, spec)
        task = tasks_pb2.CreateTaskRequest(
            container_id=id_, rootfs=rootfs, stdout=stdout, stderr=stderr
        )
        return Laid(draft, spec, shim, task)

    async def load(self, laid: Laid) -> None:
        """Make the task: the program is loaded and waits for the start."""
        await self._client.call(self._client.tasks.create, laid.task)

    async def _complete(self, draft: Draft) -> dict[str, Any]:
        spec = specs.with_most_files(draft.spec, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        if draft.secrets:
            reader = spec["process"]["user"]["uid"]
            place = await asyncio.to_thread(
                environment.write, self._paths.run, draft.container_id, draft.secrets, reader
            )
            spec = specs.with_secrets(spec, str(self._binaries.init), str(place))
        return spec

    def _render_labels(self, draft: Draft, spec: dict[str, Any]) -> dict[str, str]:
        labels = {
            INSTANCE_LABEL: self._paths.run.name,
            GROUP_LABEL: draft.group,
            CONTAINER_LABEL: draft.name,
            "silo.level": draft.level.value,
        }
        if mapping := spec["linux"].get("uidMappings"):
            labels[IDS_LABEL] = str(mapping[0]["hostID"])
        return labels


async def _prepare(client: Client, draft: Draft, spec: dict[str, Any]) -> list[mount_pb2.Mount]:
    linux = spec["linux"]
    labels = {
        f"containerd.io/snapshot/{kind}mapping": _render_mapping(linux[f"{kind}Mappings"])
        for kind in ("uid", "gid")
        if f"{kind}Mappings" in linux
    }
    prepare = snapshots_pb2.PrepareSnapshotRequest(
        snapshotter=SNAPSHOTTER, key=draft.container_id, parent=draft.image.chain, labels=labels
    )
    return list((await client.call(client.snapshots.prepare, prepare)).mounts)


def _render_mapping(mappings: list[dict[str, int]]) -> str:
    return ",".join(f"{one['containerID']}:{one['hostID']}:{one['size']}" for one in mappings)
