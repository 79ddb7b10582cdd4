import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.silo.workload.site_world import TEXT, Site

from silo import core, engine, workload
from silo.workload import exec_door


@dataclass
class Process:
    """Prints what it is given; ends on ``exit``."""

    written: list[bytes] = field(default_factory=list)
    sizes: list[engine.Size] = field(default_factory=list)
    lines: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    input_closed: bool = False
    closed: int = 0
    lost: engine.EngineError | None = None

    async def write(self, data: bytes) -> None:
        self.written.append(data)
        if data == b"exit\n":
            self.end()
        else:
            self.lines.put_nowait(data)

    def end(self) -> None:
        self.lines.put_nowait(b"bye")
        self.lines.put_nowait(b"")
        self.ended.set()

    async def close_input(self) -> None:
        self.input_closed = True
        self.end()

    async def output(self) -> AsyncIterator[bytes]:
        if self.lost:
            raise self.lost
        while data := await self.lines.get():
            yield data

    async def resize(self, size: engine.Size) -> None:
        self.sizes.append(size)

    async def wait(self) -> int:
        await self.ended.wait()
        return 7

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Bench:
    site: Site
    tickets: workload.ExecTickets
    process: Process
    door: workload.ExecDoor
    opened: list[workload.ExecWish]
    refusal: list[core.SiloError]

    def issue(self) -> tuple[str, str]:
        wish = workload.ExecWish(self.site.resource.uid, TEXT, "web", ("sh",), 24, 80, "kim", "oid")
        now = self.site.clock.now()
        return self.site.store.write_now(lambda conn: self.tickets.issue(conn, wish, now))

    def list_records(self) -> list[Any]:
        query = sa.text("SELECT body FROM audit_records WHERE category = 'Administrative'")
        bodies = self.site.store.read_now(lambda conn: conn.execute(query).scalars().all())
        return [json.loads(body) for body in bodies]


@dataclass
class Socket:
    """The other end of a websocket."""

    door: workload.ExecDoor
    scope: dict[str, Any]
    incoming: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    sent: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        self.incoming.put_nowait({"type": "websocket.connect"})
        await self.door(self.scope, self.incoming.get, self.sent.put)

    def send(self, *, text: str | None = None, data: bytes | None = None) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text, "bytes": data})

    async def get(self) -> Any:
        async with asyncio.timeout(5):
            return await self.sent.get()


@contextlib.asynccontextmanager
async def dial(
    bench: Bench, id_: str, *, ours: bool = False, origin: str = "https://management.silo.test"
) -> AsyncIterator[Socket]:
    headers = [(b"host", b"management.silo.test"), (b"origin", origin.encode())]
    scope = {
        "type": "websocket",
        "path": f"/exec/{id_}",
        "headers": headers,
        "client": ("192.0.2.7", 1),
        "subprotocols": ["silo.exec"] if ours else [],
    }
    socket = Socket(bench.door, scope)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(socket.run())
        yield socket
        task.cancel()


@pytest.fixture
def bench(site: Site, tmp_path: Path) -> Bench:
    tickets = workload.ExecTickets(core.Vault(tmp_path / "vault.key"))
    process, opened, refusal = Process(), [], []

    async def open_session(wish: workload.ExecWish) -> workload.ExecSession:
        opened.append(wish)
        if refusal:
            raise refusal[0]
        return process

    door = workload.ExecDoor(site.store, site.clock, tickets, open_session)
    return Bench(site, tickets, process, door, opened, refusal)


async def test_who_watches_is_recorded_as_one_who_watches(bench: Bench) -> None:
    wish = workload.ExecWish(bench.site.resource.uid, TEXT, "web", (), caller="kim")
    now = bench.site.clock.now()
    id_, password = bench.site.store.write_now(lambda conn: bench.tickets.issue(conn, wish, now))

    async with dial(bench, id_) as socket:
        assert (await socket.get())["type"] == "websocket.accept"
        socket.send(text=password)
        socket.send(data=b"exit\n")
        assert (await socket.get())["bytes"] == b"bye"

    assert [one["operation"].rpartition("containers/")[2] for one in bench.list_records()] == [
        "attach/action"
    ]


async def test_bytes_go_both_ways_until_the_process_ends(bench: Bench) -> None:
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        assert await socket.get() == {"type": "websocket.accept", "subprotocol": None}
        socket.send(text=password)
        socket.send(data=b"ls\n")
        assert (await socket.get())["bytes"] == b"ls\n"
        socket.send(text="typed\n")
        assert (await socket.get())["bytes"] == b"typed\n"
        socket.send(data=b"exit\n")
        assert (await socket.get())["bytes"] == b"bye"
        assert await socket.get() == {"type": "websocket.close", "code": 1000}

    assert bench.process.closed == 1
    assert bench.opened[0].command == ("sh",)


async def test_an_opened_socket_is_recorded_under_who_asked(bench: Bench) -> None:
    id_, password = bench.issue()
    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        socket.send(data=b"exit\n")
        await socket.get()

    (record,) = bench.list_records()
    assert (record["result"], record["caller"], record["scope"]) == ("Started", "kim", TEXT)
    assert record["client_ip"] == "192.0.2.7"


@pytest.mark.parametrize("password", ["guess", "", "é"])
async def test_a_wrong_password_starts_nothing(bench: Bench, password: str) -> None:
    id_, right = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        assert (await socket.get())["code"] == 1008
    async with dial(bench, id_) as socket:
        assert await socket.get() == {"type": "websocket.close", "code": 1008}

    assert bench.opened == []
    assert [record["result"] for record in bench.list_records()] == ["Denied"]
    assert right not in str(bench.list_records())


async def test_a_ticket_opens_one_socket(bench: Bench) -> None:
    id_, password = bench.issue()
    async with dial(bench, id_) as one, dial(bench, id_) as two:
        for socket in (one, two):
            await socket.get()
            socket.send(text=password)
        one.send(data=b"exit\n")
        two.send(data=b"exit\n")
        endings = [await one.get(), await two.get()]

    assert len(bench.opened) == 1
    assert {"type": "websocket.close", "code": 1008} in endings


async def test_a_page_of_somebody_elses_is_refused_before_the_handshake(bench: Bench) -> None:
    id_, _ = bench.issue()

    async with dial(bench, id_, origin="https://evil.example") as socket:
        assert (await socket.get())["type"] == "websocket.close"


async def test_an_expired_ticket_is_refused_before_the_handshake(bench: Bench) -> None:
    id_, _ = bench.issue()
    bench.site.clock.move(seconds=61)

    async with dial(bench, id_) as socket:
        assert (await socket.get())["type"] == "websocket.close"


async def test_who_says_nothing_is_cut_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_door, "PASSWORD_S", 0.01)
    id_, _ = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        assert (await socket.get())["code"] == 1008


async def test_the_process_goes_with_the_client(bench: Bench) -> None:
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        socket.send(data=b"ls\n")
        await socket.get()
        socket.incoming.put_nowait({"type": "websocket.disconnect"})
        await socket.get()

    assert bench.process.closed == 1


async def test_the_process_goes_with_the_worker(bench: Bench) -> None:
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        socket.send(data=b"ls\n")
        await socket.get()

    assert bench.process.closed == 1


async def test_a_stopping_worker_ends_every_session(bench: Bench) -> None:
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        socket.send(data=b"ls\n")
        await socket.get()
        await bench.door.close()
        assert bench.process.closed == 1


async def test_a_container_that_goes_meanwhile_is_told_at_the_terminal(bench: Bench) -> None:
    bench.process.lost = engine.ContainerMissing("There is no container web.")
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        assert (await socket.get())["text"] == "There is no container web.\r\n"
        assert await socket.get() == {"type": "websocket.close", "code": 1000}

    assert bench.process.closed == 1


async def test_what_cannot_be_started_is_told_at_the_terminal(bench: Bench) -> None:
    bench.refusal.append(engine.ContainerRefused("no such program: zsh"))
    id_, password = bench.issue()

    async with dial(bench, id_) as socket:
        await socket.get()
        socket.send(text=password)
        assert (await socket.get())["text"] == "no such program: zsh\r\n"
        assert (await socket.get())["code"] == 1011


async def test_our_own_client_resizes_and_is_told_the_exit_code(bench: Bench) -> None:
    id_, password = bench.issue()

    async with dial(bench, id_, ours=True) as socket:
        assert (await socket.get())["subprotocol"] == "silo.exec"
        socket.send(text=password)
        socket.send(text='{"resize":{"rows":50,"cols":120}}')
        for strange in ("", "[]", "{", '{"resize":{"rows":-1,"cols":"x"}}', '{"newer":1}'):
            socket.send(text=strange)
        socket.send(text='{"eof":true}')
        assert (await socket.get())["bytes"] == b"bye"
        assert json.loads((await socket.get())["text"]) == {"exitCode": 7}
        assert (await socket.get())["code"] == 1000

    assert bench.process.sizes == [engine.Size(columns=120, rows=50)]
    assert bench.process.written == []


async def test_more_sessions_than_a_worker_bears_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_door, "SESSIONS", 0)
    id_, _ = bench.issue()

    async with dial(bench, id_) as socket:
        assert (await socket.get())["code"] == 1013
