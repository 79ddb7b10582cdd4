"""A registry door with a fake directory and policy behind it, and a client that speaks ASGI."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from silo import access, core, front, registry

PREFIX = "Microsoft.ContainerRegistry/registries/"
PULL, PUSH, DELETE = PREFIX + "pull/read", PREFIX + "push/write", PREFIX + "artifacts/delete"
RESOURCE_ID = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/acme"
)
AUDIENCE = "https://containerregistry.azure.net"
ARM_AUDIENCE = "https://management.azure.com/"
OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class FakeClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def advance(self, **by: float) -> None:
        self.moment += timedelta(**by)


class Refused(core.SiloError):
    """What a directory says to a wrong credential."""


@dataclass
class FakeDirectory:
    """Principals by name; a token is ``<audience>|<name>``, a secret ``secret of <name>``."""

    principals: dict[str, access.Principal] = field(default_factory=dict)
    actions: dict[str, set[str]] = field(default_factory=dict)
    checks: int = 0
    removed: set[str] = field(default_factory=set)

    def add(self, name: str, *actions: str) -> access.Principal:
        principal = access.Principal(
            object_id=f"oid-{name}",
            tenant_id="11111111-1111-1111-1111-111111111111",
            type=access.PrincipalType.SERVICE_PRINCIPAL,
            name=name,
            credential=f"secret-of-{name}",
        )
        self.principals[name] = principal
        self.actions[principal.object_id] = set(actions)
        return principal

    def verify_bearer(self, token: str, audiences: Collection[str]) -> access.Principal:
        audience, _, name = token.partition("|")
        if audience not in audiences or name not in self.principals:
            raise Refused("The token does not hold.")
        return self.principals[name]

    async def verify_client_secret(
        self, client_id: str, secret: str, client_ip: str
    ) -> access.Principal:
        self.checks += 1
        if client_id not in self.principals or secret != f"secret of {client_id}":
            raise Refused("The secret is wrong.")
        return self.principals[client_id]

    def find_principal(
        self, object_id: str, issued: datetime, credential: str = ""
    ) -> access.Principal | None:
        if credential in self.removed:
            return None
        return next((p for p in self.principals.values() if p.object_id == object_id), None)

    def authorize(
        self, principal: access.Principal, action: str, scope: str, *, data: bool = False
    ) -> access.Decision:
        key = f"data:{action}" if data else action
        allowed = scope == RESOURCE_ID and key in self.actions[principal.object_id]
        return access.Decision(allowed, "" if allowed else f"nothing allows {action}")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    path_sent: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


class Client:
    """Sends requests to the door as one caller."""

    def __init__(self, plane: "Plane", authorization: str | None) -> None:
        self._plane = plane
        self._authorization = authorization

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] = b"",
        *,
        headers: dict[str, str] | None = None,
        sendfile: bool = False,
        hang_up: bool = False,
        registry_name: str = "acme",
        urls: front.Urls | None = None,
    ) -> Answer:
        path, _, query = path.partition("?")
        sent = {k.lower(): v for k, v in (headers or {}).items()}
        if self._authorization:
            sent.setdefault("authorization", self._authorization)
        parts = [body] if isinstance(body, bytes) else list(body)
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": i < len(parts) - 1 or hang_up}
            for i, part in enumerate(parts)
        ]
        out: list[Any] = []
        forever = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop(0)
            if hang_up:
                return {"type": "http.disconnect"}
            await forever.wait()
            raise AssertionError

        async def send(message: Any) -> None:
            out.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in sent.items()],
            "extensions": {"http.response.pathsend": {}} if sendfile else {},
            "silo": front.RequestContext(
                "request-1", "192.0.2.7", urls or self._plane.urls, registry_name
            ),
        }
        await self._plane.door(scope, receive, send)
        start, *rest = out
        return Answer(
            status=start["status"],
            headers={k.decode(): v.decode() for k, v in start["headers"]},
            body=b"".join(m.get("body", b"") for m in rest),
            path_sent=next((str(m["path"]) for m in rest if "path" in m), ""),
        )

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.send("GET", path, **more)

    async def post_form(self, path: str, **fields: str) -> Answer:
        from urllib.parse import urlencode

        return await self.send("POST", path, urlencode(fields).encode())

    async def push_blob(self, data: bytes, repository: str = "hello") -> str:
        digest = digest_of(data)
        answer = await self.send("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", data)
        assert answer.status == 201, answer
        return digest

    async def push_image(self, tag: str, repository: str = "hello", **more: Any) -> str:
        """Push an image of one layer that holds the tag's name; return the manifest's digest."""
        body = make_image(tag, **more)
        await self.push_blob(b'{"architecture":"amd64","os":"linux"}', repository)
        await self.push_blob(tag.encode(), repository)
        answer = await self.put_manifest(tag, body, repository)
        assert answer.status == 201, answer
        return digest_of(body)

    async def put_manifest(
        self, reference: str, body: bytes, repository: str = "hello", kind: str = OCI_IMAGE
    ) -> Answer:
        return await self.send(
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            body,
            headers={"content-type": kind},
        )


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


def make_image(layer: str, **more: Any) -> bytes:
    """Return an image manifest that fits what ``push_image`` pushes."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "config": descriptor(b'{"architecture":"amd64","os":"linux"}', CONFIG),
        "layers": [descriptor(layer.encode(), LAYER)],
        **more,
    }
    return json.dumps(document).encode()


@dataclass
class Plane:
    """The door and all that stands behind it."""

    door: registry.RegistryDoor
    store: core.Store
    clock: FakeClock
    directory: FakeDirectory
    vault: core.Vault
    root: Path
    keys: core.KeyRing
    urls: front.Urls = field(default_factory=lambda: front.Names("silo.localhost", 8443).urls)

    def as_basic(self, user: str, password: str) -> Client:
        text = base64.b64encode(f"{user}:{password}".encode()).decode()
        return Client(self, f"Basic {text}")

    def as_service(self, name: str) -> Client:
        return self.as_basic(name, f"secret of {name}")

    def as_bearer(self, token: str) -> Client:
        return Client(self, f"Bearer {token}")

    def as_nobody(self) -> Client:
        return Client(self, None)

    async def get_refresh_token(self, name: str) -> str:
        answer = await self.as_nobody().post_form(
            "/oauth2/exchange",
            grant_type="access_token",
            service="acme.azurecr.silo.localhost:8443",
            access_token=f"{AUDIENCE}|{name}",
        )
        assert answer.status == 200, answer
        return str(answer.json["refresh_token"])

    async def get_access_token(self, name: str, scope: str) -> str:
        answer = await self.as_nobody().post_form(
            "/oauth2/token",
            grant_type="refresh_token",
            service="acme.azurecr.silo.localhost:8443",
            scope=scope,
            refresh_token=await self.get_refresh_token(name),
        )
        assert answer.status == 200, answer
        return str(answer.json["access_token"])

    async def put(self, name: str = "acme", **more: Any) -> registry.Registry:
        more.setdefault("admin_enabled", False)
        return await self.store.write(
            lambda conn: registry.put_registry(conn, name, RESOURCE_ID, **more)
        )

    async def list_log(self) -> list[dict[str, Any]]:
        """Return what the log says of the registry, oldest first."""
        from silo import audit

        await self.door.flush()
        since, until = self.clock.now() - timedelta(days=9), self.clock.now() + timedelta(days=9)
        records = self.store.read_now(
            lambda conn: audit.list_records(conn, category="Registry", since=since, until=until)
        )
        return [body for _, body in reversed(records)]
