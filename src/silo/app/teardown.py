"""``silo down --groups``: end what outlives Silo, when the machine shall be as it was before."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from silo import core, engine
from silo.settings import Settings

from . import composition, containers
from .service_log import configure_log
from .supervisor import die_with_parent

_CGROUPS = Path("/sys/fs/cgroup")


def end_groups(settings: Settings) -> bool:
    """End all containers and clusters of a stopped instance; remove its networks, mounts, rules.

    What was wished stays stored: the next ``silo up`` starts them again. Returns False where
    this machine or this user cannot have had any.
    """
    configure_log()
    binaries = engine.find_binaries()
    if binaries is None or engine.find_obstacle(binaries):
        containers.open_shares(settings).release()
        return False
    paths = engine.Paths.of_instance(settings.state, settings.id)
    with _run_containerd(binaries, paths, settings):
        asyncio.run(_end(settings))
    # Of containers that nobody knew any more.
    engine.kill_shims(paths.socket)
    engine.end_logger(paths.run)
    mounts = engine.KernelMounts()
    for folder in (paths.run, paths.state):
        for place in mounts.list_below(folder):
            mounts.unmount(place)
    containers.open_shares(settings).release()
    shutil.rmtree(paths.run, ignore_errors=True)
    _remove_cgroups(settings.id)
    return True


def leave(settings: Settings) -> None:
    """Remove what a stopped instance keeps in memory, unless groups or clusters go on."""
    paths = engine.Paths.of_instance(settings.state, settings.id)
    if os.geteuid() == 0 and paths.run.is_dir() and engine.is_idle(paths):
        engine.end_logger(paths.run)
        shutil.rmtree(paths.run, ignore_errors=True)


async def _end(settings: Settings) -> None:
    rooms = composition.open_rooms(settings, core.SystemClock(), control=True)
    room = rooms.engine_room
    if room is None:
        return
    try:
        await room.clusters.end_all()
        await room.networks.start()
        try:
            await engine.wait_until_ready(room.paths, room.clock)
            await room.groups.sweep(())
        finally:
            # What it is to take away it has read at its start.
            await room.networks.stop()
    finally:
        await room.networks.close()
        await room.runtime.close()
        rooms.store.close()
        rooms.monitor.close()


@contextlib.contextmanager
def _run_containerd(
    binaries: engine.Binaries, paths: engine.Paths, settings: Settings
) -> Iterator[None]:
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        try:
            die_with_parent(parent)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            engine.exec_containerd(binaries, paths, settings.bundle)
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _remove_cgroups(instance: str) -> None:
    """Remove the empty groups that containers were in, in every hierarchy."""
    for root in (*_CGROUPS.glob(f"*/silo/{instance}"), _CGROUPS / "silo" / instance):
        for folder, _, _ in os.walk(root, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
