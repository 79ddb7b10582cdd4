"""Containers on this machine: made, started, watched, removed; also after everyone has died."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any
from weakref import WeakValueDictionary

from google.protobuf import any_pb2
from grpc import aio

from silo import core

from . import cgroups, environment, levels, metrics, sandboxes, specs
from .api import (
    containers_pb2,
    process_pb2,
    sandboxes_pb2,
    snapshots_pb2,
    tasks_pb2,
)
from .binaries import Binaries
from .boosts import Boosts
from .client import SNAPSHOTTER, Client, is_missing, is_present, tolerating, translate, translating
from .containers import (
    INSTANCE_LABEL,
    Credentials,
    Exit,
    Found,
    Happening,
    Image,
    Size,
    Stats,
    Status,
)
from .ending import Ending, has_ended
from .errors import ContainerMissing, ContainerRefused, EngineError, shorten
from .events import watch_events
from .execs import ExecSession, open_exec
from .images import Images
from .logger import Logger
from .making import IDS_LABEL, Draft, Laid, Maker
from .paths import Paths
from .plans import Level
from .registries import Registries
from .unpack import Report

FIRST_ID = 0x70000000
"""Where our users begin on the machine: systemd's list of id ranges has nobody from here on."""
GROUPS = 4096
"""Ranges of 65 536 up to 0x7FFFFFFF."""
_KILL = 9
_STATUS = {1: Status.CREATED, 2: Status.RUNNING, 3: Status.STOPPED}


class Runtime:
    """The containers of one instance."""

    def __init__(
        self, binaries: Binaries, paths: Paths, clock: core.Clock, registries: Registries
    ) -> None:
        self._binaries = binaries
        self._paths = paths
        self._client = Client(paths.socket, clock)
        self._images = Images(self._client, registries, paths.containerd, clock)
        self._ending = Ending(self._client, paths)
        self._logger = Logger(binaries.logger, paths.run)
        self._maker = Maker(self._client, binaries, paths, self._logger)
        self._laid: dict[str, Laid] = {}
        self._boosts = Boosts()
        self._first_ids: dict[str, int] | None = None
        self._starting = asyncio.Lock()
        self._making: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def instance(self) -> str:
        """Short name of the instance; labels and cgroups carry it."""
        return self._paths.run.name

    async def close(self) -> None:
        """Hang up; the containers run on."""
        self._logger.leave()
        await self._client.close()

    async def take_up(self) -> None:
        """See to it that what containers of an earlier process of ours say is kept."""
        await self._logger.take_up()

    async def ensure_image(
        self, reference: str, credentials: Credentials, on_progress: Report = lambda _progress: None
    ) -> Image:
        """Make an image ready to start; asks the registry each time, fetches what is missing.

        Raises:
            ImageInaccessible: with the reason.

        """
        return await self._images.ensure(reference, credentials, on_progress)

    async def get_first_id(self, group: str, level: Level) -> int:
        """Return what root in this group's containers is on the machine (`Place.first_id`)."""
        if level is not Level.PROCESS:
            return 0
        async with self._starting:
            if self._first_ids is None:
                self._first_ids = {
                    found.group: int(found.labels[IDS_LABEL])
                    for found in await self.list_containers()
                    if IDS_LABEL in found.labels
                }
        if group not in self._first_ids:
            taken = set(self._first_ids.values())
            ranges = (FIRST_ID + index * specs.IDS for index in range(GROUPS))
            free = next((first for first in ranges if first not in taken), None)
            if free is None:
                raise EngineError(f"This machine runs {GROUPS} groups already.")
            self._first_ids[group] = free
        return self._first_ids[group]

    async def lay(self, draft: Draft) -> None:
        """Make all of a container that can be before its group has a network; `create` goes on.

        Raises:
            ContainerRefused: it cannot be made.

        """
        async with self._cleaning(draft.container_id):
            self._laid[draft.container_id] = await self._lay(draft)

    async def create(self, draft: Draft) -> None:
        """Make a container, its program not started yet.

        Raises:
            ContainerRefused: the machine does not take it; the message is the program's.

        """
        async with self._cleaning(draft.container_id):
            laid = self._laid.pop(draft.container_id, None)
            if laid is None or laid.draft != draft:
                laid = await self._lay(draft)
            if draft.level is not Level.PROCESS:
                await self._ensure_sandbox(draft.group, (draft.level, laid.shim), laid.spec)
                if draft.level is Level.SANDBOX:
                    cgroup = sandboxes.get_cgroup(draft.group, self.instance)
                    limits = sandboxes.read_limits(laid.spec)
                    self._boosts.begin(draft.container_id, cgroup, limits)
            await self._maker.load(laid)

    async def _lay(self, draft: Draft) -> Laid:
        try:
            return await self._maker.lay(draft)
        except aio.AioRpcError as error:
            if not is_present(error):
                raise
            # Left behind by an attempt that was cut off.
            await self._remove(draft.container_id)
            return await self._maker.lay(draft)

    @asynccontextmanager
    async def _cleaning(self, container_id: str) -> AsyncIterator[None]:
        """Leave nothing of a container that could not be made."""
        try:
            yield
        except aio.AioRpcError as error:
            await self.delete(container_id)
            raise ContainerRefused(shorten(error.details() or "")) from error
        except BaseException:
            await asyncio.shield(self.delete(container_id))
            raise

    async def release_group(self, group: str) -> None:
        """Remove a group's sandbox, before its network goes, and what else it leaves behind.

        Repeatable; its containers are deleted before.
        """
        await self._remove(sandboxes.get_sandbox_id(group))
        await asyncio.to_thread(cgroups.remove_group, f"/silo/{self.instance}/{group}")
        if self._first_ids is not None:
            self._first_ids.pop(group, None)

    async def list_sandboxes(self) -> list[str]:
        """Return the groups that have a sandbox."""
        return [found.group for found in await self._list({sandboxes.ROLE_LABEL: sandboxes.ROLE})]

    async def _ensure_sandbox(
        self, group: str, runtime: tuple[Level, levels.Shim], spec: dict[str, Any]
    ) -> None:
        async with self._making.setdefault(group, asyncio.Lock()):
            if await sandboxes.is_running(self._client, group):
                return
            await self._remove(sandboxes.get_sandbox_id(group))
            try:
                root = sandboxes.lay_root(self._binaries, self._paths)
                await sandboxes.make(self._client, runtime, group, spec, root)
            except aio.AioRpcError as error:
                await self._remove(sandboxes.get_sandbox_id(group))
                raise ContainerRefused(shorten(error.details() or "")) from error

    async def start(self, container_id: str) -> int:
        """Start the container's program and return its process id on the machine.

        Raises:
            ContainerRefused: there is no such program in the image, for one.

        """
        try:
            request = tasks_pb2.StartRequest(container_id=container_id)
            return (await self._client.call(self._client.tasks.start, request)).pid
        except aio.AioRpcError as error:
            if is_missing(error):
                raise translate(error, container_id) from error
            raise ContainerRefused(shorten(error.details() or "")) from error
        finally:
            self._boosts.end(container_id)

    async def kill(self, container_id: str, signal: int = _KILL) -> None:
        """Send a signal to the container's first process.

        Raises:
            ContainerMissing: there is none, or it has ended.

        """
        request = tasks_pb2.KillRequest(container_id=container_id, signal=signal)
        try:
            await self._client.call(self._client.tasks.kill, request)
        except aio.AioRpcError as error:
            # A sandbox that is about to go refuses in words of its own.
            if has_ended(error) or await self._ending.comes(container_id):
                raise ContainerMissing(f"Container {container_id} has ended.") from error
            raise translate(error, container_id) from error

    async def delete(self, container_id: str) -> None:
        """Remove a container and all it had, running or not; nothing if it is gone already."""
        self._laid.pop(container_id, None)
        try:
            await self._strip(container_id)
            # Its shim has put all into the pipes that the container said. One that could not be
            # ended may live: without its pipes it would stand still, or end, at its next word.
            await asyncio.shield(self._logger.close(container_id))
        finally:
            self._boosts.end(container_id)
            environment.remove(self._paths.run, container_id)
        await self._forget(container_id)

    async def sweep(self) -> None:
        """Take away pipes and secrets of containers that are no more; while none is being made."""
        known = {found.id for found in await self.list_containers()}
        left = {*self._logger.list_ids(), *environment.list_ids(self._paths.run)} - known
        for container_id in left:
            await self.delete(container_id)

    async def _remove(self, container_id: str) -> None:
        await self._strip(container_id)
        await self._forget(container_id)

    async def _strip(self, container_id: str) -> None:
        """End a container and take away what it had, but for containerd's record of it."""
        client = self._client
        snapshot = snapshots_pb2.RemoveSnapshotRequest(snapshotter=SNAPSHOTTER, key=container_id)
        record = sandboxes_pb2.StoreDeleteRequest(sandbox_id=container_id)
        with translating(container_id):
            await self._ending.delete(container_id)
            with tolerating(is_missing):
                await client.call(client.snapshots.remove, snapshot)
            with tolerating(is_missing):
                await client.call(client.sandboxes.delete, record)

    async def _forget(self, container_id: str) -> None:
        """Remove the record, last of all: what a cut-off deletion leaves is found by it."""
        named = containers_pb2.DeleteContainerRequest(id=container_id)
        with translating(container_id), tolerating(is_missing):
            await self._client.call(self._client.containers.delete, named)

    async def wait_exit(self, container_id: str) -> Exit:
        """Return how the container's program ended, waiting until it has.

        Raises:
            ContainerMissing: nothing is known of it.

        """
        request = tasks_pb2.WaitRequest(container_id=container_id)
        with translating(container_id):
            ended = await self._client.call(self._client.tasks.wait, request, timeout_s=None)
        at = ended.exited_at.ToDatetime(UTC) if ended.HasField("exited_at") else None
        oom = _read_oom((await self._get(container_id)).spec)
        return Exit(ended.exit_status, at, oom)

    async def list_containers(self, labels: Mapping[str, str] | None = None) -> list[Found]:
        """Return what there is, whoever made it: for adoption after a restart and for sweeps."""
        found = await self._list(labels or {})
        return [one for one in found if sandboxes.ROLE_LABEL not in one.labels]

    async def _list(self, labels: Mapping[str, str]) -> list[Found]:
        wanted = {INSTANCE_LABEL: self.instance, **labels}
        filters = [",".join(f'labels."{name}"=={json.dumps(wanted[name])}' for name in wanted)]
        client = self._client
        request = containers_pb2.ListContainersRequest(filters=filters)
        with translating("containers"):
            listed = await client.call(client.containers.list, request)
            if not listed.containers:
                return []  # every shim of the machine would be asked otherwise
            running = await client.call(client.tasks.list, tasks_pb2.ListTasksRequest())
        tasks = {task.id: task for task in running.tasks}
        return [
            await self._describe(container, tasks.get(container.id))
            for container in listed.containers
        ]

    async def _describe(
        self, container: containers_pb2.Container, task: process_pb2.Process | None
    ) -> Found:
        made = container.created_at.ToDatetime(UTC)
        if task is None:
            # Made and never started, or the machine has been switched off since.
            return Found(container.id, dict(container.labels), Status.UNKNOWN, made=made)
        status = _STATUS.get(task.status, Status.UNKNOWN)
        ended = None
        if status is Status.STOPPED:
            at = task.exited_at.ToDatetime(UTC) if task.HasField("exited_at") else None
            ended = Exit(task.exit_status, at, _read_oom(container.spec))
        return Found(container.id, dict(container.labels), status, task.pid, ended, made)

    async def exec(
        self,
        container_id: str,
        args: tuple[str, ...],
        size: Size | None = None,
        env: tuple[tuple[str, str], ...] = (),
    ) -> ExecSession:
        """Start one more program in a running container; with a size it has a terminal.

        Raises:
            ContainerMissing: it does not run.
            ContainerRefused: there is no such program, for one.

        """
        spec = json.loads((await self._get(container_id)).spec.value)
        process = specs.build_process(spec, args, size is not None, env)
        return await open_exec(self._client, self._paths.run, container_id, process, size)

    async def run(
        self, container_id: str, args: tuple[str, ...], limit_bytes: int = 16 * 1024
    ) -> tuple[int, str]:
        """Run a program in a container to its end; return its code and the end of what it said."""
        session = await self.exec(container_id, args)
        try:
            said = b""
            async for chunk in session.output():
                said = (said + chunk)[-limit_bytes:]
            return await session.wait(), said.decode(errors="replace")
        finally:
            await asyncio.shield(session.close())

    async def stats(self, container_id: str) -> Stats:
        """Return what a running container uses.

        Raises:
            ContainerMissing: it does not run.

        """
        found = await self.list_stats(f"id=={container_id}")
        if container_id not in found:
            raise ContainerMissing(f"Container {container_id} does not run.")
        return found[container_id]

    async def list_stats(self, *filters: str) -> dict[str, Stats]:
        """Return what every running container uses, by container id, in one call."""
        request = tasks_pb2.MetricsRequest(filters=filters)
        with translating("metrics"):
            answer = await self._client.call(self._client.tasks.metrics, request)
        return {metric.id: metrics.read_metric(metric) for metric in answer.metrics}

    def events(self) -> AsyncIterator[Happening]:
        """Tell what happens to containers from now on; endless, also across restarts."""
        return watch_events(self._client)

    async def _get(self, container_id: str) -> containers_pb2.Container:
        request = containers_pb2.GetContainerRequest(id=container_id)
        with translating(container_id):
            answer = await self._client.call(self._client.containers.get, request)
        return answer.container


def _read_oom(packed: any_pb2.Any) -> bool:
    spec = json.loads(packed.value)
    path: str = spec["linux"]["cgroupsPath"]
    if sandboxes.is_inside(spec):
        # The kernel sees the sandbox only, and ends all that is in it.
        path = f"{path.rpartition('/')[0]}/{sandboxes.ROLE}"
    return cgroups.count_oom_kills(path) > 0
