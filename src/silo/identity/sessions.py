"""Who is signed in at a browser: an opaque random cookie, stored as a digest, with an end.

A session ends with its time, at sign-out, and with everything else of the user when their sessions
are revoked, their password changes or their account is disabled.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from silo import core

from .directory import User, find_user
from .refresh_tokens import digest_token
from .tables import UtcTime

sessions = sa.Table(
    "sign_in_sessions",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Column(
        "object_id",
        sa.String,
        sa.ForeignKey("directory_objects.id", ondelete="CASCADE"),
        nullable=False,
    ),
    sa.Column("methods", sa.String, nullable=False),
    sa.Column("signed_in", UtcTime, nullable=False),
    sa.Column("expires", UtcTime, nullable=False, index=True),
)

_FORGET_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody signed in at."""

    id: str
    """Shown as ``sid``; not the cookie."""
    object_id: str
    name: str
    display_name: str
    methods: tuple[str, ...]
    signed_in: datetime


def open_session(
    conn: core.Connection, user: User, methods: tuple[str, ...], lifetime_s: int, now: datetime
) -> tuple[Session, str]:
    """Begin a session; return it and its cookie, which is not kept."""
    old = sa.select(sessions.c.digest).where(sessions.c.expires < now).limit(_FORGET_AT_ONCE)
    conn.execute(sessions.delete().where(sessions.c.digest.in_(old)))
    cookie = secrets.token_urlsafe(48)
    session = Session(
        id=str(uuid.uuid4()),
        object_id=user.id,
        name=user.user_principal_name,
        display_name=user.display_name,
        methods=methods,
        # Not before the user's sessions are valid from, which may be a second ahead.
        signed_in=max(now, user.sign_in_sessions_valid_from),
    )
    conn.execute(
        sessions.insert().values(
            digest=digest_token(cookie),
            id=session.id,
            object_id=user.id,
            methods=" ".join(methods),
            signed_in=session.signed_in,
            expires=now + timedelta(seconds=lifetime_s),
        )
    )
    return session, cookie


def find_session(conn: core.Connection, cookie: str, now: datetime) -> Session | None:
    """Return the session of a cookie if it still counts, or None."""
    if not cookie:
        return None
    row = conn.execute(sa.select(sessions).where(sessions.c.digest == digest_token(cookie))).first()
    if row is None or row.expires <= now:
        return None
    user = find_user(conn, row.object_id)
    if user is None or not user.account_enabled:
        return None
    if row.signed_in < user.sign_in_sessions_valid_from:
        return None
    return Session(
        id=row.id,
        object_id=user.id,
        name=user.user_principal_name,
        display_name=user.display_name,
        methods=tuple(row.methods.split()),
        signed_in=row.signed_in,
    )


def close_session(conn: core.Connection, cookie: str) -> None:
    """End a session."""
    conn.execute(sessions.delete().where(sessions.c.digest == digest_token(cookie)))
