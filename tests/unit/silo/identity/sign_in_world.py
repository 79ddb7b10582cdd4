"""A login door to test with: one user, one application with a secret, a client to post with."""

import base64
import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx2
from joserfc import jws

from silo import core, front, identity
from silo.identity.credentials import hash_password

NAMES = front.Names("silo.test", 8443)
LOGIN = "https://login.silo.test:8443"
ARM_SCOPE = "https://management.azure.com//.default"
AZ = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
UPN = "ada@silo.test"
PASSWORD = "correct horse"
CLAIMS = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'


@dataclass
class World:
    issuer: identity.Issuer
    user: identity.User
    application: identity.Application
    principal: identity.ServicePrincipal
    secret: str
    urls: front.Urls = NAMES.urls
    client_ip: str = "192.0.2.1"

    @property
    def verifier(self) -> identity.Verifier:
        return identity.Verifier(self.issuer)

    def open_client(self) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        inner = identity.login_door(self.issuer)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["silo"] = front.RequestContext("request-1", self.client_ip, self.urls)
            await inner(scope, receive, send)

        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=self.urls.login)

    async def post(self, path: str = "/common/oauth2/v2.0/token", **fields: str) -> Any:
        async with self.open_client() as client:
            return await client.post(path, data=fields)

    async def sign_in(self, **fields: str) -> Any:
        """Sign the user in with the password grant."""
        asked = {
            "grant_type": "password",
            "client_id": AZ,
            "username": UPN,
            "password": PASSWORD,
            "scope": f"{ARM_SCOPE} offline_access openid profile",
            "client_info": "1",
            "claims": CLAIMS,
        }
        return await self.post(**(asked | fields))

    async def sign_in_client(self, **fields: str) -> Any:
        """Sign the application in with its secret."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.application.app_id,
            "client_secret": self.secret,
            "scope": ARM_SCOPE,
        }
        return await self.post(**(asked | fields))

    def list_sign_ins(self) -> list[dict[str, Any]]:
        now = self.issuer.clock.now()
        day = timedelta(days=1)
        return self.issuer.store.read_now(
            lambda conn: identity.list_sign_ins(conn, since=now - day, until=now + day)
        )


def make_world(
    store: core.Store,
    keys: core.KeyRing,
    clock: core.Clock,
    tenant: identity.Tenant,
    settings: identity.IdentitySettings | None = None,
) -> World:
    now = clock.now()
    password_hash = hash_password(PASSWORD)

    def write(conn: core.Connection) -> Any:
        user = identity.create_user(
            conn,
            user_principal_name=UPN,
            display_name="Ada",
            password_hash=password_hash,
            now=now,
        )
        application = identity.create_application(conn, display_name="robot", now=now)
        principal = identity.create_service_principal(conn, application.app_id, now)
        _, secret = identity.add_password_credential(
            conn, application.id, display_name="", start=now, end=now + timedelta(days=1)
        )
        return user, application, principal, secret

    issuer = identity.Issuer(
        store, keys, tenant, NAMES, clock, settings or identity.IdentitySettings()
    )
    return World(issuer, *store.write_now(write))


def read_claims(token: str) -> dict[str, Any]:
    return core.parse_json_object(jws.extract_compact(token.encode()).payload)


def make_pkce() -> tuple[str, str]:
    """Return a verifier and its challenge."""
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class FormReader(HTMLParser):
    """Reads the one form of a page as a browser would."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action") or ""
        if tag == "input":
            self.fields[found["name"] or ""] = found.get("value") or ""
        if tag == "button":
            self.buttons.append(found.get("value") or "")


async def submit(
    client: httpx2.AsyncClient, page: httpx2.Response, action: str, **fields: str
) -> httpx2.Response:
    """Fill in the form of a page and press a button."""
    form = FormReader(page.text)
    assert action in form.buttons, page.text
    data = form.fields | fields | {"action": action}
    return await client.post(str(page.url), data=data)
