"""The authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636)."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import core

from .client_errors import ClientProofMissing
from .clients import Client
from .errors import (
    CodeRedeemed,
    GrantExpired,
    GrantMalformed,
    OAuthError,
    RedirectChanged,
    VerifierWrong,
)
from .issuer import Issuer
from .refresh_tokens import Family, digest_token, make_family_id, revoke_family
from .requests import SignInRequest
from .tables import UtcTime
from .tokens import PUBLIC
from .user_grants import Granted, answer_user, grant_user, identify_client, resolve_scopes

codes = sa.Table(
    "authorization_codes",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column(
        "object_id",
        sa.String,
        sa.ForeignKey("directory_objects.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("redirect_uri", sa.String, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("nonce", sa.String, nullable=False),
    sa.Column("challenge", sa.String, nullable=False),
    sa.Column("session_id", sa.String, nullable=False),
    sa.Column("methods", sa.String, nullable=False),
    sa.Column("signed_in", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False, index=True),
    # Set when redeemed: a second redemption revokes what the first one got.
    sa.Column("family_id", sa.String, nullable=False),
)

_FORGET_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a user agreed to at the sign-in page."""

    object_id: str
    client_id: str
    redirect_uri: str
    scope: str
    resource: str
    nonce: str
    challenge: str
    session_id: str
    methods: tuple[str, ...]
    signed_in: datetime


def issue_code(
    conn: core.Connection, authorization: Authorization, lifetime_s: int, now: datetime
) -> str:
    """Make a code; return it, it is not kept."""
    old = sa.select(codes.c.digest).where(codes.c.expires < now - timedelta(days=1))
    conn.execute(codes.delete().where(codes.c.digest.in_(old.limit(_FORGET_AT_ONCE))))
    code = f"1.{secrets.token_urlsafe(48)}"
    conn.execute(
        codes.insert().values(
            digest=digest_token(code),
            object_id=authorization.object_id,
            client_id=authorization.client_id,
            redirect_uri=authorization.redirect_uri,
            scope=authorization.scope,
            resource=authorization.resource,
            nonce=authorization.nonce,
            challenge=authorization.challenge,
            session_id=authorization.session_id,
            methods=" ".join(authorization.methods),
            signed_in=authorization.signed_in,
            expires=now + timedelta(seconds=lifetime_s),
            family_id="",
        )
    )
    return code


async def redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer ``grant_type=authorization_code``."""
    client, proof = await identify_client(issuer, request, "authorizationCode")
    digest = digest_token(request.get("code"))
    row = await issuer.store.read(lambda conn: _find(conn, digest))
    if row is None:
        raise GrantMalformed
    request.sign_in.object_id = row.object_id
    check_code(row, request, client, is_proved=proof is not PUBLIC)
    asked = await resolve_scopes(
        issuer, request, client, proof, scope=row.scope, resource=row.resource
    )
    family = Family(
        id=make_family_id(),
        object_id=row.object_id,
        client_id=client.app_id,
        session_id=row.session_id,
        methods=tuple(row.methods.split()),
        signed_in=row.signed_in,
        scope=row.scope,
        resource=row.resource,
    )

    def write(conn: core.Connection) -> Granted | OAuthError:
        now = _find(conn, digest)
        if now is None:
            return GrantMalformed()
        if now.family_id:
            revoke_family(conn, now.family_id, request.now)
            return CodeRedeemed()
        found = codes.c.digest == digest
        conn.execute(codes.update().where(found).values(family_id=family.id))
        return grant_user(conn, issuer, request, asked, family, is_new=True)

    granted = await issuer.store.write(write)
    if isinstance(granted, OAuthError):
        raise granted
    return answer_user(issuer, request, asked, granted, nonce=row.nonce)


def check_code(row: Any, request: SignInRequest, client: Client, *, is_proved: bool) -> None:
    """Refuse a code that is too old, somebody else's, or without its verifier.

    Raises:
        GrantError: why. ClientProofMissing: a web server's code needs its secret.

    """
    if row.client_id != client.app_id:
        raise GrantMalformed
    if row.expires <= request.now:
        raise GrantExpired
    if request.get("redirect_uri") != row.redirect_uri:
        raise RedirectChanged
    if client.is_web_redirect(row.redirect_uri) and not is_proved:
        raise ClientProofMissing
    if row.challenge:
        check_verifier(request.get("code_verifier"), row.challenge)
    elif request.find("code_verifier"):
        raise VerifierWrong  # RFC 9700, section 2.1.1: no downgrade


def check_verifier(verifier: str, challenge: str) -> None:
    """Refuse a PKCE verifier that does not hash to its challenge.

    Raises:
        VerifierWrong: it does not.

    """
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(made, challenge.encode()):
        raise VerifierWrong


def _find(conn: core.Connection, digest: str) -> sa.Row[Any] | None:
    return conn.execute(sa.select(codes).where(codes.c.digest == digest)).first()
