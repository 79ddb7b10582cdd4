"""Who calls another door: bearer tokens, client secrets and passwords, checked against now.

A checked token is remembered until it ends or the generation of the directory changes: a user who
is disabled, a group that is left, a revoked session count with the next request in every process.
"""

import hashlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from silo import access, core

from .client_authentication import check_secret
from .client_errors import ClientLocked
from .credentials import has_credential
from .directory import ObjectType, find_service_principal, find_type, find_user, get_principal
from .directory_errors import DirectoryError
from .errors import AccountLocked, OAuthError, SignInThrottled, TokenRejected, TooManyRequests
from .issuer import Issuer
from .password_sign_in import check_password
from .sign_in_log import SignIn, SignInKind, append_sign_in
from .subjects import get_client_subject, get_user_subject
from .throttle import Throttle, clear_failures, find_lock
from .tokens import CREDENTIAL, Subject, make_token_id

TOKENS_MAX = 10_000
"""Remembered tokens per process; some 3 KiB each."""
SECRETS_MAX = 1_000
_SECRET_FRESH_S = 60.0
"""How long a right secret is remembered: docker sends it with every request."""
_TOKEN_LENGTH_MAX = 16 * 1024
_LOCK_RETRY_S = 60


@dataclass(frozen=True, slots=True)
class _Token:
    generation: int
    expires: float
    audience: str
    principal: access.Principal


@dataclass(frozen=True, slots=True)
class _Secret:
    generation: int
    until: float
    principal: access.Principal


class Verifier:
    """Checks what callers present; one per process."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._store = issuer.store
        self._clock = issuer.clock
        self._tokens: dict[str, _Token] = {}
        self._secrets: dict[bytes, _Secret] = {}

    def verify_bearer(self, token: str, audiences: Collection[str]) -> access.Principal:
        """Return who a token speaks for, as they stand in the directory now.

        Raises:
            TokenRejected: with the reason; ``expired`` when a new one would do.

        """
        generation = self._store.get_generation()
        known = self._tokens.get(token)
        if (
            known is not None
            and known.generation == generation
            and known.expires > self._clock.now().timestamp()
            and known.audience in audiences
        ):
            return known.principal
        claims = self._read_claims(token, audiences)
        principal = self._store.read_now(lambda conn: self._find_principal(conn, claims))
        if len(self._tokens) >= TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        self._tokens.pop(token, None)
        self._tokens[token] = _Token(
            generation, float(claims["exp"]), str(claims["aud"]), principal
        )
        return principal

    def find_principal(
        self, object_id: str, issued: datetime, credential: str = ""
    ) -> access.Principal | None:
        """Return a principal that may sign in now; None when a token issued then is void.

        ``credential`` is what the token was got with; without it the token is void too.
        """

        def look(conn: core.Connection) -> Subject | None:
            if find_type(conn, object_id) is ObjectType.USER:
                return get_user_subject(conn, object_id)
            subject = get_client_subject(conn, object_id, self._issuer.tenant.display_name)
            if credential and not has_credential(conn, credential, self._clock.now()):
                return None
            return subject

        try:
            subject = self._store.read_now(look)
        except OAuthError:
            return None
        if subject is None:
            return None
        if int(issued.timestamp()) < int(subject.valid_from.timestamp()):
            return None
        return subject.principal

    async def verify_client_secret(
        self, client_id: str, secret: str, client_ip: str, *, protocol: str = "basic"
    ) -> access.Principal:
        """Return the service principal whose secret this is.

        Raises:
            TokenRejected: it is not. SignInThrottled: it was not checked.

        """
        now, key = self._clock.now(), _digest("app", client_id, secret)
        generation = self._store.get_generation()
        if known := self._find_secret(key, generation):
            return known
        sign_in = _start(client_ip, SignInKind.SERVICE_PRINCIPAL, protocol)
        sign_in.app_id = sign_in.name = client_id.casefold()
        throttle = Throttle(sign_in.name, client_ip)

        def check(conn: core.Connection) -> tuple[Subject, datetime]:
            if find_lock(conn, throttle, self._issuer.settings, now):
                raise ClientLocked
            proof = check_secret(conn, client_id, secret, now)
            subject = get_client_subject(conn, client_id, self._issuer.tenant.display_name)
            principal = replace(subject.principal, credential=proof.credential_id)
            return replace(subject, principal=principal), proof.expires or now

        try:
            subject, expires = await self._store.read(check)
        except OAuthError as error:
            raise await self._reject(sign_in, error, now) from None
        left = (expires - now).total_seconds()
        await self._accept(sign_in, subject, throttle, now)
        return self._keep_secret(key, generation, left, subject.principal)

    async def verify_password(
        self, upn: str, password: str, client_ip: str, *, protocol: str = "basic"
    ) -> access.Principal:
        """Return the user whose password this is.

        Raises:
            TokenRejected: it is not. SignInThrottled: it was not checked.

        """
        now, key = self._clock.now(), _digest("user", upn, password)
        generation = self._store.get_generation()
        if known := self._find_secret(key, generation):
            return known
        sign_in = _start(client_ip, SignInKind.NON_INTERACTIVE, protocol)
        try:
            user = await check_password(self._issuer, sign_in, now, upn, password)
            subject = await self._store.read(lambda conn: get_user_subject(conn, user.id))
        except OAuthError as error:
            raise await self._reject(sign_in, error, now) from None
        await self._accept(sign_in, subject, Throttle(sign_in.name, client_ip), now)
        return self._keep_secret(key, generation, _SECRET_FRESH_S, subject.principal)

    def _read_claims(self, token: str, audiences: Collection[str]) -> dict[str, Any]:
        if len(token) > _TOKEN_LENGTH_MAX:
            raise TokenRejected("The token is too long.")
        try:
            claims = self._issuer.keys.verify(token)
        except core.TokenExpired as error:
            raise TokenRejected(str(error), expired=True) from None
        except core.TokenInvalid as error:
            raise TokenRejected(str(error)) from None
        if claims.get("iss") not in self._issuer.issuers:
            raise TokenRejected("The token's issuer is another one.")
        if claims.get("tid") != self._issuer.tenant.id:
            raise TokenRejected("The token is from another tenant.")
        audience = claims.get("aud")
        if not isinstance(audience, str) or audience not in audiences:
            raise TokenRejected("The token's audience is another API.")
        # An id token has neither: it says who signed in, and opens nothing.
        if not isinstance(claims.get("appid", claims.get("azp")), str):
            raise TokenRejected("The token is not an access token.")
        if not isinstance(claims.get("iat"), int) or not isinstance(claims.get("oid"), str):
            raise TokenRejected("The token lacks a claim.")
        return claims

    def _find_principal(self, conn: core.Connection, claims: dict[str, Any]) -> access.Principal:
        oid, is_app = claims["oid"], claims.get("idtyp") == "app"
        found = find_service_principal(conn, oid) if is_app else find_user(conn, oid)
        if found is None:
            raise TokenRejected("The account of the token does not exist.")
        try:
            principal = get_principal(conn, found.id)
        except DirectoryError as error:
            raise TokenRejected(str(error)) from None
        if claims["iat"] < int(found.sign_in_sessions_valid_from.timestamp()):
            raise TokenRejected("The sessions of the account were revoked.", expired=True)
        credential = claims.get(CREDENTIAL)
        if credential is not None and not has_credential(conn, str(credential), self._clock.now()):
            raise TokenRejected("The credential behind the token was removed.", expired=True)
        return replace(
            principal,
            app_id=str(claims.get("appid", claims.get("azp"))),
            credential=str(credential or ""),
            token_scopes=frozenset(str(claims.get("scp", "")).split()),
        )

    def _find_secret(self, key: bytes, generation: int) -> access.Principal | None:
        known = self._secrets.get(key)
        if known is None or known.generation != generation:
            return None
        return known.principal if known.until > self._clock.monotonic() else None

    def _keep_secret(
        self, key: bytes, generation: int, left_s: float, principal: access.Principal
    ) -> access.Principal:
        if len(self._secrets) >= SECRETS_MAX:
            del self._secrets[next(iter(self._secrets))]
        until = self._clock.monotonic() + min(_SECRET_FRESH_S, left_s)
        self._secrets.pop(key, None)
        self._secrets[key] = _Secret(generation, until, principal)
        return principal

    async def _accept(
        self, sign_in: SignIn, subject: Subject, throttle: Throttle, now: datetime
    ) -> None:
        sign_in.object_id = subject.principal.object_id
        sign_in.name, sign_in.display_name = subject.principal.name, subject.display_name

        def write(conn: core.Connection) -> None:
            clear_failures(conn, throttle, self._issuer.settings)
            append_sign_in(conn, sign_in, now)

        await self._store.write(write)

    async def _reject(self, sign_in: SignIn, error: OAuthError, now: datetime) -> TokenRejected:
        """Write a refusal down and return it as the calling door knows it."""
        if isinstance(error, TooManyRequests):
            return SignInThrottled(str(error), 1)
        await self._issuer.log_refusal(sign_in, error, now)
        if isinstance(error, ClientLocked | AccountLocked):
            return SignInThrottled(str(error), _LOCK_RETRY_S)
        return TokenRejected(str(error))


def _digest(kind: str, name: str, secret: str) -> bytes:
    text = f"{kind}\0{name.casefold()}\0{secret}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _start(client_ip: str, kind: SignInKind, protocol: str) -> SignIn:
    return SignIn(
        client_ip=client_ip,
        correlation_id=str(uuid.uuid4()),
        kind=kind,
        protocol=protocol,
        resource_name="Azure Container Registry",
        token_id=make_token_id(),
    )
