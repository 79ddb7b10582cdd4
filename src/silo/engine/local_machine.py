"""The machine Silo runs on, under groups: containerd, the kernel's networks, volumes on disk."""

import asyncio
import contextlib
import hashlib
import shutil
import signal
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from . import cgroups, sandboxes
from .asking import ask
from .capacity import read_capacity
from .containers import CONTAINER_LABEL, GROUP_LABEL, Credentials, Exit, Found, Image, Status
from .errors import ContainerMissing
from .git import Stand
from .group_files import GroupFiles
from .machine import Ground, Ran
from .making import Draft
from .network import Networks
from .paths import Paths
from .placement import Attachment
from .plans import ContainerPlan, GroupPlan, HttpGet, Level
from .runtime import Runtime
from .specs import PERIOD_US, Place, build_spec, get_quota
from .volumes import Volumes

KILL_S = 15.0
"""A killed program is gone at once; a machine under load may take a moment to say so."""
Serve = Callable[[str], Awaitable[None]]


def make_container_id(uid: str, name: str) -> str:
    """Return the name that the runtime knows a container of a group by."""
    return f"{uid[:12]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def locate_log(paths: Paths, uid: str, name: str) -> Path:
    """Return the newest file of what a container has written."""
    return paths.state / "logs" / uid / f"{name}.log"


async def _nothing(_uid: str) -> None:
    pass


class LocalMachine:
    """The one machine there is; implements ``Machine``."""

    def __init__(
        self,
        runtime: Runtime,
        networks: Networks,
        volumes: Volumes,
        paths: Paths,
        *,
        on_attached: Serve = _nothing,
        on_leaving: Serve = _nothing,
        list_others: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """Call ``on_attached`` when a group has its network, ``on_leaving`` before it loses it.

        ``list_others`` knows who has members on the networks besides the groups.
        """
        self._runtime = runtime
        self._networks = networks
        self._volumes = volumes
        self._paths = paths
        self._on_attached = on_attached
        self._on_leaving = on_leaving
        self._list_others = list_others
        self._files = GroupFiles(paths.run / "groups")
        # One more than there are cores: the others would only be in their way.
        self._places = asyncio.Semaphore(int(read_capacity().cores) + 1)

    async def prepare(self, plan: GroupPlan) -> Ground:
        """Make network, volumes and small files of a group, or find them made."""
        at = await self._networks.attach(plan.uid, plan.network)
        await self._on_attached(plan.uid)
        await asyncio.to_thread(self._files.write, plan, at.address)
        if plan.level is Level.SANDBOX and (cpu := sum(one.cpu for one in plan.containers)):
            # A crash in the middle of a start has left the sandbox with a whole core.
            cgroup = sandboxes.get_cgroup(plan.uid, self._runtime.instance)
            cgroups.set_quota(cgroup, get_quota(cpu), PERIOD_US)
        stand = Stand(at.netns_path, self._files.list_files(plan.uid))
        volumes = {
            volume.name: await self._volumes.prepare(
                plan.uid, volume, reader=_find_reader(plan, volume.name), stand=stand
            )
            for volume in plan.volumes
        }
        return _describe(at, volumes)

    async def pull(self, image: str, credentials: Credentials) -> Image:
        """Return the image, fetched if it is not here."""
        return await self._runtime.ensure_image(image, credentials)

    async def lay(self, plan: GroupPlan, container: ContainerPlan, image: Image) -> None:
        """Make what of a container can be made while the group is."""
        if not container.mounts:  # where its volumes are, is known once they are there
            at = self._networks.locate(plan.uid)
            await self._runtime.lay(await self._draft(plan, container, image, Ground(str(at))))

    async def start(
        self, plan: GroupPlan, container: ContainerPlan, image: Image, ground: Ground
    ) -> None:
        """Make a container afresh and start its program."""
        if plan.level is not Level.PROCESS:
            # A sandbox takes the address over; whoever comes after it finds it given back.
            await self._networks.attach(plan.uid, plan.network)
        draft = await self._draft(plan, container, image, ground)
        # A sandbox boots on the share of a core that its group has; nobody waits for it.
        async with self._places if plan.level is Level.PROCESS else contextlib.nullcontext():
            await self._runtime.create(draft)
            try:
                await self._runtime.start(draft.container_id)
            except BaseException:
                await asyncio.shield(self._runtime.delete(draft.container_id))
                raise

    async def _draft(
        self, plan: GroupPlan, container: ContainerPlan, image: Image, ground: Ground
    ) -> Draft:
        id_ = make_container_id(plan.uid, container.name)
        volumes = ground.volumes or {}
        place = Place(
            instance=self._runtime.instance,
            group=plan.uid,
            container_id=id_,
            level=plan.level,
            netns=ground.netns,
            hostname=plan.network.hostname or plan.name,
            files=self._files.list_files(plan.uid),
            volumes={each.volume: str(volumes[each.volume]) for each in container.mounts},
            cpu=sum(one.cpu for one in plan.containers),
            memory_bytes=sum(one.memory_bytes for one in plan.containers),
            first_id=await self._runtime.get_first_id(plan.uid, plan.level),
        )
        return Draft(
            id_,
            image,
            build_spec(container, image, place),
            plan.level,
            locate_log(self._paths, plan.uid, container.name),
            plan.uid,
            container.name,
            container.secrets,
        )

    async def publish(self, plan: GroupPlan) -> None:
        """Let through the ports that the plan names, and no others, from now on."""
        await self._networks.attach(plan.uid, plan.network)

    async def wait(self, uid: str, name: str) -> Exit:
        """Return how a container ended, once it has."""
        return await self._runtime.wait_exit(make_container_id(uid, name))

    async def stop(self, uid: str, name: str, grace_s: float) -> Exit | None:
        """End a container: asked first, killed after the grace."""
        labels = {GROUP_LABEL: uid, CONTAINER_LABEL: name}
        found = next(iter(await self._runtime.list_containers(labels)), None)
        if found is None or found.status is not Status.RUNNING:
            return found.exit if found else None
        with contextlib.suppress(ContainerMissing):
            if not await asyncio.to_thread(_ignores, found.pid, signal.SIGTERM):
                await self._runtime.kill(found.id, signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(grace_s):
                        return await self._runtime.wait_exit(found.id)
            await self._runtime.kill(found.id, signal.SIGKILL)
        with contextlib.suppress(TimeoutError, ContainerMissing):
            async with asyncio.timeout(KILL_S):
                return await self._runtime.wait_exit(found.id)
        return None

    async def discard(self, uid: str, name: str) -> None:
        """Take a container away; its log stays."""
        await self._runtime.delete(make_container_id(uid, name))

    async def list_containers(self, uid: str = "") -> Sequence[Found]:
        """Return the containers of a group, or of all groups."""
        return await self._runtime.list_containers({GROUP_LABEL: uid} if uid else None)

    async def run(self, uid: str, name: str, args: tuple[str, ...], timeout_s: float) -> Ran:
        """Run a program in a container to its end."""
        async with asyncio.timeout(timeout_s):
            return Ran(*await self._runtime.run(make_container_id(uid, name), args))

    async def ask(self, uid: str, question: HttpGet, timeout_s: float) -> Ran:
        """Ask a port of the group over HTTP."""
        async with asyncio.timeout(timeout_s):
            connection = await self._networks.connect(uid, question.port, timeout_s)
            return Ran(await ask(connection, question))

    async def release(self, uid: str) -> None:
        """Take network and volumes of a group away; its logs stay."""
        await self._on_leaving(uid)
        # A sandbox lives in the group's network and has to go before it.
        await self._runtime.release_group(uid)
        await self._networks.detach(uid)
        await self._volumes.remove(uid)
        await asyncio.to_thread(self._files.remove, uid)

    async def forget(self, uid: str) -> None:
        """Take away whatever is left of a group, logs included."""
        await self.release(uid)
        logs = locate_log(self._paths, uid, "x").parent
        await asyncio.to_thread(shutil.rmtree, logs, ignore_errors=True)

    async def sweep(self, keep: Collection[str]) -> None:
        """Take away what a crash left of groups that are no more."""
        for uid in await self._runtime.list_sandboxes():
            if uid not in keep:
                await self._runtime.release_group(uid)
        await self._runtime.sweep()
        await self._networks.sweep({*keep, *self._list_others()})
        await self._volumes.sweep(keep)
        await asyncio.to_thread(self._files.sweep, keep)
        logs = self._paths.state / "logs"
        if logs.is_dir():
            for folder in logs.iterdir():
                if folder.name not in keep:
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _describe(at: Attachment, volumes: dict[str, Path]) -> Ground:
    return Ground(str(at.netns_path), at.address, at.public_address, volumes)


def _find_reader(plan: GroupPlan, volume: str) -> int | None:
    """Return the one user that reads a volume; None when it is not known, or there are several."""
    users = {
        container.security.run_as_user
        for container in (*plan.init, *plan.containers)
        if any(mount.volume == volume for mount in container.mounts)
    }
    return next(iter(users)) if len(users) == 1 else None


def _ignores(pid: int, number: int) -> bool:
    """Tell whether a first process leaves a signal unheard, as the kernel lets it (man 7 signal).

    Waiting for such a program to end by itself would only take time.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "")
    return bool(caught) and not int(caught.split()[1], 16) >> (number - 1) & 1
