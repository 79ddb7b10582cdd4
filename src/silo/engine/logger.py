"""The one logger of an instance: keeps what all its containers say, and outlives us.

A container writes into two named pipes, which the logger, its shim and we hold open: what is in
them stays there while one of us lives. The folder of the pipes says all that the next logger has to
know. A logger that dies is replaced at once; it has taken nothing out of a pipe that it had not
written to the log.
"""

import asyncio
import fcntl
import os
import select
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import structlog

from . import cgroups
from .descriptors import lift
from .errors import EngineUnavailable
from .logs import ROTATE_BYTES, ROTATED

log = structlog.get_logger()

_STREAMS = ("stdout", "stderr")
_LINK = "log"
_SOCKET_FILE = 3
_HIGH = 64
"""Above the numbers that the logger's files are given, so none of them is overwritten."""
_AGAIN_S = 0.2
_PATIENCE_S = 10.0


class Logger:
    """Starts the logger when it is first needed, and asks it."""

    def __init__(self, program: Path, run: Path) -> None:
        self._program = program
        self._run = run
        self._root = run / "output"
        self._socket = _locate_socket(run)
        self._held: dict[str, list[int]] = {}
        self._link: socket.socket | None = None
        """Open for as long as we are here: the logger stays, and we see when it goes."""

    async def take_up(self) -> None:
        """Hold what an earlier process of ours has made, and see to it that it is written."""
        # A logger of an earlier Silo gives way; that may take a while.
        await asyncio.to_thread(end_logger, self._run, self._program)
        for container_id in self.list_ids():
            folder = self._root / container_id
            # The link leads nowhere while nothing is written; a pattern would pass it over.
            if (folder / _LINK).is_symlink():
                with suppress(OSError):
                    self._hold(folder)
        if self._held:
            self._connect()

    async def open(self, container_id: str, path: Path) -> tuple[str, str]:
        """Have a container's output kept; return what it is to write it to.

        Raises:
            EngineUnavailable: the logger does not take it.

        """
        folder = self._root / container_id
        if folder.exists():
            await self.close(container_id)
        folder.mkdir(mode=0o700, parents=True)
        for name in _STREAMS:
            os.mkfifo(folder / name, 0o600)
        (folder / _LINK).symlink_to(path)
        self._hold(folder)
        if said := await self._ask(f"open {container_id}"):
            raise EngineUnavailable(f"The logger does not work: {said}")
        return str(folder / _STREAMS[0]), str(folder / _STREAMS[1])

    async def close(self, container_id: str) -> None:
        """Have all that a container said written away, and remove its pipes; repeatable."""
        folder = self._root / container_id
        try:
            if (folder / _LINK).is_symlink():
                said = await self._ask(f"close {container_id}")
                if said:
                    log.warning("log is not complete", container=container_id, why=said)
        except EngineUnavailable as error:
            log.warning("log is not complete", container=container_id, why=str(error))
        finally:
            for pipe in self._held.pop(container_id, ()):
                os.close(pipe)
            shutil.rmtree(folder, ignore_errors=True)

    def list_ids(self) -> list[str]:
        """Return the containers that there are pipes of."""
        return [folder.name for folder in self._root.iterdir()] if self._root.is_dir() else []

    def leave(self) -> None:
        """Hang up: the logger goes on while it has containers."""
        self._hang_up()
        for pipes in self._held.values():
            for pipe in pipes:
                os.close(pipe)
        self._held = {}

    def _hold(self, folder: Path) -> None:
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        if folder.name not in self._held:
            held = self._held[folder.name] = []
            held.extend(lift(os.open(folder / name, flags)) for name in _STREAMS)

    async def _ask(self, question: str) -> str:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while True:
                    with suppress(OSError, EOFError):
                        self._connect()
                        return await self._ask_once(question)
                    await asyncio.sleep(_AGAIN_S)
        except TimeoutError:
            raise EngineUnavailable("The logger does not answer.") from None

    async def _ask_once(self, question: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(f"{question}\n".encode())
            said = await reader.readline()
        finally:
            writer.close()
        if not said.endswith(b"\n"):
            raise EOFError
        return said.decode(errors="replace").strip()

    def _connect(self) -> None:
        """See to it that there is a logger, and that we see it go."""
        if self._link is not None:
            return
        link = _connect(self._socket)
        if link is None:
            self._launch()
            link = _connect(self._socket)
        if link is None:
            raise ConnectionRefusedError(str(self._socket))
        self._link = link
        asyncio.get_running_loop().add_reader(link, self._see_end)

    def _see_end(self) -> None:
        self._hang_up()
        if self._held:
            log.warning("the logger has ended and is started again")
            asyncio.get_running_loop().call_later(_AGAIN_S, self._replace)

    def _replace(self) -> None:
        try:
            self._connect()
        except OSError as error:
            log.warning("the logger does not start", why=str(error))
            asyncio.get_running_loop().call_later(_PATIENCE_S, self._replace)

    def _hang_up(self) -> None:
        if self._link is not None:
            asyncio.get_running_loop().remove_reader(self._link)
            self._link.close()
            self._link = None

    def _launch(self) -> None:
        self._root.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(self._socket))
            self._socket.chmod(0o600)
            door.listen(128)
            number = fcntl.fcntl(door, fcntl.F_DUPFD_CLOEXEC, _HIGH)
        try:
            pid = self._spawn(number)
        finally:
            os.close(number)
        cgroups.enter(f"/silo/{self._run.name}/logger", pid)
        _reap(pid)

    def _spawn(self, door: int) -> int:
        arguments = ["--folder", str(self._root)]
        arguments += ["--size", str(ROTATE_BYTES), "--files", str(ROTATED)]
        errors = str(self._run / "logger.log")
        return os.posix_spawn(
            self._program,
            [self._program.name, *arguments],
            # One thread works, and what it holds is small.
            {"PATH": "/usr/bin:/bin", "GOMAXPROCS": "1", "GOGC": "20"},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, door, _SOCKET_FILE),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )


def end_logger(run: Path, keep: Path | None = None) -> None:
    """End the logger of an instance, unless it is of the program to keep; blocks.

    What its containers say from then on waits in their pipes.
    """
    for pid, program in _find(run):
        if keep is not None and program == keep.resolve():
            continue
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            ended = select.poll()
            ended.register(process, select.POLLIN)
            try:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    signal.pidfd_send_signal(process, number)
                    if ended.poll(_PATIENCE_S * 1000):
                        break
            finally:
                os.close(process)


def _find(run: Path) -> Iterator[tuple[int, Path]]:
    """Find the loggers of an instance, there is one at most, and the program that each runs."""
    told = f"\0--folder\0{run / 'output'}\0"
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        with suppress(OSError):
            if told in (place / "cmdline").read_text(errors="replace"):
                yield int(place.name), (place / "exe").readlink()


def _locate_socket(run: Path) -> Path:
    return run / "logger.sock"


def _connect(path: Path) -> socket.socket | None:
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        link.close()
        return None
    link.setblocking(False)
    return link


def _reap(pid: int) -> None:
    """Take note of the logger's end when it comes; after our own, init does."""
    loop = asyncio.get_running_loop()
    process = os.pidfd_open(pid)

    def ended() -> None:
        loop.remove_reader(process)
        os.close(process)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)

    loop.add_reader(process, ended)
