import asyncio
import socket

import pytest

from silo import engine
from silo.kube.side_door import SideDoor


class Networks:
    """Leads to one end of a pair of sockets; the test holds the other."""

    def __init__(self):
        self.others = []

    async def connect(self, member, port):
        if (member, port) != ("c.control", 443):
            raise engine.NetworkRefused(member)
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        self.others.append(there)
        return here


@pytest.fixture
async def networks(tmp_path):
    made = Networks()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(SideDoor(made, "c.control", 443, tmp_path / "run" / "a.sock").run())
        tasks.create_task(SideDoor(made, "gone", 443, tmp_path / "run" / "b.sock").run())
        yield made
        for task in tasks._tasks:
            task.cancel()


async def enter(path):
    async with asyncio.timeout(10):
        while True:
            try:
                return await asyncio.open_unix_connection(path)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0)


async def test_what_is_said_is_passed_on_both_ways(networks, tmp_path):
    reader, writer = await enter(tmp_path / "run" / "a.sock")
    writer.write(b"who is there?")
    writer.write_eof()
    loop = asyncio.get_running_loop()
    while not networks.others:
        await asyncio.sleep(0)
    (other,) = networks.others
    assert await loop.sock_recv(other, 100) == b"who is there?"
    await loop.sock_sendall(other, b"a cluster")
    other.close()

    assert await reader.read() == b"a cluster"
    assert (tmp_path / "run" / "a.sock").stat().st_mode & 0o777 == 0o600
    writer.close()


async def test_who_leads_nowhere_hangs_up(networks, tmp_path):
    reader, writer = await enter(tmp_path / "run" / "b.sock")

    assert await reader.read() == b""
    writer.close()
