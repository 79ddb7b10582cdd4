"""The metadata sockets over real loopback connections."""

import asyncio
import contextlib
import socket

import pytest

from silo import engine
from silo.engine import metadata as rules

pytestmark = pytest.mark.enable_socket
HEAD = b"GET /x HTTP/1.1\r\nHost: a\r\n"


async def echo(uid, request):
    if request.target == "/bug":
        raise RuntimeError("bug")
    return engine.MetadataAnswer(200, f"{uid} {request.target} {request.client_ip}".encode())


async def listen(_uid, address, port):
    assert (address, port) == ("169.254.169.254", 80)
    made = socket.create_server(("127.0.0.1", 0))
    made.setblocking(False)
    opened.append(made.getsockname()[1])
    return made


opened: list[int] = []


@contextlib.asynccontextmanager
async def serving(*uids):
    opened.clear()
    service = engine.Metadata(listen, echo)
    for uid in uids:
        await service.open(uid)
    try:
        yield service
    finally:
        await service.close_all()
        await asyncio.sleep(0)


async def send(data: bytes, port: int | None = None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port or opened[0])
    writer.write(data)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_socket_speaks_for_its_group() -> None:
    async with serving("one", "two"):
        answer = await send(HEAD + b"Connection: close\r\n\r\n", opened[1])

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Cache-Control: no-store\r\n" in answer
    assert answer.endswith(b"\r\n\r\ntwo /x 127.0.0.1")


async def test_one_connection_carries_several_requests() -> None:
    async with serving("one"):
        answer = await send(HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n")

    assert answer.count(b"one /x") == 2


async def test_a_group_is_served_once_and_again_after_it_was_closed() -> None:
    async with serving("one") as service:
        await service.open("one")
        assert len(opened) == 1
        await service.close("one")
        with pytest.raises(OSError):
            await send(HEAD + b"\r\n")
        await service.open("one")
        assert await send(HEAD + b"Connection: close\r\n\r\n", opened[1])


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET /x HTTP/1.1\r\n\r\n", b"400"),
        (HEAD + b"A: " + b"a" * 20_000, b"431"),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", b"413"),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", b"413"),
    ],
)
async def test_what_cannot_be_read_is_refused(data: bytes, status: bytes) -> None:
    async with serving("one"):
        answer = await send(data)

    assert answer.split(b" ")[1] == status


async def test_a_bug_ends_one_connection() -> None:
    async with serving("one"):
        assert await send(HEAD.replace(b"/x", b"/bug") + b"\r\n") == b""
        assert await send(HEAD + b"Connection: close\r\n\r\n")


async def test_a_slow_client_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "REQUEST_S", 0.05)
    async with serving("one"):
        assert await send(HEAD) == b""


async def test_a_group_cannot_hold_more_connections_than_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "CONNECTIONS", 1)
    async with serving("one"):
        _, writer = await asyncio.open_connection("127.0.0.1", opened[0])
        await asyncio.sleep(0.01)
        with contextlib.suppress(ConnectionResetError):
            assert await send(HEAD + b"\r\n") == b""
        writer.close()
        await writer.wait_closed()
