"""How a container is made, in the order that survives a crash at any point.

record → container → snapshot → task. The container names its snapshot, which containerd's clean-up
leaves alone from then on, made or not; what is half made is found in the list of containers.
Without the record (a sandbox's, in containerd's words) the exit of a task that ends while
containerd is away is lost.
"""

import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import any_pb2

from .api import (
    containers_pb2,
    mount_pb2,
    sandbox_pb2,
    sandboxes_pb2,
    snapshots_pb2,
    tasks_pb2,
)
from .client import SNAPSHOTTER, Client, is_present, tolerating
from .containers import Image
from .levels import Shim

SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Spec"


@dataclass(frozen=True, slots=True)
class Order:
    """A container to be made."""

    container_id: str
    image: Image
    spec: dict[str, Any]
    labels: dict[str, str]
    shim: Shim
    stdout: str
    """Where its output goes, as containerd is told."""
    stderr: str


async def make(client: Client, order: Order) -> None:
    """Make a container; its program is loaded and waits for the start."""
    await record(client, order.container_id, order.shim)
    container = containers_pb2.Container(
        id=order.container_id,
        labels=order.labels,
        image=order.image.digest,
        runtime=containers_pb2.Container.Runtime(name=order.shim[0], options=order.shim[1]),
        spec=any_pb2.Any(type_url=SPEC, value=json.dumps(order.spec).encode()),
        snapshotter=SNAPSHOTTER,
        snapshot_key=order.container_id,
    )
    request = containers_pb2.CreateContainerRequest(container=container)
    await client.call(client.containers.create, request)
    task = tasks_pb2.CreateTaskRequest(
        container_id=order.container_id,
        rootfs=await _prepare(client, order),
        stdout=order.stdout,
        stderr=order.stderr,
    )
    await client.call(client.tasks.create, task)


async def record(client: Client, container_id: str, shim: Shim) -> None:
    """Write the record without which an end that nobody saw is lost."""
    # containerd 2.4.2 falls over one without a runtime.
    made = sandbox_pb2.Sandbox(
        sandbox_id=container_id,
        runtime=sandbox_pb2.Sandbox.Runtime(name=shim[0], options=shim[1]),
        spec=any_pb2.Any(type_url=SPEC, value=b"{}"),
    )
    with tolerating(is_present):
        request = sandboxes_pb2.StoreCreateRequest(sandbox=made)
        await client.call(client.sandboxes.create, request)


async def _prepare(client: Client, order: Order) -> list[mount_pb2.Mount]:
    linux = order.spec["linux"]
    labels = {
        f"containerd.io/snapshot/{kind}mapping": _render_mapping(linux[f"{kind}Mappings"])
        for kind in ("uid", "gid")
        if f"{kind}Mappings" in linux
    }
    prepare = snapshots_pb2.PrepareSnapshotRequest(
        snapshotter=SNAPSHOTTER, key=order.container_id, parent=order.image.chain, labels=labels
    )
    return list((await client.call(client.snapshots.prepare, prepare)).mounts)


def _render_mapping(mappings: list[dict[str, int]]) -> str:
    return ",".join(f"{one['containerID']}:{one['hostID']}:{one['size']}" for one in mappings)
