"""A Graph client without sockets: tokens are names of accounts, everything else is real."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
from tests.unit.silo.identity.conftest import FakeClock

from silo import access, audit, core, front, identity
from silo.identity import credentials, directory_roles

NAMES = front.Names("silo.test", 8443)
AUDIENCE = "https://graph.microsoft.com"
PASSWORD = "Correct-Horse-9"
SCOPES = frozenset({"Directory.AccessAsUser.All"})


class FakeRejected(core.SiloError):
    """What the verifier raises."""


@dataclass
class FakeSignIn:
    """Knows tokens by heart; who they are for comes from the real directory."""

    store: core.Store
    tokens: dict[str, str] = field(default_factory=dict)
    scopes: frozenset[str] = SCOPES

    def verify_bearer(self, token: str, audiences: Collection[str]) -> access.Principal:
        assert AUDIENCE in audiences
        if token not in self.tokens:
            raise FakeRejected("Invalid token.")
        try:
            found = self.store.read_now(
                lambda conn: identity.get_principal(conn, self.tokens[token])
            )
        except identity.DirectoryError as error:
            raise FakeRejected(str(error)) from error
        return replace(found, token_scopes=self.scopes)

    async def verify_password(self, upn: str, password: str, client_ip: str) -> access.Principal:
        user = self.store.read_now(lambda conn: identity.find_user(conn, upn))
        assert user
        if not credentials.verify_password(user.password_hash, password):
            raise FakeRejected("Wrong password.")
        return self.store.read_now(lambda conn: identity.get_principal(conn, user.id))


@dataclass
class Graph:
    """The door, and accounts to knock with."""

    store: core.Store
    clock: FakeClock
    sign_in: FakeSignIn

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "admin",
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        door = identity.graph_door(self.store, self.clock, self.sign_in, {AUDIENCE})

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["silo"] = front.RequestContext("request-1", "10.0.0.9", NAMES.urls)
            await door(scope, receive, send)

        sent = {"authorization": f"Bearer {token}"} if token else {}
        sent |= headers or {}
        if not path.startswith("/v1.0") and not path.startswith("/beta"):
            path = f"/v1.0{path}"
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=NAMES.urls.graph) as client:
            if content is not None:
                sent.setdefault("content-type", "application/json")
                return await client.request(method, path, content=content, headers=sent)
            return await client.request(method, path, json=body, headers=sent)

    def add_user(self, name: str, *, role: str = "") -> str:
        """Make a user whose token is its name; return its id."""

        def write(conn: core.Connection) -> str:
            user = identity.create_user(
                conn,
                user_principal_name=f"{name}@silo.test",
                display_name=name.title(),
                password_hash="$argon2id$none",
                now=self.clock.now(),
            )
            if role:
                directory_roles.assign_directory_role(conn, find_role(role), user.id)
            return user.id

        self.sign_in.tokens[name] = self.store.write_now(write)
        return self.sign_in.tokens[name]

    def add_application(self, name: str, *, role: str = "") -> tuple[str, str, str]:
        """Make an application that can sign in, its token is its name; return its three ids."""

        def write(conn: core.Connection) -> tuple[str, str, str]:
            now = self.clock.now()
            application = identity.create_application(conn, display_name=name, now=now)
            principal = identity.create_service_principal(conn, application.app_id, now)
            if role:
                directory_roles.assign_directory_role(conn, find_role(role), principal.id)
            return application.id, application.app_id, principal.id

        ids = self.store.write_now(write)
        self.sign_in.tokens[name] = ids[2]
        return ids

    def list_records(self) -> list[dict[str, Any]]:
        """Return what the audit says, newest first."""
        now = self.clock.now()
        found = self.store.read_now(
            lambda conn: audit.list_records(
                conn, category="Administrative", since=now.replace(year=2000), until=now
            )
        )
        return [body for _, body in found]


def find_role(name: str) -> str:
    """Return a directory role's id by its name."""
    return next(role.id for role in directory_roles.ROLES.values() if role.display_name == name)


def make_graph(store: core.Store, clock: FakeClock) -> Graph:
    """Return a Graph with one administrator, ``admin``."""
    graph = Graph(store, clock, FakeSignIn(store))
    graph.add_user("admin", role="Global Administrator")
    return graph
