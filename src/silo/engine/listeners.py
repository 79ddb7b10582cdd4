"""Loggers for shims that only know pipes: ours, reading named pipes, outliving this process.

A shim of runc starts the logger itself; gVisor's opens what it is given as a file.
"""

import asyncio
import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path

from .logs import render_words

_STREAMS = ("stdout", "stderr")
_READY_S = 30.0
_HIGH = 64
"""Above the numbers that the logger's files are given, so none of them is overwritten."""


class Listener:
    """A logger on two named pipes; its writing ends stay open here until the shim has its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[int] = []

    @property
    def stdout(self) -> str:
        """The pipe that the shim is told to write output to."""
        return str(self._folder / "stdout")

    @property
    def stderr(self) -> str:
        """The pipe for errors."""
        return str(self._folder / "stderr")

    async def open(self, program: Path, path: Path) -> None:
        """Make the pipes and start the logger."""
        remove_pipes(self._folder)
        self._folder.mkdir(mode=0o700, parents=True)
        for name in _STREAMS:
            os.mkfifo(self._folder / name, 0o600)
        reading = [
            _lift(os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK)) for name in _STREAMS
        ]
        # Without a writer the logger would see the end before there is a beginning.
        self._held = [os.open(self._folder / name, os.O_WRONLY | os.O_CLOEXEC) for name in _STREAMS]
        ready, said = os.pipe()
        said = _lift(said)
        try:
            for descriptor in reading:
                os.set_blocking(descriptor, True)
            pid = os.posix_spawn(  # noqa: ASYNC221 - nobody waits for its end here
                program,
                [program.name, *render_words(path)],
                {"PATH": "/usr/bin:/bin"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, descriptor, number)
                    for number, descriptor in enumerate((*reading, said), start=3)
                ],
                setsid=True,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except BaseException:
            os.close(ready)
            raise
        finally:
            for descriptor in (*reading, said):
                os.close(descriptor)
        _reap(pid)
        await _wait_ready(ready)

    def release(self) -> None:
        """Let go of the pipes: the logger ends when the shim closes them."""
        for descriptor in self._held:
            os.close(descriptor)
        self._held = []


def remove_pipes(folder: Path) -> None:
    """Remove a container's pipes."""
    for name in _STREAMS:
        (folder / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        folder.rmdir()


def _lift(descriptor: int) -> int:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    finally:
        os.close(descriptor)


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


async def _wait_ready(pipe: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pipe, ready.set)
    try:
        async with asyncio.timeout(_READY_S):
            await ready.wait()
    finally:
        loop.remove_reader(pipe)
        os.close(pipe)
