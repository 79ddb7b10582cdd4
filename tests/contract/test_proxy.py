"""The CONNECT proxy over real loopback sockets."""

import asyncio
import contextlib

import pytest

from silo import front

pytestmark = pytest.mark.enable_socket


async def hang_up(writer):
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(b"silo:" + data)
        await writer.drain()
    await hang_up(writer)


@contextlib.asynccontextmanager
async def running_proxy():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    target = server.sockets[0].getsockname()[:2]
    ports = front.Ports()
    port = ports.pick("127.0.0.1", 18000)
    groups = {"up.groups.silo.test": "127.0.0.1", "down.groups.silo.test": ""}
    proxy = front.Proxy(lambda host: host.endswith("silo.test"), target, groups.get)
    with ports:
        async with server, asyncio.TaskGroup() as group:
            task = group.create_task(proxy.run(port))
            for _ in range(100):
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    await hang_up(writer)
                    break
                await asyncio.sleep(0.01)
            yield port, target[1]
            await asyncio.sleep(0.05)
            task.cancel()


async def ask(port, head):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    answer = await reader.readuntil(b"\r\n\r\n")
    return answer.split(b"\r\n")[0], reader, writer


async def test_a_claimed_name_leads_to_silo_whatever_its_port():
    async with running_proxy() as (port, _):
        status, reader, writer = await ask(port, b"CONNECT web.silo.test:443 HTTP/1.1\r\n\r\n")
        writer.write(b"hello")
        said = await reader.readexactly(10)
        await hang_up(writer)

        assert b"200" in status
        assert said == b"silo:hello"


async def test_any_other_host_is_reached_where_it_is():
    async with running_proxy() as (port, target):
        head = f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\n\r\n".encode()
        status, reader, writer = await ask(port, head)
        writer.write(b"x")
        said = await reader.readexactly(6)
        await hang_up(writer)

        assert b"200" in status
        assert said == b"silo:x"


async def test_a_group_is_reached_at_its_own_address_and_port():
    async with running_proxy() as (port, target):
        head = f"CONNECT up.groups.silo.test:{target} HTTP/1.1\r\n\r\n".encode()
        status, reader, writer = await ask(port, head)
        writer.write(b"x")
        said = await reader.readexactly(6)
        await hang_up(writer)

        assert b"200" in status
        assert said == b"silo:x"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET http://web.silo.test/ HTTP/1.1\r\n\r\n", b"405"),
        (b"CONNECT nonsense HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT host:99999 HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", b"502"),
        (b"CONNECT down.groups.silo.test:80 HTTP/1.1\r\n\r\n", b"502"),
    ],
)
async def test_what_cannot_be_done_is_said(head, status):
    async with running_proxy() as (port, _):
        line, _, writer = await ask(port, head)
        await hang_up(writer)

        assert status in line
