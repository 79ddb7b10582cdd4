"""Our own end of an exec websocket, against a server of the same protocol."""

import asyncio
import contextlib
import json
import os
import pty
import signal
import sys
import termios
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.enable_socket
CLIENT = textwrap.dedent("""
    import asyncio, sys
    sys.path.insert(0, sys.argv[2])
    from silo.cli import terminal
    place = ("127.0.0.1", int(sys.argv[1]))
    url = f"ws://management.silo.test/exec/id"
    sys.exit(asyncio.run(terminal.run_session(url, "secret", place, None)))
""")


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[int, list[object]]]:
    seen: list[object] = []

    async def talk(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append((socket.subprotocol, socket.request.headers["Host"], await socket.recv()))
        async for frame in socket:
            seen.append(frame)
            if isinstance(frame, bytes):
                await socket.send(frame.upper())
            if frame == json.dumps({"eof": True}) or frame == b"q":
                await socket.send(json.dumps({"exitCode": 3}))
                return

    async with serve(talk, "127.0.0.1", 0, subprotocols=["silo.exec"]) as server:
        yield server.sockets[0].getsockname()[1], seen


async def start(port: int, stdin: int, stdout: int) -> asyncio.subprocess.Process:
    args = (sys.executable, "-c", CLIENT, str(port), str(ROOT / "src"))
    return await asyncio.create_subprocess_exec(*args, stdin=stdin, stdout=stdout)


async def test_a_pipe_goes_through_unchanged_and_ends_with_the_exit_code() -> None:
    async with serving() as (port, seen):
        process = await start(port, asyncio.subprocess.PIPE, asyncio.subprocess.PIPE)
        out, _ = await process.communicate(b"a\r\n\x00b")

    assert (out, process.returncode) == (b"A\r\n\x00B", 3)
    assert seen[0] == ("silo.exec", "management.silo.test", "secret")


async def test_a_terminal_is_raw_and_tells_its_size() -> None:
    leader, follower = pty.openpty()
    loop = asyncio.get_running_loop()
    async with serving() as (port, seen):
        process = await start(port, follower, follower)
        while len(seen) < 1:
            await asyncio.sleep(0.02)
        while termios.tcgetattr(follower)[3] & termios.ICANON:
            await asyncio.sleep(0.02)
        os.write(leader, b"\x03")  # an ordinary terminal would end the program here
        while b"\x03" not in seen:
            await asyncio.sleep(0.02)
        termios.tcsetwinsize(leader, (50, 120))
        process.send_signal(signal.SIGWINCH)
        while not any("resize" in str(frame) for frame in seen):
            await asyncio.sleep(0.02)
        os.write(leader, b"q")
        code = await process.wait()
        said = await loop.run_in_executor(None, os.read, leader, 100)
        settings = termios.tcgetattr(follower)

    os.close(leader)
    os.close(follower)
    assert code == 3
    assert json.dumps({"resize": {"rows": 50, "cols": 120}}) in seen
    assert b"Q" in said
    assert settings[3] & termios.ICANON
