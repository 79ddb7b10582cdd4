"""Programs that were run in containers by a process of ours which died: ended, and cleaned up.

Whoever runs a program holds a lock on the folder of its pipes. The kernel lets go of the lock with
the process, however that ended: a folder whose lock can be had is nobody's any more.
"""

import asyncio
import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

import structlog
from grpc import aio

from silo import core

from .api import tasks_pb2
from .client import Client
from .errors import EngineError
from .paths import Paths

log = structlog.get_logger()

OWNER = "container"
"""The file in a folder of pipes that says in which container the program runs."""
EVERY_S = 2.0
_YOUNG_S = 10.0
"""A folder may be made and not locked yet."""
_KILL = 9
_KILL_S = 10.0


def lock_folder(folder: Path, container_id: str) -> int:
    """Make a folder for the pipes of a program, ours until the descriptor is closed."""
    folder.mkdir(mode=0o700, parents=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (folder / OWNER).write_text(container_id)
    return held


class ExecSweeper:
    """Looks for what dead processes left, for ever."""

    def __init__(self, paths: Paths, clock: core.Clock) -> None:
        self._root = paths.run / "exec"
        self._clock = clock
        self._client = Client(paths.socket, clock)

    async def run(self) -> None:
        """Sweep until cancelled."""
        try:
            while True:
                await self.sweep()
                await asyncio.sleep(EVERY_S)
        finally:
            await self._client.close()

    async def sweep(self) -> None:
        """End and remove what is nobody's."""
        try:
            folders = [Path(entry.path) for entry in os.scandir(self._root)]
        except FileNotFoundError:
            return
        for folder in folders:
            with suppress(OSError):  # it may go while it is looked at
                await self._sweep_one(folder)

    async def _sweep_one(self, folder: Path) -> None:
        held = _take(folder, self._clock.now().timestamp() - _YOUNG_S)
        if held < 0:
            return
        try:
            container_id = await asyncio.to_thread((folder / OWNER).read_text)
            log.warning("program of nobody ended", container=container_id, exec=folder.name)
            await self._end(container_id, folder.name)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        finally:
            os.close(held)

    async def _end(self, container_id: str, exec_id: str) -> None:
        tasks, call = self._client.tasks, self._client.call
        named = {"container_id": container_id, "exec_id": exec_id}
        with suppress(aio.AioRpcError, EngineError):
            kill = tasks_pb2.KillRequest(container_id=container_id, exec_id=exec_id, signal=_KILL)
            await call(tasks.kill, kill)
            await call(tasks.wait, tasks_pb2.WaitRequest(**named), timeout_s=_KILL_S)
        with suppress(aio.AioRpcError, EngineError):
            await call(tasks.delete_process, tasks_pb2.DeleteProcessRequest(**named))


def _take(folder: Path, before: float) -> int:
    """Return the lock of a folder that is nobody's and was last touched before then, or -1.

    Raises:
        OSError: somebody has it, or it is gone.

    """
    if folder.stat().st_mtime > before:
        return -1
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held
