"""One sandbox per group of the levels above ``process``: a kernel that its containers share.

gVisor's is in user space, Kata's in a virtual machine; both know it by the same annotations.

gVisor takes the addresses off the network interface when it starts, so the sandbox lives as long
as the group's network, and containers come and go inside. Its first container does nothing
(silo-init --rest) and is nobody's; the limits that hold are the sandbox's.
Source: gVisor, pkg/shim/v1 (annotations of Kubernetes' container runtime interface); Kata
Containers, docs/design/architecture and src/runtime/pkg/oci (how large the machine gets).
"""

import json
import shutil
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2
from grpc import aio

from .api import containers_pb2, mount_pb2, tasks_pb2
from .binaries import Binaries
from .boosts import START_US
from .client import Client, is_missing
from .containers import GROUP_LABEL, INSTANCE_LABEL
from .levels import Shim
from .paths import Paths
from .plans import GroupPlan, Level
from .records import SPEC, record

ROLE_LABEL = "silo.role"
ROLE = "sandbox"
_TYPE = "io.kubernetes.cri.container-type"
_SANDBOX = "io.kubernetes.cri.sandbox-id"
_RUNNING = 2
SANDBOX_BYTES = 64 << 20
"""Memory of gVisor's own, on top of what the group has asked for."""


def get_sandbox_id(group: str) -> str:
    """Return the container id of a group's sandbox."""
    return f"{group}-{ROLE}"


def join(spec: dict[str, Any], group: str) -> dict[str, Any]:
    """Return the spec of a container that starts inside its group's sandbox."""
    annotations = {**spec["annotations"], _TYPE: "container", _SANDBOX: get_sandbox_id(group)}
    return {**spec, "annotations": annotations}


def is_inside(spec: dict[str, Any]) -> bool:
    """Return whether a container of this spec lives in a sandbox with others."""
    kind: str = spec["annotations"].get(_TYPE, "")
    return kind == "container"


def get_cgroup(group: str, instance: str) -> str:
    """Return the control group of a group's sandbox."""
    return f"/silo/{instance}/{group}/{ROLE}"


def read_limits(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what the group of a container may use, all of it together."""
    limits: dict[str, Any] = json.loads(spec["annotations"].get("silo.group", "{}"))
    return limits


def _leave_room(limits: dict[str, Any]) -> dict[str, Any]:
    """Return the limits that a sandbox comes up under."""
    room = dict(limits)
    if "cpu" in limits:
        room["cpu"] = {**limits["cpu"], "quota": max(limits["cpu"]["quota"], START_US)}
    if "memory" in limits:
        room["memory"] = {name: size + SANDBOX_BYTES for name, size in limits["memory"].items()}
    return room


def describe_sharing(plan: GroupPlan) -> str:
    """Return what a group has to be told of its limits; nothing if they hold as they are."""
    limited = any(one.cpu_limit or one.memory_limit_bytes for one in plan.containers)
    if plan.level is not Level.SANDBOX or len(plan.containers) == 1 or not limited:
        return ""
    return (
        "The containers share one sandbox: the group's processor time and memory are limited as a "
        "whole, limits of single containers are not enforced at isolation level 'sandbox'."
    )


def _describe_size(limits: dict[str, Any]) -> dict[str, str]:
    """Return the annotations that a virtual machine is sized by."""
    cpu, memory = limits.get("cpu", {}), limits.get("memory", {})
    sizes = {
        "cpu-period": cpu.get("period"),
        "cpu-quota": cpu.get("quota"),
        "cpu-shares": cpu.get("shares"),
        "memory": memory.get("limit"),
    }
    return {f"io.kubernetes.cri.sandbox-{name}": str(size) for name, size in sizes.items() if size}


def render_sandbox(
    spec: dict[str, Any], group: str, instance: str, level: Level = Level.SANDBOX
) -> dict[str, Any]:
    """Return the spec of the sandbox that this container's group needs."""
    linux, limits = spec["linux"], read_limits(spec)
    resources = {**linux["resources"], **_leave_room(limits)}
    annotations = {_TYPE: "sandbox", _SANDBOX: get_sandbox_id(group)}
    if level is Level.HYPERVISOR:
        # Inside of the machine this one is a container like others: its limits would be added.
        resources = {name: linux["resources"][name] for name in ("devices", "pids")}
        annotations |= _describe_size(limits)
    return {
        "ociVersion": spec["ociVersion"],
        "hostname": spec["hostname"],
        "process": {
            "terminal": False,
            "user": {"uid": 65534, "gid": 65534},
            "args": ["/silo-init", "--rest"],
            "env": [],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "mounts": [],
        "linux": {
            "namespaces": linux["namespaces"],
            "cgroupsPath": get_cgroup(group, instance),
            "resources": resources,
        },
        "annotations": annotations,
    }


def lay_root(binaries: Binaries, paths: Paths) -> Path:
    """Make the root file system of sandboxes: one program that rests."""
    root = paths.run / "rest"
    root.mkdir(exist_ok=True)
    root.chmod(0o755)
    if not (root / "silo-init").exists():
        fresh = root / ".silo-init"
        shutil.copyfile(binaries.init, fresh)
        fresh.chmod(0o755)
        fresh.replace(root / "silo-init")
    return root


async def is_running(client: Client, group: str) -> bool:
    """Return whether a group's sandbox is there and alive."""
    try:
        request = tasks_pb2.GetRequest(container_id=get_sandbox_id(group))
        return (await client.call(client.tasks.get, request)).process.status == _RUNNING
    except aio.AioRpcError as error:
        if not is_missing(error):
            raise
    return False


async def make(
    client: Client, runtime: tuple[Level, Shim], group: str, spec: dict[str, Any], root: Path
) -> None:
    """Make and start a group's sandbox; ``root`` is what `lay_root` made."""
    container_id = get_sandbox_id(group)
    instance = root.parent.name
    level, shim = runtime
    sandbox = render_sandbox(spec, group, instance, level)
    await record(client, container_id, shim)
    labels = {INSTANCE_LABEL: instance, GROUP_LABEL: group, ROLE_LABEL: ROLE}
    container = containers_pb2.Container(
        id=container_id,
        labels=labels,
        runtime=containers_pb2.Container.Runtime(name=shim[0], options=shim[1]),
        spec=any_pb2.Any(type_url=SPEC, value=json.dumps(sandbox).encode()),
    )
    await client.call(
        client.containers.create, containers_pb2.CreateContainerRequest(container=container)
    )
    rootfs = mount_pb2.Mount(type="bind", source=str(root), options=["rbind", "ro"])
    task = tasks_pb2.CreateTaskRequest(container_id=container_id, rootfs=[rootfs])
    await client.call(client.tasks.create, task)
    await client.call(client.tasks.start, tasks_pb2.StartRequest(container_id=container_id))
