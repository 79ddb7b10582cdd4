"""The CONNECT proxy that gives a shell Silo's names without DNS and without root.

It leads the names it claims to Silo's own listener and every other one where it asks to go.
It listens on loopback only: reachable from outside it would be an open relay.
"""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

log = structlog.get_logger()

HEAD_LIMIT = 16 * 1024
HEAD_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 20.0
CHUNK = 256 * 1024
"""Bytes moved at once; large enough that a layer is not a million small steps."""
LOOPBACK = "127.0.0.1"

Target = tuple[str, int]


class Proxy:
    """Answers ``CONNECT host:port`` (RFC 9110 §9.3.6); any other method is refused."""

    def __init__(
        self,
        claims: Callable[[str], bool],
        silo: Target,
        find_address: Callable[[str], str | None] = lambda _host: None,
    ) -> None:
        """Lead every host that ``claims`` accepts to the address ``silo``, whatever its port.

        ``find_address`` comes first: hosts that are elsewhere though the name is ours; nothing for
        one that is nowhere, None for all others.
        """
        self._claims = claims
        self._silo = silo
        self._find_address = find_address
        self._serving: set[asyncio.Task[None] | None] = set()
        """Kept from the collector: a stream lets go of its task as soon as its client has gone."""

    async def run(self, port: int) -> None:
        """Serve until cancelled."""
        server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=HEAD_LIMIT)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            target = await self._read_target(reader, writer)
            if target is not None:
                await self._tunnel(target, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            log.debug("proxy connection ended early")
        finally:
            self._serving.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _read_target(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Target | None:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            head = await reader.readuntil(b"\r\n\r\n")
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        host, colon, port = rest.partition(" ")[0].rpartition(":")
        if method != "CONNECT":
            await _answer(writer, "405 Method Not Allowed", "Allow: CONNECT\r\n")
            return None
        if not (colon and host and port.isdigit() and 0 < int(port) < 65536):  # noqa: PLR2004
            await _answer(writer, "400 Bad Request")
            return None
        address = self._find_address(host)
        if address is not None:
            if not address:
                await _answer(writer, "502 Bad Gateway")
                return None
            return address, int(port)
        return self._silo if self._claims(host) else (host.strip("[]"), int(port))

    async def _tunnel(
        self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                far_reader, far_writer = await asyncio.open_connection(*target, limit=CHUNK)
        except (OSError, TimeoutError):
            await _answer(writer, "502 Bad Gateway")
            return
        await _answer(writer, "200 Connection established")
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_relay(reader, far_writer))
                tasks.create_task(_relay(far_reader, writer))
        except* OSError:
            log.debug("tunnel ended early")
        finally:
            far_writer.close()
            with contextlib.suppress(OSError):
                await far_writer.wait_closed()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        with contextlib.suppress(OSError):
            writer.write_eof()


async def _answer(writer: asyncio.StreamWriter, status: str, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status}\r\n{headers}\r\n".encode("latin-1"))
    await writer.drain()
