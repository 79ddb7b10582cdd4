"""A terminal, or a pipe, at one end of a websocket; a program in a container at the other.

The subprotocol ``silo.exec``: the first frame is the password; then binary frames both ways, and
text frames of JSON: ours ``{"resize":{"rows":50,"cols":120}}`` and ``{"eof":true}``, the server's
``{"exitCode":0}`` at the end. Other clients of the same address, az for one, know no text frames.
"""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
import termios
import threading
import tty
from collections.abc import Iterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

SUBPROTOCOL = Subprotocol("silo.exec")
LOST = 255
"""The exit code when the connection ends before the program; ssh says the same."""
_OPEN_S = 60.0
"""For the handshake: Silo answers at once, but a machine whose cores are all taken may not."""
_BLOCK = 64 * 1024
_AHEAD = 16
"""Blocks of input that may wait for the network."""


def is_terminal() -> bool:
    """Tell whether a person sits at both ends of this process."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def get_size() -> tuple[int, int]:
    """Return rows and columns of the terminal."""
    # Not shutil's: it believes LINES and COLUMNS, which do not follow the window.
    size = os.get_terminal_size(sys.stdout.fileno())
    return size.lines, size.columns


async def run_session(
    url: str, password: str, place: tuple[str, int], trust: ssl.SSLContext | None
) -> int:
    """Carry input and output until the program has ended; return its exit code.

    The connection goes to ``place``, whatever the host in the URL resolves to.

    Raises:
        OSError: it cannot be opened.

    """
    try:
        socket = await connect(
            url,
            host=place[0],
            port=place[1],
            ssl=trust,
            subprotocols=[SUBPROTOCOL],
            proxy=None,
            compression=None,
            max_size=None,
            open_timeout=_OPEN_S,
        )
    except InvalidHandshake as error:
        raise ConnectionError(str(error)) from error
    async with socket:
        await socket.send(password)
        with _raw_terminal():
            return await _carry(socket)


async def _carry(socket: ClientConnection) -> int:
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
    changed = asyncio.Event()
    threading.Thread(target=_read_input, args=(loop, typed), daemon=True).start()
    if is_terminal():
        loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = (
                group.create_task(_send_input(socket, typed)),
                group.create_task(_send_sizes(socket, changed)),
            )
            code = await _print_output(socket)
            for task in tasks:
                task.cancel()
        return code
    finally:
        if is_terminal():
            loop.remove_signal_handler(signal.SIGWINCH)


async def _print_output(socket: ClientConnection) -> int:
    code = LOST
    with contextlib.suppress(ConnectionClosed):
        async for frame in socket:
            if isinstance(frame, bytes):
                _write(frame)
            else:
                found = _read_exit_code(frame)
                if found is None:
                    _write(frame.encode())
                else:
                    code = found
    return code


def _read_exit_code(frame: str) -> int | None:
    """Return what the program ended with; None for words of the server's to the person."""
    try:
        code = json.loads(frame)["exitCode"]
    except (ValueError, KeyError, TypeError):
        return None
    return code if isinstance(code, int) else None


async def _send_input(socket: ClientConnection, typed: asyncio.Queue[bytes]) -> None:
    with contextlib.suppress(ConnectionClosed):
        while data := await typed.get():
            await socket.send(data)
        await socket.send(json.dumps({"eof": True}))


async def _send_sizes(socket: ClientConnection, changed: asyncio.Event) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await changed.wait()
            changed.clear()
            rows, columns = get_size()
            await socket.send(json.dumps({"resize": {"rows": rows, "cols": columns}}))


def _read_input(loop: asyncio.AbstractEventLoop, typed: asyncio.Queue[bytes]) -> None:
    """Read standard input in a thread: a file cannot be waited for in any other way."""
    with contextlib.suppress(OSError, RuntimeError):  # the loop may end first
        while True:
            data = os.read(sys.stdin.fileno(), _BLOCK)
            asyncio.run_coroutine_threadsafe(typed.put(data), loop).result()
            if not data:
                return


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Hand every key to the program, Ctrl-C included; give the terminal back as it was."""
    if not is_terminal():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
