"""One more program in a running container: its input, output, terminal and end.

The pipes are named and opened for both directions, so neither side waits for the other to open
them and neither sees an end before it is there (man 7 fifo). The end is what containerd says:
the program has ended, and all it said has been passed on.
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import grpc
from google.protobuf import any_pb2
from grpc import aio

from .api import tasks_pb2
from .client import Client, is_missing, render_metadata, tolerating, translate
from .containers import Size
from .errors import ContainerMissing, ContainerRefused, EngineError, shorten
from .exec_sweep import lock_folder

_PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process"
_BLOCK = 64 * 1024
_KILL = 9
_AGAIN_S = 0.1
StreamName = Literal["stdout", "stderr"]


class ExecSession:
    """A running program; close it, whatever happened to it."""

    def __init__(self, client: Client, container_id: str, folder: Path, terminal: bool) -> None:
        self._client = client
        self._container_id = container_id
        self._exec_id = folder.name
        self._folder = folder
        self._terminal = terminal
        self._lock = -1
        self._input = -1
        self._outputs: dict[StreamName, int] = {}
        self._stirred = asyncio.Event()
        self._finished = asyncio.Event()
        self._code = -1

    async def start(self, process: dict[str, Any], size: Size | None) -> None:
        """Make the pipes, then the program.

        Raises:
            ContainerMissing: the container does not run.
            ContainerRefused: there is no such program, for one.

        """
        self._open_pipes()
        tasks, named = self._client.tasks, self._named
        spec = any_pb2.Any(type_url=_PROCESS, value=json.dumps(process).encode())
        added = tasks_pb2.ExecProcessRequest(
            **named,
            stdin=str(self._folder / "stdin"),
            stdout=str(self._folder / "stdout"),
            stderr="" if self._terminal else str(self._folder / "stderr"),
            terminal=self._terminal,
            spec=spec,
        )
        try:
            await self._client.call(tasks.exec, added)
            await self._client.call(tasks.start, tasks_pb2.StartRequest(**named))
            if size is not None and self._terminal:
                await self.resize(size)
        except aio.AioRpcError as error:
            if is_missing(error) or error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                raise ContainerMissing(f"Container {self._container_id} does not run.") from error
            raise ContainerRefused(shorten(error.details() or "")) from error

    async def write(self, data: bytes) -> None:
        """Give the program input; waits while it does not read."""
        view = memoryview(data)
        while view and self._input >= 0:
            try:
                view = view[os.write(self._input, view) :]
            except BlockingIOError:
                await self._wait_writable()

    async def close_input(self) -> None:
        """Tell the program that there is no more input."""
        if self._input < 0:
            return
        os.close(self._input)
        self._input = -1
        with tolerating(is_missing):
            request = tasks_pb2.CloseIORequest(**self._named, stdin=True)
            await self._client.call(self._client.tasks.close_io, request)

    async def resize(self, size: Size) -> None:
        """Tell the program how large its terminal is."""
        request = tasks_pb2.ResizePtyRequest(**self._named, width=size.columns, height=size.rows)
        # It may have ended a moment ago, which each runtime tells in words of its own.
        with suppress(aio.AioRpcError):
            await self._client.call(self._client.tasks.resize_pty, request)

    async def output(self) -> AsyncIterator[bytes]:
        """Yield what the program says, until it has ended and said all; for one reader.

        Without a terminal, what it says as an error is in between.
        """
        ended = False
        call = self._watch(self._client.tasks.wait, tasks_pb2.WaitRequest(**self._named))
        while True:
            self._stirred.clear()
            done = call.done()
            while chunk := self._read():
                yield chunk
            if done and ended:
                break
            if done:
                answer = await self._settle(call)
                if isinstance(answer, tasks_pb2.WaitResponse):
                    ended, self._code = True, answer.exit_status
                    # Answered when all output has been passed on.
                    delete = tasks_pb2.DeleteProcessRequest(**self._named)
                    call = self._watch(self._client.tasks.delete_process, delete)
                else:
                    request = tasks_pb2.WaitRequest(**self._named)
                    call = self._watch(self._client.tasks.wait, request)
                continue
            self._listen()
            await self._stirred.wait()
        self._finished.set()

    async def wait(self) -> int:
        """Return the program's exit code, once its output has been read to the end."""
        await self._finished.wait()
        return self._code

    async def close(self) -> None:
        """End the program if it still runs, and remove the pipes."""
        try:
            if not self._finished.is_set():
                await self._end()
        finally:
            self._close_pipes()

    @property
    def _named(self) -> dict[str, str]:
        return {"container_id": self._container_id, "exec_id": self._exec_id}

    async def _end(self) -> None:
        tasks = self._client.tasks
        # Whoever left does not read: what the program still says must not hold it.
        with suppress(aio.AioRpcError, EngineError):
            kill = tasks_pb2.KillRequest(**self._named, signal=_KILL, all=True)
            await self._client.call(tasks.kill, kill)
            wait = tasks_pb2.WaitRequest(**self._named)
            await self._client.call(tasks.wait, wait, timeout_s=10.0)
        with suppress(aio.AioRpcError, EngineError):
            delete = tasks_pb2.DeleteProcessRequest(**self._named)
            await self._client.call(tasks.delete_process, delete)

    async def _settle(self, call: Any) -> Any:
        """Return the answer of a call; None when containerd was away and is to be asked again."""
        try:
            return await call
        except aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise translate(error, self._container_id) from error
        await asyncio.sleep(_AGAIN_S)
        return None

    def _watch(self, method: Any, request: Any) -> Any:
        call = method(request, metadata=render_metadata())
        call.add_done_callback(lambda _call: self._stirred.set())
        return call

    def _open_pipes(self) -> None:
        self._lock = lock_folder(self._folder, self._container_id)
        names: tuple[StreamName, ...] = ("stdout",) if self._terminal else ("stdout", "stderr")
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
        for name in ("stdin", *names):
            os.mkfifo(self._folder / name, 0o600)
        self._input = os.open(self._folder / "stdin", flags)
        self._outputs = {name: os.open(self._folder / name, flags) for name in names}

    def _close_pipes(self) -> None:
        loop = asyncio.get_running_loop()
        for pipe in (self._input, *self._outputs.values()):
            if pipe >= 0:
                loop.remove_reader(pipe)
                loop.remove_writer(pipe)
                os.close(pipe)
        self._input, self._outputs = -1, {}
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _read(self) -> bytes | None:
        for pipe in self._outputs.values():
            with suppress(BlockingIOError):
                return os.read(pipe, _BLOCK)
        return None

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for pipe in self._outputs.values():
            loop.add_reader(pipe, self._stir, pipe)

    def _stir(self, pipe: int) -> None:
        # Once: a reader that is slow would make the loop spin otherwise.
        asyncio.get_running_loop().remove_reader(pipe)
        self._stirred.set()

    async def _wait_writable(self) -> None:
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_writer(self._input, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._input)


async def open_exec(
    client: Client, run: Path, container_id: str, process: dict[str, Any], size: Size | None
) -> ExecSession:
    """Start one more program in a running container."""
    folder = run / "exec" / uuid4().hex
    session = ExecSession(client, container_id, folder, bool(process["terminal"]))
    try:
        await session.start(process, size)
    except BaseException:
        await session.close()
        raise
    return session
