"""A file service with one account and a client that signs as the SDKs do."""

import base64
import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

from tests.databases import open_store

from silo import access, audit, core, front, storage

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acme"
FILES = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/"
BACKUP = "Microsoft.Storage/storageAccounts/fileServices/"


class Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


class Refused(core.SiloError):
    """What a directory says to a wrong token."""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return self.headers.get("x-ms-error-code", "")

    @property
    def xml(self) -> ET.Element:
        return ET.fromstring(self.body)


@dataclass
class World:
    door: storage.StorageDoor
    store: core.Store
    clock: Clock
    root: Path
    key: str
    actions: dict[str, set[str]] = field(default_factory=dict)

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        sign: bool = True,
        key: str | None = None,
        date: datetime | None = None,
        service: str = "file",
        account: str = "acme",
    ) -> Answer:
        path, _, query = path.partition("?")
        raw = quote(path, safe="/%")
        sent = {"x-ms-version": "2025-11-05", **(headers or {})}
        if body or method == "PUT":
            sent["content-length"] = str(len(body))
        if sign:
            sent["x-ms-date"] = format_datetime(date or self.clock.moment, usegmt=True)
            sent["authorization"] = self.sign(method, raw, query, sent, key or self.key)
        out: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            out.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in sent.items()],
            "silo": front.RequestContext(
                "request-1",
                "192.0.2.7",
                front.Names("silo.localhost", 8443).urls,
                account=account,
                service=service,
            ),
        }
        await self.door(scope, receive, send)
        start, *rest = out
        return Answer(
            start["status"],
            {k.decode(): v.decode("latin-1") for k, v in start["headers"]},
            b"".join(message.get("body", b"") for message in rest),
        )

    def sign(self, method: str, path: str, query: str, headers: dict[str, str], key: str) -> str:
        """Sign as https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key."""
        length = headers.get("content-length", "")
        lines = [method, "", "", "" if length == "0" else length]
        lines += [headers.get(name, "") for name in ("content-md5", "content-type")]
        lines += ["", "", "", "", "", headers.get("range", "")]
        lines += [f"{k}:{v}" for k, v in sorted(headers.items()) if k.startswith("x-ms-")]
        lines.append(f"/acme{path}")
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        lines += sorted(f"{name.lower()}:{unquote(value)}" for name, _, value in pairs)
        return f"SharedKey acme:{self.digest(chr(10).join(lines), key)}"

    def digest(self, text: str, key: str | None = None) -> str:
        secret = base64.b64decode(key or self.key)
        return base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()

    def make_sas(self, permissions: str, resource: str = "s", path: str = "data") -> str:
        ends = (self.clock.moment + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = [permissions, "", ends, f"/file/acme/{path}", "", "", "", "2025-11-05"]
        signature = quote(self.digest("\n".join([*lines, "", "", "", "", ""])), safe="")
        return f"sp={permissions}&se={quote(ends)}&sv=2025-11-05&sr={resource}&sig={signature}"

    async def put_file(self, path: str, data: bytes) -> None:
        made = {"x-ms-type": "file", "x-ms-content-length": str(len(data))}
        answer = await self.send("PUT", path, headers=made)
        assert answer.status == 201, answer
        if data:
            where = {"x-ms-range": f"bytes=0-{len(data) - 1}", "x-ms-write": "update"}
            answer = await self.send("PUT", f"{path}?comp=range", data, headers=where)
            assert answer.status == 201, answer

    async def list_log(self) -> list[dict[str, Any]]:
        await self.door.flush()
        since, until = NOW - timedelta(days=1), NOW + timedelta(days=1)
        found = self.store.read_now(
            lambda conn: audit.list_records(conn, category="Storage", since=since, until=until)
        )
        return [body for _, body in reversed(found)]

    def verify(self, token: str, audiences: Collection[str]) -> access.Principal:
        if token not in self.actions or "storage" not in audiences:
            raise Refused("The token does not hold.")
        kind = access.PrincipalType.SERVICE_PRINCIPAL
        return access.Principal(object_id=token, tenant_id="t", type=kind, name=token)

    def authorize(
        self, principal: access.Principal, action: str, scope: str, *, data: bool = False
    ) -> access.Decision:
        allowed = action in self.actions[principal.object_id] and scope.startswith(ID)
        return access.Decision(allowed, "")


def open_world(folder: Path) -> World:
    store = open_store(folder)
    vault = core.Vault(folder / "vault.key")
    clock = Clock()

    def fill(conn: core.Connection) -> str:
        account = storage.put_account(conn, "acme", ID)
        storage.create_share(conn, account, "data", NOW, quota_gib=1)
        return storage.set_keys(conn, vault, account, NOW)[0].value

    key = store.write_now(fill)
    made: list[World] = []
    door = storage.StorageDoor(
        store=store,
        tree=storage.Tree(folder / "shares"),
        clock=clock,
        vault=vault,
        verify=lambda *words: made[0].verify(*words),  # noqa: PLW0108 - made is empty yet
        authorize=lambda p, action, scope, *, data=False: made[0].authorize(
            p, action, scope, data=data
        ),
        audiences={"storage"},
        find_place=front.Names("silo.localhost", 8443).find_place,
        tenant="t",
    )
    made.append(World(door, store, clock, folder / "shares", key))
    return made[0]
