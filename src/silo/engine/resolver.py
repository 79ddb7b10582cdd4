"""Names for groups: one socket of each kind per group, our own names answered, others passed on.

dnslib reads and writes the messages (RFC 1035). What is passed on goes to the machine's own
resolvers, from the machine, under a number and a port of its own.
"""

import asyncio
import contextlib
import ipaddress
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from dnslib import QTYPE, RCODE, RR, SOA, A, DNSError, DNSRecord

from .netns import Kind
from .routers import DNS_ADDRESS

log = structlog.get_logger()

PORT = 53
TTL_S = 30
UPSTREAM_TIMEOUT_S = 2.0
"""For each of the machine's resolvers; programs in groups wait five seconds in all."""
TCP_TIMEOUT_S = 10.0
CONNECTIONS = 16
QUESTIONS = 64
"""Of one group at the same time; more are dropped, as a busy resolver would."""
_PLAIN_LIMIT = 512
_HEADER = 12
"""Bytes before the question."""
_RESOLV_CONF = Path("/etc/resolv.conf")
_RESOLVERS = 3
"""As many as the C library reads."""

Lookup = Callable[[str], Sequence[str] | None]
"""Name in lower case without the final dot -> addresses, none when there is no such name of ours;
None for a name that is not ours."""
OpenSocket = Callable[[str, str, int, Kind], Awaitable[socket.socket]]
"""Group uid, address, port and kind to a socket; ``Networks.open_socket`` fits."""


class Resolver:
    """Keeps the sockets of every group that runs."""

    def __init__(
        self, open_socket: OpenSocket, lookup: Lookup, resolv_conf: Path = _RESOLV_CONF
    ) -> None:
        self._open_socket = open_socket
        self._lookup = lookup
        self._resolv_conf = resolv_conf
        self._rooms: dict[str, _Room] = {}
        self.inbox: asyncio.Queue[tuple[_Room, bytes, tuple[str, int]]] = asyncio.Queue()

    async def run(self) -> None:
        """Answer what the groups ask, for ever; one slow resolver holds up no other name."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                room, data, peer = await self.inbox.get()
                tasks.create_task(room.answer(data, peer))

    async def open(self, uid: str) -> None:
        """Serve a group that is attached to its network; nothing to do when it is served already.

        Raises:
            OSError: the sockets cannot be had.

        """
        if uid in self._rooms:
            return
        room = self._rooms[uid] = _Room(self)
        try:
            udp = await self._open_socket(uid, DNS_ADDRESS, PORT, "udp")
            tcp = await self._open_socket(uid, DNS_ADDRESS, PORT, "tcp")
            await room.start(udp, tcp)
        except BaseException:
            await self.close(uid)
            raise

    async def close(self, uid: str) -> None:
        """Stop serving a group, before it is detached; repeatable."""
        room = self._rooms.pop(uid, None)
        if room is not None:
            room.stop()

    async def close_all(self) -> None:
        """Let go of every socket."""
        for uid in list(self._rooms):
            await self.close(uid)

    async def answer(self, data: bytes, *, limit: int | None = None) -> bytes | None:
        """Return the reply to one message, or None for what is not a query.

        Without a limit it goes through a stream, and is asked for through one.
        """
        query = _read_query(data)
        if query is None:
            return None
        name = str(query.q.qname).rstrip(".").lower()
        found = self._lookup(name)
        if found is not None:
            return _shorten(query, _answer_own(query, found), limit)
        # A few lines that the kernel has in memory: no thread is waited for.
        servers = read_resolvers(self._resolv_conf)
        reply = await _forward(data, servers, use_tcp=limit is None)
        if reply is None:
            failure = query.reply()
            failure.header.rcode = RCODE.SERVFAIL
            return bytes(failure.pack())
        return reply


class _Room(asyncio.DatagramProtocol):
    """The sockets of one group."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._questions = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, udp: socket.socket, tcp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=udp)
        self._server = await asyncio.start_server(self._serve_tcp, sock=tcp)

    def stop(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._questions < QUESTIONS:
            self._questions += 1
            self._resolver.inbox.put_nowait((self, data, addr))

    async def answer(self, data: bytes, peer: tuple[str, int]) -> None:
        """Answer one datagram."""
        try:
            reply = await self._resolver.answer(data, limit=_read_limit(data))
            if reply is not None and self._transport is not None:
                self._transport.sendto(reply, peer)
        except Exception:  # a bug of ours costs one answer, told and logged
            log.exception("name look-up failed")
        finally:
            self._questions -= 1

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= CONNECTIONS:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            async with asyncio.timeout(TCP_TIMEOUT_S):
                while True:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    reply = await self._resolver.answer(await reader.readexactly(length))
                    if reply is None:
                        break
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            log.debug("dns connection ended early")
        finally:
            self._writers.discard(writer)
            writer.close()


def read_resolvers(path: Path) -> list[str]:
    """Return the machine's resolvers (``man 5 resolv.conf``)."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            with contextlib.suppress(ValueError):
                found.append(str(ipaddress.ip_address(words[1].partition("%")[0])))
    return found[:_RESOLVERS]


def _read_query(data: bytes) -> DNSRecord | None:
    try:
        query = DNSRecord.parse(data)
    except (DNSError, struct.error, IndexError, ValueError):
        return None
    return None if query.header.qr or len(query.questions) != 1 else query


def _read_limit(data: bytes) -> int:
    """Return how long an answer by UDP may be (RFC 6891 section 6.2.3)."""
    query = _read_query(data)
    sizes = [each.edns_len for each in query.ar if each.rtype == QTYPE.OPT] if query else []
    return max(_PLAIN_LIMIT, min(4096, *sizes)) if sizes else _PLAIN_LIMIT


def _answer_own(query: DNSRecord, addresses: Sequence[str]) -> DNSRecord:
    reply = query.reply()
    reply.header.aa = 1
    if not addresses:
        reply.header.rcode = RCODE.NXDOMAIN
    if QTYPE[query.q.qtype] in {"A", "ANY"}:
        for address in addresses:
            reply.add_answer(RR(query.q.qname, QTYPE.A, rdata=A(address), ttl=TTL_S))
    if not reply.rr:
        zone = str(query.q.qname).partition(".")[2] or "."
        times = (1, 3600, 600, 86400, TTL_S)
        soa = SOA(f"ns.{zone}", f"hostmaster.{zone}", times)
        reply.add_auth(RR(zone, QTYPE.SOA, rdata=soa, ttl=TTL_S))
    return reply


def _shorten(query: DNSRecord, reply: DNSRecord, limit: int | None) -> bytes:
    packed = bytes(reply.pack())
    if limit is None or len(packed) <= limit:
        return packed
    short = query.reply()
    short.header.tc = 1
    return bytes(short.pack())


async def _forward(data: bytes, servers: Sequence[str], *, use_tcp: bool) -> bytes | None:
    """Ask the machine's resolvers in turn; None when none of them answers."""
    number = secrets.token_bytes(2)
    asked = number + data[2:]
    for server in servers:
        try:
            async with asyncio.timeout(UPSTREAM_TIMEOUT_S):
                reply = await (_ask_tcp if use_tcp else _ask_udp)(asked, server)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            continue
        if len(reply) >= _HEADER and reply[:2] == number and reply[2] & 0x80:
            return data[:2] + reply[2:]
    return None


async def _ask_udp(data: bytes, server: str) -> bytes:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.connect((server, PORT))  # a datagram socket hears its peer alone from now on
        await loop.sock_sendall(asking, data)
        while True:
            reply = await loop.sock_recv(asking, 65535)
            if reply[:2] == data[:2]:
                return reply


async def _ask_tcp(data: bytes, server: str) -> bytes:
    reader, writer = await asyncio.open_connection(server, PORT)
    try:
        writer.write(len(data).to_bytes(2, "big") + data)
        await writer.drain()
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
