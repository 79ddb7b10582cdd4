"""How a container's processes are brought to an end, also when its shim does not help."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import structlog
from grpc import aio

from .api import tasks_pb2
from .client import NAMESPACE, Client, is_missing, tolerating
from .mounts import KernelMounts
from .paths import Paths

log = structlog.get_logger()

_STOPPED = 3
_ADDRESS = "bootstrap.json"
"""Where a container's shim answers; containers that share one have the same."""
_TRIES = 5
_AGAIN_S = 0.2
_END_S = 10.0
"""How long a killed process may take; one that hangs in the kernel is not waited for."""


class Ending:
    """Ends what runs; used by whoever removes containers."""

    def __init__(self, client: Client, paths: Paths) -> None:
        self._client = client
        self._socket = paths.socket
        tasks = Path("io.containerd.runtime.v2.task", NAMESPACE)
        self._bundles = paths.run / "containerd" / tasks
        self._work = paths.containerd / tasks

    async def delete(self, container_id: str) -> None:
        """End a container's processes and remove their task; nothing if it has none."""
        await self._delete_task(container_id)
        # containerd forgets a task whose shim went while it was being asked to, or whose mount
        # was busy for a moment, and leaves its folder to nobody.
        await asyncio.to_thread(self._remove_folders, container_id)

    def _remove_folders(self, container_id: str) -> None:
        mounts = KernelMounts()
        for root in (self._bundles, self._work):
            for folder in (root / container_id, root / f".{container_id}"):
                if not folder.exists():
                    continue
                kill_shims(self._socket, container_id)
                for place in mounts.list_below(folder):
                    mounts.unmount(place)
                # What is mounted still must not be walked into: it is the container's own files.
                if not mounts.list_below(folder):
                    shutil.rmtree(folder, ignore_errors=True)

    async def _delete_task(self, container_id: str) -> None:
        tasks = self._client.tasks
        with tolerating(is_missing):
            named = tasks_pb2.GetRequest(container_id=container_id)
            task = (await self._client.call(tasks.get, named)).process
            if task.status != _STOPPED:
                await self._kill(container_id)
        # Also when there is no task: a deletion that was cut off, as when whoever asked for it is
        # cancelled, leaves the shim alone with nothing, until it is asked for again.
        delete = tasks_pb2.DeleteTaskRequest(container_id=container_id)
        for _ in range(_TRIES):
            try:
                await self._client.call(tasks.delete, delete)
            except aio.AioRpcError as error:
                if is_missing(error):
                    return
                # A sandbox that died as a whole needs a moment until its parts know it.
                reason = error.details()
                await asyncio.sleep(_AGAIN_S)
            else:
                return
        log.warning("shim does not let go of its container", id=container_id, reason=reason)
        with tolerating(is_missing):
            await self._kill_shim(container_id)

    async def comes(self, container_id: str) -> bool:
        """Wait a moment for a container's end; return whether it came."""
        wait = tasks_pb2.WaitRequest(container_id=container_id)
        try:
            await self._client.call(self._client.tasks.wait, wait, timeout_s=_END_S)
        except aio.AioRpcError as error:
            return has_ended(error)
        return True

    async def _kill(self, container_id: str) -> None:
        kill = tasks_pb2.KillRequest(container_id=container_id, signal=signal.SIGKILL, all=True)
        try:
            await self._client.call(self._client.tasks.kill, kill)
        except aio.AioRpcError as error:
            if not has_ended(error) and not await self.comes(container_id):
                raise
        await self.comes(container_id)

    async def _kill_shim(self, container_id: str) -> None:
        """End the shim; containerd then removes by force what it kept."""
        await asyncio.to_thread(self._kill_sharing, container_id)
        get = tasks_pb2.GetRequest(container_id=container_id)
        async with asyncio.timeout(_END_S):
            while True:
                await self._client.call(self._client.tasks.get, get)
                await asyncio.sleep(_AGAIN_S)

    def _kill_sharing(self, container_id: str) -> None:
        """Kill the shim of a container, also where it is that of its group's sandbox."""
        kill_shims(self._socket, container_id)
        with suppress(OSError):
            address = (self._bundles / container_id / _ADDRESS).read_bytes()
            for other in self._bundles.glob(f"*/{_ADDRESS}"):
                if other.read_bytes() == address:
                    kill_shims(self._socket, other.parent.name)


def kill_shims(socket: Path, container_id: str = "") -> None:
    """Kill the shims that report to a socket, or the one of a container."""
    for pid in _list_shims(socket, container_id):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def is_idle(paths: Paths) -> bool:
    """Tell whether nothing is left on the machine that an engine which has stopped must find again.

    Where any group or cluster is on a network, the network has its notes.
    """
    kept = (paths.run / "network.json", *(paths.run / "clusters").glob("*"))
    return not (
        any(path.exists() for path in kept)
        or KernelMounts().list_below(paths.run)
        or any(_list_shims(paths.socket))
    )


def _list_shims(socket: Path, container_id: str = "") -> Iterator[int]:
    wanted = [f"-address\0{socket}\0", f"-id\0{container_id}\0" if container_id else ""]
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        with suppress(OSError):
            if (place / "exe").readlink().name.startswith("containerd-shim"):
                words = f"{(place / 'cmdline').read_text(errors='replace')}\0"
                if all(pair in words for pair in wanted):
                    yield int(place.name)


def has_ended(error: aio.AioRpcError) -> bool:
    """Return whether containerd says that there is nothing left to signal."""
    return error.code() in {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND}
