"""The websocket of a process in a container, or of a container's output, as plain ASGI messages.

The address names a ticket, the first frame is its password; what follows is the terminal: binary
frames both ways, as az sends and prints them. A client that asks for the subprotocol ``silo.exec``
(``silo container exec`` does) may besides send text frames of JSON:
``{"resize":{"rows":50,"cols":120}}`` and ``{"eof":true}``; it is told ``{"exitCode":0}`` in the
last frame but one.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any, Protocol

import structlog

from silo import audit, core, engine

from .errors import TicketRefused
from .exec_tickets import PATH, ExecTickets, ExecWish

log = structlog.get_logger()

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SUBPROTOCOL = "silo.exec"
PASSWORD_S = 10.0
"""From the handshake to the first frame; az sends it at once."""
SESSIONS = 250
"""Of one worker at the same time: pipes and a task each, and a process in a container."""
_END_S = 5.0
_CATEGORY = "Administrative"
_CONTAINERS = "Microsoft.ContainerInstance/containerGroups/containers"
_SIDE_MAX = 1000
_NORMAL, _POLICY, _FAILED, _TRY_LATER = 1000, 1008, 1011, 1013
"""RFC 6455 section 7.4.1; 1013 by IANA's registry."""


class ExecSession(Protocol):
    """A process that was started in a container; ``engine.Runtime.exec`` makes them."""

    async def write(self, data: bytes) -> None:
        """Give the process input; waits while it does not read."""
        ...

    async def close_input(self) -> None:
        """Let the process see the end of its input."""
        ...

    def output(self) -> AsyncIterator[bytes]:
        """Yield what the process writes, to the end."""
        ...

    async def resize(self, size: engine.Size) -> None:
        """Tell the process of another size of its terminal."""
        ...

    async def wait(self) -> int:
        """Return the exit code once the process has ended."""
        ...

    async def close(self) -> None:
        """End the process if it still runs, and leave nothing of it; repeatable."""
        ...


Open = Callable[[ExecWish], Awaitable[ExecSession]]
"""Starts the process; raises a SiloError with a sentence for the person at the terminal."""


class ExecDoor:
    """An ASGI application for websockets alone."""

    def __init__(
        self, store: core.Store, clock: core.Clock, tickets: ExecTickets, open_session: Open
    ) -> None:
        self._store = store
        self._clock = clock
        self._tickets = tickets
        self._open = open_session
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one websocket from its handshake to its end."""
        await receive()
        id_ = self._find_ticket(scope)
        task = asyncio.current_task()
        if not id_ or task is None or len(self._tasks) >= SESSIONS:
            await send({"type": "websocket.close", "code": _TRY_LATER if id_ else _POLICY})
            return
        self._tasks.add(task)
        try:
            await self._serve(scope, receive, send, id_)
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """End every session: the HTTP server lets go of sockets without a word when it stops."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_END_S)

    def _find_ticket(self, scope: Mapping[str, Any]) -> str:
        """Return the id of the ticket that the address names, if it could still be used."""
        path = str(scope.get("path", ""))
        id_ = path.removeprefix(PATH)
        if not path.startswith(PATH) or not _is_own_origin(scope):
            return ""
        now = self._clock.now()
        known = self._store.read_now(lambda conn: self._tickets.is_known(conn, id_, now))
        return id_ if known else ""

    async def _serve(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, id_: str
    ) -> None:
        ours = SUBPROTOCOL in scope.get("subprotocols", ())
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if ours else None})
        client_ip = str((scope.get("client") or ("",))[0])
        wish = await self._redeem(receive, id_, client_ip)
        if wish is None:
            await _close(send, _POLICY)
            return
        try:
            session = await self._open(wish)
        except core.SiloError as error:
            await _say(send, f"{error}\r\n")
            await _close(send, _FAILED)
            return
        try:
            code = await _connect(session, receive, send, controls=ours)
            if code is not None and ours:
                await _say(send, json.dumps({"exitCode": code}))
            await _close(send, _NORMAL)
        finally:
            # Also when this worker is told to stop: a process without a terminal serves nobody.
            await session.close()

    async def _redeem(self, receive: Receive, id_: str, client_ip: str) -> ExecWish | None:
        try:
            async with asyncio.timeout(PASSWORD_S):
                first = await receive()
        except TimeoutError:
            first = {"type": "websocket.disconnect"}
        password = ""
        if first["type"] == "websocket.receive":
            password = first.get("text") or (first.get("bytes") or b"").decode("latin-1")
        now = self._clock.now()

        def write(conn: core.Connection) -> ExecWish | TicketRefused:
            found = self._tickets.redeem(conn, id_, password, now)
            audit.append(conn, _describe(found, client_ip, now))
            return found

        found = await self._store.write(write)
        if isinstance(found, TicketRefused):
            log.info("exec refused", reason=str(found))
            return None
        return found


def _is_own_origin(scope: Mapping[str, Any]) -> bool:
    """Tell whether a page of somebody else's made a browser come; az names our own address."""
    headers = {bytes(name).lower(): bytes(value) for name, value in scope.get("headers", ())}
    origin = headers.get(b"origin", b"")
    return not origin or origin.rpartition(b"//")[2].lower() == headers.get(b"host", b"").lower()


async def _connect(
    session: ExecSession, receive: Receive, send: Send, *, controls: bool
) -> int | None:
    """Carry bytes until the process ends (its exit code), or client or container is gone (None)."""
    code = None
    try:
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(_feed(session, receive, controls=controls))
            printing = group.create_task(_print(session, send))
            ending = group.create_task(session.wait())
            await asyncio.wait({feeding, ending}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                # What it wrote last is still on its way; what it left behind may write for ever.
                await asyncio.wait({printing}, timeout=_END_S)
                code = ending.result()
            for task in (feeding, printing, ending):
                task.cancel()
    except* core.SiloError as lost:
        await _say(send, f"{lost.exceptions[0]}\r\n")
    return code


async def _print(session: ExecSession, send: Send) -> None:
    async for data in session.output():
        await send({"type": "websocket.send", "bytes": data})


async def _feed(session: ExecSession, receive: Receive, *, controls: bool) -> None:
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        text, data = message.get("text"), message.get("bytes") or b""
        if text is not None and controls:
            await _control(session, text)
            continue
        with contextlib.suppress(OSError, core.SiloError):  # it reads no more; it may still write
            await session.write(data if text is None else text.encode())


async def _control(session: ExecSession, text: str) -> None:
    """Obey a control frame; what is not understood is passed over, as a newer client's may be."""
    try:
        frame = core.parse_json_object(text.encode())
    except core.BodyError:
        return
    if frame.get("eof") is True:
        await session.close_input()
    size = frame.get("resize")
    if isinstance(size, dict):
        rows, columns = _read_side(size.get("rows")), _read_side(size.get("cols"))
        if rows and columns:
            with contextlib.suppress(OSError, core.SiloError):  # it has just ended
                await session.resize(engine.Size(columns=columns, rows=rows))


def _read_side(value: Any) -> int:
    return value if type(value) is int and 0 < value <= _SIDE_MAX else 0


def _describe(found: ExecWish | TicketRefused, client_ip: str, now: datetime) -> audit.Record:
    """Return the record of a websocket that opens, or does not."""
    if isinstance(found, TicketRefused):
        return audit.Record(
            time=now,
            category=_CATEGORY,
            operation=f"{_CONTAINERS}/exec/action",
            scope="/",
            result="Denied",
            caller="",
            client_ip=client_ip,
            http_status=403,
            properties={"reason": str(found)},
        )
    return audit.Record(
        time=now,
        category=_CATEGORY,
        operation=f"{_CONTAINERS}/{'exec' if found.command else 'attach'}/action",
        scope=found.resource_id,
        result="Started",
        caller=found.caller,
        caller_object_id=found.caller_object_id,
        client_ip=client_ip,
        correlation_id=found.correlation_id,
        http_status=101,
        properties={"container": found.container},
    )


async def _say(send: Send, text: str) -> None:
    await send({"type": "websocket.send", "text": text})


async def _close(send: Send, code: int) -> None:
    await send({"type": "websocket.close", "code": code})
