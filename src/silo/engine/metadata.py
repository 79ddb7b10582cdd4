"""The metadata service of groups: one listening socket each, which that group alone can reach.

Whoever reaches the socket is the group; nothing in a request can change that. What is answered is
decided elsewhere: this reads bounded HTTP/1.1 (h11) and counts connections, no more.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import h11
import structlog

log = structlog.get_logger()

METADATA_ADDRESS, METADATA_PORT = "169.254.169.254", 80
"""Where every cloud's programs look for it."""
HEAD_BYTES = 16 * 1024
REQUEST_S = 5.0
"""From the first to the last byte of a request; and between two on one connection."""
CONNECTION_S = 120.0
CONNECTIONS = 32
"""Of one group at the same time."""
_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class MetadataRequest:
    """A request as it came; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    client_ip: str = ""


@dataclass(frozen=True, slots=True)
class MetadataAnswer:
    """What is answered, always JSON."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[str, MetadataRequest], Awaitable[MetadataAnswer]]
"""Group uid and request to answer; it raises nothing that it expects."""
OpenSocket = Callable[[str, str, int], Awaitable[socket.socket]]
"""Group uid, address and port to a listening socket; ``Networks.open_socket`` fits."""


class Metadata:
    """Keeps the sockets of every group that runs."""

    def __init__(self, open_socket: OpenSocket, answer: Answer) -> None:
        self._open_socket = open_socket
        self._answer = answer
        self._rooms: dict[str, _Room] = {}

    async def open(self, uid: str) -> None:
        """Serve a group that is attached to its network; nothing to do when it is served already.

        Raises:
            OSError: the socket cannot be had.

        """
        if uid in self._rooms:
            return
        room = self._rooms[uid] = _Room(uid, self._answer)
        try:
            await room.start(await self._open_socket(uid, METADATA_ADDRESS, METADATA_PORT))
        except BaseException:
            self._rooms.pop(uid, None)
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


class _Room:
    """The socket of one group and the connections on it."""

    def __init__(self, uid: str, answer: Answer) -> None:
        self._uid = uid
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=HEAD_BYTES)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= CONNECTIONS:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            async with asyncio.timeout(CONNECTION_S):
                await self._talk(reader, writer)
        except (OSError, TimeoutError, h11.ProtocolError):
            log.debug("metadata connection ended early", group=self._uid)
        except Exception:  # a bug of ours ends one connection, told and logged
            log.exception("metadata request failed", group=self._uid)
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        peer = writer.get_extra_info("peername")
        client_ip = str(peer[0]) if peer else ""
        while True:
            try:
                request = await _read_request(protocol, reader, client_ip)
            except h11.RemoteProtocolError as error:
                if protocol.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                    await _send(protocol, writer, _malformed(error), last=True)
                return
            if request is None:
                return
            await _send(protocol, writer, await self._answer(self._uid, request))
            if protocol.our_state is h11.MUST_CLOSE or protocol.their_state is h11.MUST_CLOSE:
                return
            protocol.start_next_cycle()


async def _read_request(
    protocol: h11.Connection, reader: asyncio.StreamReader, client_ip: str
) -> MetadataRequest | None:
    """Return the next request, or None when the client is gone."""
    found: MetadataRequest | None = None
    async with asyncio.timeout(REQUEST_S):
        while True:
            match event := protocol.next_event():
                case h11.Request():
                    found = MetadataRequest(
                        event.method.decode("ascii"),
                        event.target.decode("latin-1"),
                        {
                            name.decode("ascii"): value.decode("latin-1")
                            for name, value in event.headers
                        },
                        client_ip,
                    )
                    if "transfer-encoding" in found.headers:
                        raise h11.RemoteProtocolError("No body is taken here.", 413)
                case h11.EndOfMessage():
                    return found
                case h11.Data():
                    raise h11.RemoteProtocolError("No body is taken here.", 413)
                case h11.ConnectionClosed():
                    return None
                case _ if event is h11.NEED_DATA:
                    protocol.receive_data(await reader.read(_CHUNK))
                case _:
                    return None


async def _send(
    protocol: h11.Connection,
    writer: asyncio.StreamWriter,
    answer: MetadataAnswer,
    *,
    last: bool = False,
) -> None:
    headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        *answer.headers.items(),
    ]
    if last:
        headers.append(("Connection", "close"))
    parts = (
        protocol.send(h11.Response(status_code=answer.status, headers=headers)),
        protocol.send(h11.Data(data=answer.body)),
        protocol.send(h11.EndOfMessage()),
    )
    writer.write(b"".join(part for part in parts if part))
    async with asyncio.timeout(REQUEST_S):
        await writer.drain()


def _malformed(error: h11.RemoteProtocolError) -> MetadataAnswer:
    body = b'{"error":"invalid_request","error_description":"The request cannot be read."}'
    return MetadataAnswer(error.error_status_hint or 400, body)
