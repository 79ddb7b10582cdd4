"""What a workload shows to a registry that asks who is pulling.

A user name and a password, as they were given; or, for a registry of this instance, a managed
identity of the workload: its token is exchanged at the registry's own door, which then decides by
the identity's permissions (AcrPull) as for any other caller. No token leaves this instance.
"""

import ssl
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2

from silo import arm, core, engine, front, identity
from silo.settings import Settings

from .identities import Assignment, list_assigned

REGISTRY_RESOURCE = "https://containerregistry.azure.net"
NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user name that goes with ACR's refresh token as password (azure-wire 4.2)."""
EXCHANGE_S = 20.0
_ANSWER_MAX = 64 * 1024
_HUB = "docker.io"
_HUB_NAMES = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """One of ``imageRegistryCredentials``."""

    server: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_id: str = ""
    """The ARM id of a user-assigned identity of the workload."""


class PullCredentials:
    """Makes the credentials of every workload of this instance."""

    def __init__(
        self, issuer: identity.Issuer, resources: arm.Resources, settings: Settings
    ) -> None:
        self._issuer = issuer
        self._resources = resources
        self._names = settings.names
        scheme = "https" if settings.tls else "http"
        self._base = f"{scheme}://{front.local_address(settings.listen)}:{settings.port}"
        self._bundle = str(settings.bundle) if settings.tls else ""
        self._client: httpx2.AsyncClient | None = None

    def open(self, uid: str, logins: Sequence[RegistryLogin]) -> engine.Credentials:
        """Return what answers for the workload of this uid."""
        by_server = {self._get_key(_clean(login.server)): login for login in logins}

        async def find(reference: str) -> engine.Basic | engine.Bearer | None:
            login = by_server.get(self._get_key(_get_host(reference)))
            if login is None:
                return None
            if not login.identity_id:
                return engine.Basic(login.username, login.password)
            return await self._sign_in(uid, reference, login.identity_id)

        return find

    async def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            await self._client.aclose()

    def _get_key(self, host: str) -> str:
        """Return what makes two names of one registry the same."""
        place = self._names.find_place(host)
        if place is not None and place.door is front.Door.REGISTRY:
            return f"registry:{place.registry}"
        return _HUB if host in _HUB_NAMES else host

    async def _sign_in(self, uid: str, reference: str, identity_id: str) -> engine.Basic:
        host = _get_host(reference)
        place = self._names.find_place(host)
        if place is None or place.door is not front.Door.REGISTRY:
            raise engine.ImageInaccessible(
                reference, f"{host} is not a registry of this instance; no identity is shown to it"
            )
        resource, assigned = self._resources.store.read_now(
            lambda conn: self._find(conn, uid, identity_id)
        )
        if assigned is None:
            raise engine.ImageInaccessible(
                reference, f"the identity {identity_id} is not assigned or does not exist any more"
            )
        sign_in = identity.SignIn(
            client_ip="",
            correlation_id=str(uuid.uuid4()),
            user_agent="silo",
            extra={"workload": resource, "image": reference},
        )
        try:
            answer = await identity.issue_managed_identity_token(
                self._issuer, assigned.object_id, REGISTRY_RESOURCE, sign_in, place.urls
            )
        except identity.OAuthError as error:
            raise engine.ImageInaccessible(reference, str(error)) from error
        login_server = place.urls.login_server(place.registry)
        token = await self._exchange(reference, login_server, str(answer["access_token"]))
        return engine.Basic(NOBODY, token)

    def _find(
        self, conn: core.Connection, uid: str, identity_id: str
    ) -> tuple[str, Assignment | None]:
        resource = self._resources.find_by_uid(conn, uid)
        if resource is None:
            return "", None
        return resource.id.text, list_assigned(conn, resource).find_user(identity_id)

    async def _exchange(self, reference: str, login_server: str, token: str) -> str:
        """Return the registry's refresh token, as az gets it: through its door, like anybody."""
        form = {
            "grant_type": "access_token",
            "service": login_server,
            "tenant": self._issuer.tenant.id,
            "access_token": token,
        }
        try:
            answer = await self._get_client().post(
                f"{self._base}/oauth2/exchange",
                data=form,
                headers={"Host": login_server},
                extensions={"sni_hostname": login_server.partition(":")[0]},
            )
        except httpx2.HTTPError as error:
            raise engine.ImageInaccessible(
                reference, f"the registry cannot be reached ({type(error).__name__})"
            ) from error
        if answer.status_code != httpx2.codes.OK or len(answer.content) > _ANSWER_MAX:
            raise engine.ImageInaccessible(
                reference, f"the registry refused the identity ({answer.status_code})"
            )
        return str(core.parse_json_object(answer.content).get("refresh_token", ""))

    def _get_client(self) -> httpx2.AsyncClient:
        if self._client is None:
            # Our own door on this machine: no proxy may stand in between.
            verify: ssl.SSLContext | bool = True
            if self._bundle:
                verify = ssl.create_default_context(cafile=self._bundle)
            self._client = httpx2.AsyncClient(verify=verify, timeout=EXCHANGE_S, trust_env=False)
        return self._client


def _clean(server: str) -> str:
    host = server.strip().casefold().removeprefix("https://").removeprefix("http://")
    return host.partition("/")[0]


def _get_host(reference: str) -> str:
    """Return the host of an image's name, as Docker reads it."""
    host, slash, _ = reference.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        return _HUB
    return host.casefold()
