"""Who asks the data plane, and whether they may: checked every time, remembered by generation.

A token proves who it was made for and what was granted then. Each use asks again whether the
principal still exists and the permission still holds; the answers are kept until anything in
directory, policy or registries changes, so what is taken away is gone with the next request.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from silo import access, core

from .errors import Denied, NameUnknown, TooManyRequests, Unauthorized
from .permissions import Action, Authorize, Verdict, decide
from .registries import AdminPassword, Registry, find_registry, list_admin_passwords
from .tokens import ACCESS, REFRESH, Subject, Tokens, describe_principal

ZERO_USER = "00000000-0000-0000-0000-000000000000"
"""The user name that goes with a refresh token as password."""
SESSIONS = 8_192
"""Credentials remembered by one worker."""
BASIC_S = 60.0
"""How long a checked secret is believed: it may expire without anything being written."""
NOBODY = "authentication required, visit https://aka.ms/acr/authorization for more information."
"""ACR's sentence."""
ATTEMPTS = 10
ATTEMPTS_S = 60.0
"""Failed admin sign-ins from one address to one registry before it has to wait."""


class SignIn(Protocol):
    """Somebody who knows the directory; ``identity`` does."""

    def verify_bearer(self, token: str, audiences: Collection[str]) -> access.Principal:
        """Return whose Entra token this is; raises a SiloError."""
        ...

    async def verify_client_secret(
        self, client_id: str, secret: str, client_ip: str
    ) -> access.Principal:
        """Return the service principal with this secret; raises a SiloError."""
        ...

    def find_principal(
        self, object_id: str, issued: datetime, credential: str = ""
    ) -> access.Principal | None:
        """Return an enabled principal as it stands now; None too if a token issued then is void.

        ``credential`` is what the token was got with: without it, the token is void as well.
        """
        ...


@dataclass(frozen=True, slots=True)
class Audiences:
    """What an Entra token must be made for to be exchanged."""

    registry: frozenset[str]
    arm: frozenset[str]
    """Taken too while the registry's policy ``azureADAuthenticationAsArmPolicy`` is enabled."""


@dataclass(slots=True)
class Session:
    """A caller whose credential has been checked, and what has been decided for them."""

    registry: Registry
    subject: Subject
    principal: access.Principal | None
    """None is the admin user."""
    granted: frozenset[tuple[str, Action]] | None
    """Repository (empty for the catalog) and action of an access token; None: not limited."""
    issued: datetime
    expires: float
    generation: int
    allowed: set[tuple[str, Action]] = field(default_factory=set)
    """What has been found allowed in this generation."""


class Gate:
    """Checks credentials and permissions for one worker."""

    def __init__(
        self,
        *,
        store: core.Store,
        clock: core.Clock,
        tokens: Tokens,
        vault: core.Vault,
        authorize: Authorize,
        sign_in: SignIn,
    ) -> None:
        self.tokens = tokens
        self._store = store
        self._clock = clock
        self._vault = vault
        self._authorize = authorize
        self._sign_in = sign_in
        self._generation = -1
        self._registries: dict[str, tuple[Registry, list[AdminPassword]]] = {}
        self._sessions: OrderedDict[tuple[str, bytes], Session] = OrderedDict()
        self._failures: dict[tuple[str, str], list[float]] = {}
        self._salt = secrets.token_bytes(32)

    def get_registry(self, name: str, client_ip: str) -> Registry:
        """Return the registry behind a login server, if its network rules let the client in.

        Raises:
            NameUnknown: there is none. Denied: the rules do not.

        """
        registry = self._find(name)[0]
        if not registry.network.admits(client_ip):
            raise Denied(
                f"client with IP '{client_ip}' is not allowed access. Refer "
                "https://aka.ms/acr/firewall to grant access."
            )
        return registry

    async def authenticate(
        self, registry: Registry, header: bytes | None, client_ip: str
    ) -> Session:
        """Return who sends this ``Authorization`` header.

        Raises:
            Unauthorized: nobody we know. TooManyRequests: too many wrong passwords.

        """
        if header is None:
            raise Unauthorized(NOBODY)
        # Of a password only the hash is kept; the salt makes it worthless outside this process.
        is_token = header.startswith(b"Bearer ")
        key = (registry.uid, header if is_token else hmac.digest(self._salt, header, "sha256"))
        session = self._sessions.get(key)
        generation = self._store.get_generation()
        if (
            session is None
            or session.generation != generation
            or session.expires <= self._clock.now().timestamp()
        ):
            self._sessions.pop(key, None)
            session = await self._open(registry, header, client_ip, generation)
            self._sessions[key] = session
            while len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)
        return session

    def check(self, session: Session, repository: str, *actions: Action) -> None:
        """Refuse what neither the token nor the permissions of now allow; one action suffices.

        Raises:
            Unauthorized: the token does not reach so far; another may. Denied: they may not.

        """
        if any((repository, action) in session.allowed for action in actions):
            return
        verdict = Verdict(allowed=False, reason="")
        reached = False
        for action in actions:
            if session.granted is not None and (repository, action) not in session.granted:
                continue
            reached = True
            verdict = self.decide(session.registry, session.principal, action)
            if verdict.allowed:
                session.allowed.add((repository, action))
                return
        if not reached:
            wanted = {"Type": "repository", "Class": "", "Name": repository, "Action": actions[0]}
            raise Unauthorized(NOBODY, [wanted])
        raise Denied("The requested access to the resource is denied.", verdict.reason)

    def allows(self, session: Session, repository: str, action: Action) -> bool:
        """Tell whether ``check`` would pass."""
        try:
            self.check(session, repository, action)
        except (Unauthorized, Denied):
            return False
        return True

    def decide(
        self, registry: Registry, principal: access.Principal | None, action: Action
    ) -> Verdict:
        """Decide by the policy of now; the admin user may do everything in its registry."""
        if principal is None:
            return Verdict(allowed=True, reason="admin user")
        return decide(self._authorize, principal, action, registry.resource_id)

    def exchange(self, registry: Registry, token: str, audiences: Audiences) -> access.Principal:
        """Return whose Entra token this is.

        Raises:
            Unauthorized: it does not hold, or is not for registries.

        """
        wanted = audiences.registry
        if registry.arm_tokens_accepted:
            wanted |= audiences.arm
        try:
            return self._sign_in.verify_bearer(token, wanted)
        except core.StoreUnavailable:
            raise
        except core.SiloError as error:
            raise Unauthorized(str(error)) from error

    def open_refresh(self, registry: Registry, token: str) -> Session:
        """Return whom a refresh token was made for, if they still stand.

        Raises:
            Unauthorized: with the reason.

        """
        return self._open_token(registry, token, REFRESH, self._store.get_generation())

    async def _open(
        self, registry: Registry, header: bytes, client_ip: str, generation: int
    ) -> Session:
        scheme, _, value = header.decode("latin-1").partition(" ")
        match scheme.lower():
            case "bearer":
                return self._open_token(registry, value.strip(), ACCESS, generation)
            case "basic":
                user, password = parse_basic(value)
                return await self.open_password(registry, user, password, client_ip)
        raise Unauthorized(NOBODY)

    def _open_token(self, registry: Registry, token: str, kind: str, generation: int) -> Session:
        claims = self.tokens.read(token, registry, kind)
        subject = claims.subject
        principal: access.Principal | None = None
        if subject.admin_stamp:
            known = {password.stamp for password in self._find(registry.name)[1]}
            if not registry.admin_enabled or subject.admin_stamp not in known:
                raise Unauthorized("The admin user is off, or its password was renewed.")
        else:
            principal = self._sign_in.find_principal(
                subject.object_id, claims.issued, subject.credential
            )
            if principal is None or principal.tenant_id != subject.tenant_id:
                raise Unauthorized("The principal is gone, disabled or signed out.")
        granted = frozenset(
            ("" if grant.type == "registry" else grant.name, action)
            for grant in claims.grants
            for action in grant.actions
        )
        return Session(
            registry=registry,
            subject=subject,
            principal=principal,
            granted=granted if kind == ACCESS else None,
            issued=claims.issued,
            # A credential ends without anything being written, so it is looked at again.
            expires=min(claims.expires, self._clock.now().timestamp() + BASIC_S),
            generation=generation,
        )

    async def open_password(
        self, registry: Registry, user: str, password: str, client_ip: str
    ) -> Session:
        """Return who signs in with a name and a password.

        Zero GUID and a refresh token; the admin user; application id and secret.

        Raises:
            Unauthorized, TooManyRequests.

        """
        generation = self._store.get_generation()
        if user == ZERO_USER:
            return self._open_token(registry, password, REFRESH, generation)
        principal = None
        if user.lower() == registry.name:
            subject = self._check_admin(registry, password, client_ip)
        else:
            try:
                principal = await self._sign_in.verify_client_secret(user, password, client_ip)
            except core.StoreUnavailable:
                raise
            except core.SiloError as error:
                if getattr(error, "status", 0) == TooManyRequests.status:
                    raise TooManyRequests(str(error)) from error
                raise Unauthorized(str(error)) from error
            subject = describe_principal(principal)
        now = self._clock.now()
        return Session(
            registry=registry,
            subject=subject,
            principal=principal,
            granted=None,
            issued=now,
            expires=now.timestamp() + BASIC_S,
            generation=generation,
        )

    def _check_admin(self, registry: Registry, password: str, client_ip: str) -> Subject:
        now = self._clock.monotonic()
        key = (registry.uid, client_ip)
        failures = [moment for moment in self._failures.get(key, ()) if now - moment < ATTEMPTS_S]
        if len(failures) >= ATTEMPTS:
            raise TooManyRequests("Too many failed attempts to sign in; wait a minute.")
        given = hashlib.sha256(password.encode()).digest()
        found = ""
        for known in self._find(registry.name)[1]:
            if hmac.compare_digest(hashlib.sha256(known.value.encode()).digest(), given):
                found = known.stamp
        if registry.admin_enabled and found:
            return Subject(name=registry.name, admin_stamp=found)
        if len(self._failures) >= SESSIONS:
            self._failures.clear()
        self._failures[key] = [*failures, now]
        raise Unauthorized("The user name or password is wrong, or the admin user is off.")

    def _find(self, name: str) -> tuple[Registry, list[AdminPassword]]:
        generation = self._store.get_generation()
        if generation != self._generation:
            self._registries.clear()
            self._generation = generation
        found = self._registries.get(name)
        if found is None:
            found = self._registries[name] = self._store.read_now(
                lambda conn: self._load(conn, name)
            )
        return found

    def _load(self, conn: core.Connection, name: str) -> tuple[Registry, list[AdminPassword]]:
        registry = find_registry(conn, name)
        if registry is None:
            raise NameUnknown("There is no such registry.", {"registry": name})
        return registry, list_admin_passwords(conn, self._vault, registry)


def parse_basic(value: str) -> tuple[str, str]:
    """Return name and password of a ``Basic`` credential.

    Raises:
        Unauthorized: it is not one.

    """
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthorized("The Authorization header cannot be read.") from None
    user, colon, password = text.partition(":")
    if not colon:
        raise Unauthorized("The Authorization header cannot be read.")
    return user, password
