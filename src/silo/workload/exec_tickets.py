"""Tickets for a process in a container: who may run what, once, within a minute.

Asking is a call of ARM's, authenticated, authorised and recorded there. Its answer is an address
and a password for a websocket, which carries no token: the two are the ticket. The password is
kept as a hash, the command line sealed: it may well contain a secret.
"""

import hashlib
import hmac
import json
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import arm, core

from .errors import TicketRefused

LIFE = timedelta(seconds=60)
"""From the answer to the websocket's first frame; az connects at once."""
PATH = "/exec/"
"""On the management host, whose name and certificate every client of ARM's has already."""
_COMMAND_MAX = 8 * 1024
_SIDE_MAX = 1000
"""Rows or columns of a terminal."""

tickets = sa.Table(
    "exec_tickets",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("expires", sa.String, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ExecWish:
    """What the holder of a ticket may run, and who asked for it."""

    uid: str
    """Of the resource: another one under the same id is another one."""
    resource_id: str
    container: str
    command: tuple[str, ...]
    """Empty: the output of what runs already."""
    rows: int = 0
    """Of the terminal; 0 is none."""
    columns: int = 0
    caller: str = ""
    caller_object_id: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class ExecTickets:
    """Gives tickets, and takes each of them once."""

    vault: core.Vault

    def answer(
        self,
        conn: core.Connection,
        call: arm.Call,
        resource: arm.Resource,
        container: str,
        body: Any,
    ) -> dict[str, str]:
        """Return the answer to ``POST …/containers/<container>/exec``.

        The caller of this has made sure that the container is there and runs.

        Raises:
            InvalidRequestContent: the body is not what Azure describes.

        """
        return self._offer(conn, call, resource, container, _read_body(body))

    def answer_attach(
        self, conn: core.Connection, call: arm.Call, resource: arm.Resource, container: str
    ) -> dict[str, str]:
        """Return the answer to ``POST …/containers/<container>/attach``; as for ``answer``."""
        return self._offer(conn, call, resource, container, ((), 0, 0))

    def _offer(
        self,
        conn: core.Connection,
        call: arm.Call,
        resource: arm.Resource,
        container: str,
        program: tuple[tuple[str, ...], int, int],
    ) -> dict[str, str]:
        command, rows, columns = program
        wish = ExecWish(
            uid=resource.uid,
            resource_id=resource.id.text,
            container=container,
            command=command,
            rows=rows,
            columns=columns,
            caller=call.principal.name,
            caller_object_id=call.principal.object_id,
            correlation_id=call.correlation_id,
        )
        id_, password = self.issue(conn, wish, call.now)
        host = call.urls.resource_manager.removeprefix("https://")
        return {"webSocketUri": f"wss://{host}{PATH}{id_}", "password": password}

    def issue(self, conn: core.Connection, wish: ExecWish, now: datetime) -> tuple[str, str]:
        """Return the id and the password of a new ticket; forget those that nobody used."""
        conn.execute(tickets.delete().where(tickets.c.expires <= core.render_time(now)))
        id_, password = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
        conn.execute(
            tickets.insert().values(
                id=id_,
                digest=_digest(password),
                expires=core.render_time(now + LIFE),
                sealed=self.vault.seal(json.dumps(asdict(wish)), f"exec:{id_}"),
            )
        )
        return id_, password

    def is_known(self, conn: core.Connection, id_: str, now: datetime) -> bool:
        """Tell whether a ticket of this id could still be used."""
        row = conn.execute(sa.select(tickets.c.expires).where(tickets.c.id == id_)).first()
        return row is not None and bool(row.expires > core.render_time(now))

    def redeem(
        self, conn: core.Connection, id_: str, password: str, now: datetime
    ) -> ExecWish | TicketRefused:
        """Return what the ticket is for; it is used up even by a wrong password.

        The refusal is returned, not raised: raising would bring the ticket back.
        """
        row = conn.execute(sa.select(tickets).where(tickets.c.id == id_)).first()
        conn.execute(tickets.delete().where(tickets.c.id == id_))
        if row is None or row.expires <= core.render_time(now):
            return TicketRefused("The session is unknown, was used or has expired.")
        if not hmac.compare_digest(row.digest, _digest(password)):
            return TicketRefused("The password is wrong.")
        found: dict[str, Any] = json.loads(self.vault.open(row.sealed, f"exec:{id_}"))
        return ExecWish(**{**found, "command": tuple(found["command"])})


def _digest(password: str) -> str:
    # Made here, of 256 random bits: nothing that a slow hash would have to protect.
    return hashlib.sha256(password.encode("utf-8", "surrogatepass")).hexdigest()


def _read_body(body: Any) -> tuple[tuple[str, ...], int, int]:
    document = arm.require_object(body)
    text = document.get("command")
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise arm.InvalidRequestContent("Path 'command': a command line is expected")
    if len(text) > _COMMAND_MAX:
        raise arm.InvalidRequestContent(
            f"Path 'command': more than {_COMMAND_MAX} characters are not taken"
        )
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise arm.InvalidRequestContent(f"Path 'command': {error}") from None
    if not command or not command[0]:
        raise arm.InvalidRequestContent("Path 'command': a program is expected")
    size = document.get("terminalSize")
    if size is None:
        return command, 0, 0
    if not isinstance(size, Mapping):
        raise arm.InvalidRequestContent("Path 'terminalSize': an object is expected")
    return command, _read_side(size, "rows", 24), _read_side(size, "cols", 80)


def _read_side(size: Mapping[str, Any], name: str, default: int) -> int:
    value = size.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _SIDE_MAX:
        raise arm.InvalidRequestContent(
            f"Path 'terminalSize.{name}': a number up to {_SIDE_MAX} is expected"
        )
    return value or default  # az in a pipe knows no size and says 0
