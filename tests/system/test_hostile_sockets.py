"""Websockets that nobody asked for: refused before the handshake, in nobody's way."""

import asyncio
import contextlib
import ssl
import uuid

import pytest
from tests.sockets import ask, head
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from silo import core, workload

pytestmark = pytest.mark.usefixtures("still_well")
UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def issue(silo) -> tuple[str, str]:
    """Return a ticket as the API gives it, for a group that is not there."""
    tickets = workload.ExecTickets(core.Vault(silo.state / "keys" / "vault.key"))
    wish = workload.ExecWish(uuid.uuid4().hex, "/subscriptions/none", "web", ("sh",), 24, 80)
    store = core.Store(silo.state / "silo.db")
    with contextlib.closing(store):
        now = core.SystemClock().now()
        return store.write_now(lambda conn: tickets.issue(conn, wish, now))


def dial(silo, host: str, path: str, **options):
    trust = ssl.create_default_context(cafile=str(silo.bundle))
    place = {"host": "127.0.0.1", "port": silo.port, "ssl": trust, "server_hostname": host}
    url = f"wss://{host}:{silo.port}{path}"
    return connect(url, **place, proxy=None, **options)


@pytest.mark.parametrize(
    ("door", "path"),
    [
        ("management", "/exec/unknown"),
        ("management", "/exec/"),
        ("management", "/exec/" + "x" * 5000),
        ("management", "/exec/%00%ff"),
        ("management", "/subscriptions"),
        ("registry", "/v2/"),
        ("registry", "/exec/unknown"),
    ],
)
def test_an_upgrade_that_no_ticket_allows_is_refused(silo, hosts, door, path):
    ending = ask(silo, hosts[door], head("GET", path, hosts[door], *UPGRADE), 5.0)

    assert ending.status == 403
    assert ending.body == b""


def test_an_upgrade_to_a_host_that_is_not_ours_is_refused(silo, hosts):
    data = head("GET", "/exec/unknown", "evil.example", *UPGRADE)

    assert ask(silo, hosts["management"], data, 5.0).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_upgrade_nothing(silo, hosts, method):
    id_, _ = issue(silo)
    fields = (*UPGRADE, "Content-Length: 0")

    ending = ask(silo, hosts["management"], head(method, f"/exec/{id_}", "a", *fields), 5.0)

    assert ending.status >= 400


async def test_a_ticket_leads_to_the_engine_once(silo, hosts):
    id_, password = issue(silo)
    host = hosts["management"].partition(":")[0]

    async with dial(silo, host, f"/exec/{id_}") as socket:
        await socket.send(password)
        said = await socket.recv()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    with pytest.raises(InvalidStatus):
        async with dial(silo, host, f"/exec/{id_}"):
            pass

    assert "run" in said or "engine" in said
    assert socket.close_code == 1011


async def test_a_wrong_password_and_another_origin_are_refused(silo, hosts):
    host = hosts["management"].partition(":")[0]
    id_, _ = issue(silo)
    with pytest.raises(InvalidStatus):
        async with dial(silo, host, f"/exec/{id_}", origin="https://evil.example"):
            pass
    async with dial(silo, host, f"/exec/{id_}", origin=f"https://{host}:{silo.port}") as socket:
        await socket.send("guess")
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    assert socket.close_code == 1008


async def test_a_frame_larger_than_any_keystroke_ends_the_socket(silo, hosts):
    host = hosts["management"].partition(":")[0]
    id_, _ = issue(silo)

    async with dial(silo, host, f"/exec/{id_}", compression=None) as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send("x" * (80 << 20))
            await socket.recv()

    assert socket.close_code != 1000


async def test_sockets_that_say_nothing_are_cut_off(silo, hosts):
    host = hosts["management"].partition(":")[0]

    async with asyncio.timeout(20):
        async with dial(silo, host, f"/exec/{issue(silo)[0]}") as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()

    assert socket.close_code == 1008
