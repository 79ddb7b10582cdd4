"""The device authorization grant (RFC 8628): a code typed into a browser elsewhere."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import core

from .errors import (
    AuthorizationPending,
    CodeRedeemed,
    DeviceCodeDeclined,
    DeviceCodeExpired,
    GrantMalformed,
    OAuthError,
    SlowDown,
)
from .issuer import Issuer
from .refresh_tokens import Family, digest_token, make_family_id, revoke_family
from .requests import SignInRequest
from .tables import UtcTime
from .user_grants import (
    Granted,
    answer_user,
    grant_user,
    identify_client,
    require_public,
    resolve_scopes,
)

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

device_codes = sa.Table(
    "device_codes",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("user_code", sa.String, nullable=False, unique=True),
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("claims", sa.String, nullable=False),
    sa.Column("client_ip", sa.String, nullable=False),
    sa.Column("expires", UtcTime, nullable=False, index=True),
    sa.Column("asked", UtcTime, nullable=True),
    sa.Column("declined", sa.Boolean, nullable=False),
    # Empty until a user has agreed.
    sa.Column("object_id", sa.String, nullable=False),
    sa.Column("session_id", sa.String, nullable=False),
    sa.Column("methods", sa.String, nullable=False),
    sa.Column("signed_in", UtcTime, nullable=True),
    sa.Column("family_id", sa.String, nullable=False),
)

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No letter that looks like a digit."""
_USER_CODE_LENGTH = 9
"""As Entra's; 32^9 makes 45 random bits, and wrong codes are counted per address."""
_FORGET_AT_ONCE = 100
_POLL_TOLERANCE = 0.5
"""Share of the interval that a punctual client's clock may be off."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A device's wish to sign in, as the page shows it."""

    user_code: str
    client_id: str
    scope: str
    resource: str
    client_ip: str
    """Where the device is; shown to the user, who should recognise it."""


async def start(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer the device authorization endpoint."""
    client, proof = await identify_client(issuer, request, "deviceCode")
    require_public(client, proof)
    asked = await resolve_scopes(issuer, request, client, proof)
    device_code, user_code = secrets.token_urlsafe(48), make_user_code()
    settings = issuer.settings

    def write(conn: core.Connection) -> None:
        old = sa.select(device_codes.c.digest).where(device_codes.c.expires < request.now)
        found = device_codes.c.digest.in_(old.limit(_FORGET_AT_ONCE))
        conn.execute(device_codes.delete().where(found))
        conn.execute(
            device_codes.insert().values(
                digest=digest_token(device_code),
                user_code=user_code,
                client_id=client.app_id,
                scope=" ".join(asked.scopes.requested),
                resource=request.find("resource"),
                claims=request.find("claims"),
                client_ip=request.sign_in.client_ip,
                expires=request.now + timedelta(seconds=settings.device_code_s),
                declined=False,
                object_id="",
                session_id="",
                methods="",
                family_id="",
            )
        )

    await issuer.store.write(write)
    address = f"{request.urls.login}/devicelogin"
    answer: dict[str, Any] = {
        "user_code": user_code,
        "device_code": device_code,
        "expires_in": settings.device_code_s,
        "interval": settings.device_code_interval_s,
        "message": f"To sign in, use a web browser to open the page {address} and enter the code "
        f"{user_code} to authenticate.",
    }
    # The old endpoint calls it a URL and writes numbers as text.
    if request.version == 1:
        numbers = {name: str(answer[name]) for name in ("expires_in", "interval")}
        return answer | numbers | {"verification_url": address, "verification_uri": address}
    return answer | {"verification_uri": address}


async def redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer a poll of the device."""
    client, proof = await identify_client(issuer, request, "deviceCode")
    require_public(client, proof)
    # az sends the code under both names (azure-wire 2.4); v1 knows only the second.
    digest = digest_token(request.find("device_code") or request.get("code"))
    if not await issuer.store.read(lambda conn: _exists(conn, digest)):
        raise DeviceCodeExpired
    row = await issuer.store.write(lambda conn: _poll(conn, digest, request.now, issuer))
    if isinstance(row, OAuthError):
        raise row
    if row.client_id != client.app_id:
        raise GrantMalformed
    request.sign_in.object_id = row.object_id
    request = replace(request, fields={"claims": row.claims} | dict(request.fields))
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
        found = device_codes.c.digest == digest
        used = conn.scalar(sa.select(device_codes.c.family_id).where(found))
        if used:
            revoke_family(conn, used, request.now)
            return CodeRedeemed()
        conn.execute(device_codes.update().where(found).values(family_id=family.id))
        return grant_user(conn, issuer, request, asked, family, is_new=True)

    granted = await issuer.store.write(write)
    if isinstance(granted, OAuthError):
        raise granted
    return answer_user(issuer, request, asked, granted)


def make_user_code() -> str:
    """Return a code for people to type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_USER_CODE_LENGTH))


def normalize_user_code(text: str) -> str:
    """Return a code as it was printed, however it was typed."""
    return "".join(each for each in text.upper() if each.isalnum())[:_USER_CODE_LENGTH]


def find_device_code(conn: core.Connection, user_code: str, now: datetime) -> DeviceCode | None:
    """Return the waiting device that shows a code, or None."""
    query = sa.select(device_codes).where(_is_waiting(user_code, now))
    row = conn.execute(query).first()
    if row is None:
        return None
    return DeviceCode(row.user_code, row.client_id, row.scope, row.resource, row.client_ip)


def approve_device_code(
    conn: core.Connection,
    user_code: str,
    *,
    object_id: str,
    session_id: str,
    methods: tuple[str, ...],
    signed_in: datetime,
    now: datetime,
) -> bool:
    """Let the device sign in as a user; tell whether it was still waiting."""
    values = {
        "object_id": object_id,
        "session_id": session_id,
        "methods": " ".join(methods),
        "signed_in": signed_in,
    }
    change = device_codes.update().where(_is_waiting(user_code, now)).values(**values)
    return conn.execute(change).rowcount == 1


def decline_device_code(conn: core.Connection, user_code: str, now: datetime) -> None:
    """Tell the device no."""
    conn.execute(device_codes.update().where(_is_waiting(user_code, now)).values(declined=True))


def _is_waiting(user_code: str, now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(
        device_codes.c.user_code == user_code,
        device_codes.c.expires > now,
        device_codes.c.declined.is_(False),
        device_codes.c.object_id == "",
    )


def _exists(conn: core.Connection, digest: str) -> bool:
    found = device_codes.c.digest == digest
    return conn.scalar(sa.select(device_codes.c.digest).where(found)) is not None


def _poll(
    conn: core.Connection, digest: str, now: datetime, issuer: Issuer
) -> sa.Row[Any] | OAuthError:
    """Return the row of a code whose user has agreed, or what to tell the device.

    The refusal is returned, not raised, so that the time of the poll is kept.
    """
    found = device_codes.c.digest == digest
    row = conn.execute(sa.select(device_codes).where(found)).first()
    if row is None or row.expires <= now:
        return DeviceCodeExpired()
    if row.declined:
        return DeviceCodeDeclined()
    if row.object_id:
        return row
    interval = timedelta(seconds=issuer.settings.device_code_interval_s * _POLL_TOLERANCE)
    conn.execute(device_codes.update().where(found).values(asked=now))
    if row.asked is not None and now - row.asked < interval:
        return SlowDown()
    return AuthorizationPending()
