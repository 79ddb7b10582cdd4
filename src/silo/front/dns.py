"""A small authoritative DNS server for Silo's own domain; groups, nodes and pods ask it.

dnslib reads and writes the messages (RFC 1035); names outside the domain are refused, so this is
no open resolver.
"""

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Callable

import structlog
from dnslib import AAAA, QTYPE, RCODE, RR, SOA, A, DNSError, DNSRecord

log = structlog.get_logger()

TTL_S = 30
UDP_LIMIT = 512
TCP_TIMEOUT_S = 10.0

Lookup = Callable[[str], list[str]]
"""Name in lower case without the final dot -> addresses; empty when there is no such name."""


class DnsServer:
    """Answers A and AAAA for one zone, over UDP and TCP."""

    def __init__(self, zone: str, lookup: Lookup) -> None:
        self._zone = zone.lower()
        self._lookup = lookup

    async def run(self, host: str, port: int) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(self.answer), local_addr=(host, port)
        )
        with contextlib.closing(transport):
            server = await asyncio.start_server(self._serve_tcp, host, port)
            async with server:
                await server.serve_forever()

    def answer(self, data: bytes) -> bytes | None:
        """Return the reply to one message, or None for what is not a query."""
        try:
            query = DNSRecord.parse(data)
        except (DNSError, struct.error, IndexError, ValueError):
            return None
        if query.header.qr or not query.questions:
            return None
        reply = query.reply()
        name = str(query.q.qname).rstrip(".").lower()
        if name != self._zone and not name.endswith(f".{self._zone}"):
            reply.header.rcode = RCODE.REFUSED
            return bytes(reply.pack())
        reply.header.aa = 1
        addresses = self._lookup(name)
        if not addresses:
            reply.header.rcode = RCODE.NXDOMAIN
        for address in map(ipaddress.ip_address, addresses):
            kind, data_type = ("A", A) if address.version == 4 else ("AAAA", AAAA)  # noqa: PLR2004
            if QTYPE[query.q.qtype] in {kind, "ANY"}:
                rdata = data_type(str(address))
                reply.add_answer(RR(query.q.qname, getattr(QTYPE, kind), rdata=rdata, ttl=TTL_S))
        if not reply.rr:
            times = (1, 3600, 600, 86400, TTL_S)
            soa = SOA(f"ns.{self._zone}", f"hostmaster.{self._zone}", times)
            reply.add_auth(RR(self._zone, QTYPE.SOA, rdata=soa, ttl=TTL_S))
        return bytes(reply.pack())

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TCP_TIMEOUT_S):
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = self.answer(await reader.readexactly(length))
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            log.debug("dns connection ended early")
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data)
        if reply is None or self._transport is None:
            return
        if len(reply) > UDP_LIMIT:
            short = DNSRecord.parse(data).reply()
            short.header.tc = 1
            reply = bytes(short.pack())
        self._transport.sendto(reply, addr)
