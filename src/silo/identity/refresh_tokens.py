"""Refresh tokens: opaque, stored as digests, rotated by every use; reuse revokes the family.

A family is one sign-in of one user at one client. Two ``az`` commands share a token cache and may
redeem the same token at the same moment, and an answer may be lost on its way; so a rotated token
still works for ``refresh_reuse_grace_s``. After that its reuse means that a copy was stolen: every
token of the family dies (RFC 9700, section 4.14.2).
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from silo import core

from .directory import find_user
from .errors import GrantExpired, GrantMalformed, GrantRevoked, OAuthError
from .settings import IdentitySettings
from .tables import UtcTime

families = sa.Table(
    "refresh_families",
    core.metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column(
        "object_id",
        sa.String,
        sa.ForeignKey("directory_objects.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("session_id", sa.String, nullable=False),
    sa.Column("methods", sa.String, nullable=False),
    sa.Column("signed_in", UtcTime, nullable=False),
    # What was asked for first; a refresh that names nothing gets the same again.
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("resource", sa.String, nullable=False),
    sa.Column("revoked", UtcTime, nullable=True),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column(
        "family_id",
        sa.String,
        sa.ForeignKey("refresh_families.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("issued", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False, index=True),
    sa.Column("redeemed", UtcTime, nullable=True),
)

_FORGET_AT_ONCE = 100
"""Expired rows removed with each new token; more than one, so the table cannot grow for ever."""


@dataclass(frozen=True, slots=True)
class Family:
    """One sign-in of one user at one client."""

    id: str
    object_id: str
    client_id: str
    session_id: str
    methods: tuple[str, ...]
    signed_in: datetime
    scope: str = ""
    resource: str = ""


def digest_token(token: str) -> str:
    """Return what is stored of a random code or token."""
    return hashlib.sha256(token.encode()).hexdigest()


def start_family(conn: core.Connection, family: Family) -> None:
    """Begin a family with a sign-in."""
    conn.execute(
        families.insert().values(
            id=family.id,
            object_id=family.object_id,
            client_id=family.client_id,
            session_id=family.session_id,
            methods=" ".join(family.methods),
            signed_in=family.signed_in,
            scope=family.scope,
            resource=family.resource,
        )
    )


def find_family(conn: core.Connection, token: str) -> Family | None:
    """Return the family of a token without using it up, or None."""
    row = _find_row(conn, token)
    return _read_family(row) if row else None


def make_family_id() -> str:
    """Return a new family's id."""
    return str(uuid.uuid4())


def issue_refresh_token(
    conn: core.Connection, family_id: str, settings: IdentitySettings, now: datetime
) -> str:
    """Make a token of a family; return it, it is not kept.

    ``now`` is not before the user's sessions are valid from: see ``Subject.stamp``.
    """
    token = f"1.{secrets.token_urlsafe(48)}"
    conn.execute(
        refresh_tokens.insert().values(
            digest=digest_token(token),
            family_id=family_id,
            issued=now,
            expires=now + timedelta(days=settings.refresh_token_days),
        )
    )
    _forget(conn, now)
    return token


def redeem_refresh_token(
    conn: core.Connection, token: str, client_id: str, settings: IdentitySettings, now: datetime
) -> tuple[Family | None, OAuthError | None]:
    """Use a token up and return its family, or why not.

    The refusal is returned, not raised: the transaction that revokes a family must be kept.
    The caller has checked everything else about the request first, because MSAL answers *any*
    error by trying the older tokens of its cache, and those would revoke the family.
    """
    row = _find_row(conn, token)
    if row is None:
        return None, GrantMalformed()
    family = _read_family(row)
    if family.client_id != client_id:
        return family, GrantMalformed()
    user = find_user(conn, family.object_id)
    void = user is None or row["issued"] < user.sign_in_sessions_valid_from
    if void or row["revoked"] is not None:
        return family, GrantRevoked()
    if row["expires"] <= now:
        return family, GrantExpired()
    if row["redeemed"] is None:
        found = refresh_tokens.c.digest == row["digest"]
        conn.execute(refresh_tokens.update().where(found).values(redeemed=now))
    elif now - row["redeemed"] > timedelta(seconds=settings.refresh_reuse_grace_s):
        revoke_family(conn, family.id, now)
        return family, GrantRevoked()
    return family, None


def revoke_family(conn: core.Connection, family_id: str, now: datetime) -> None:
    """Make every refresh token of a sign-in void."""
    found = sa.and_(families.c.id == family_id, families.c.revoked.is_(None))
    conn.execute(families.update().where(found).values(revoked=now))


def _find_row(conn: core.Connection, token: str) -> sa.RowMapping | None:
    query = (
        sa.select(refresh_tokens, families)
        .join(families)
        .where(refresh_tokens.c.digest == digest_token(token))
    )
    return conn.execute(query).mappings().first()


def _read_family(row: sa.RowMapping) -> Family:
    return Family(
        id=row["family_id"],
        object_id=row["object_id"],
        client_id=row["client_id"],
        session_id=row["session_id"],
        methods=tuple(row["methods"].split()),
        signed_in=row["signed_in"],
        scope=row["scope"],
        resource=row["resource"],
    )


def _forget(conn: core.Connection, now: datetime) -> None:
    old = sa.select(refresh_tokens.c.digest).where(refresh_tokens.c.expires < now)
    digests = old.limit(_FORGET_AT_ONCE)
    conn.execute(refresh_tokens.delete().where(refresh_tokens.c.digest.in_(digests)))
    empty = (
        sa.select(families.c.id)
        .where(families.c.signed_in < now - timedelta(days=1))
        .where(~sa.exists().where(refresh_tokens.c.family_id == families.c.id))
        .limit(_FORGET_AT_ONCE)
    )
    conn.execute(families.delete().where(families.c.id.in_(empty)))
