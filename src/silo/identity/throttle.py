"""Lock-out after wrong passwords, per account and per address; kept in the database.

Three counters guard one attempt: the account from this address (few tries), the account from
anywhere (more, so that a stranger cannot lock its owner out cheaply) and the address for any
account. Each lock-out of a counter doubles until the counter has rested.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from silo import core

from .settings import IdentitySettings
from .tables import UtcTime

failures = sa.Table(
    "sign_in_failures",
    core.metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("lockouts", sa.Integer, nullable=False),
    sa.Column("last", UtcTime, nullable=False),
    sa.Column("locked_until", UtcTime, nullable=True),
    sa.Index("sign_in_failures_last", "last"),
)

_FORGET_AT_ONCE = 500
"""Rows removed with one failure; more than one, so the table cannot grow for ever."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """The counters of one attempt: whose account, from where."""

    account: str
    """What was typed, or the application id; unknown accounts are counted like known ones."""
    address: str

    def list_keys(self, settings: IdentitySettings) -> tuple[tuple[str, int], ...]:
        """Return each counter's key and how many failures lock it."""
        account = self.account.casefold()[:256]
        return (
            (f"both:{self.address}:{account}", settings.account_failures),
            (f"account:{account}", settings.account_total_failures),
            (f"address:{self.address}", settings.address_failures),
        )


def find_lock(
    conn: core.Connection, throttle: Throttle, settings: IdentitySettings, now: datetime
) -> datetime | None:
    """Return until when an attempt is refused unchecked, or None."""
    keys = [key for key, _ in throttle.list_keys(settings)]
    query = sa.select(sa.func.max(failures.c.locked_until)).where(failures.c.key.in_(keys))
    until: datetime | None = conn.scalar(query)
    return until if until is not None and until > now else None


def record_failure(
    conn: core.Connection, throttle: Throttle, settings: IdentitySettings, now: datetime
) -> None:
    """Count a wrong password, and lock what has had its last."""
    for key, limit in throttle.list_keys(settings):
        row = conn.execute(sa.select(failures).where(failures.c.key == key)).first()
        tries, lockouts = (row.tries, row.lockouts) if row else (0, 0)
        window = timedelta(seconds=settings.failure_window_s)
        if row and now - max(row.last, row.locked_until or row.last) > window:
            tries, lockouts = 0, 0
        tries += 1
        locked_until = None
        if tries >= limit:
            pause = min(settings.lockout_s * 2**lockouts, settings.lockout_max_s)
            locked_until = now + timedelta(seconds=pause)
            # Entra's smart lockout: after a pause, one more failure locks again, for longer.
            tries, lockouts = limit - 1, min(lockouts + 1, 30)
        values = {"tries": tries, "lockouts": lockouts, "last": now, "locked_until": locked_until}
        if row:
            conn.execute(failures.update().where(failures.c.key == key).values(**values))
        else:
            conn.execute(failures.insert().values(key=key, **values))
    _forget(conn, settings, now)


def clear_failures(conn: core.Connection, throttle: Throttle, settings: IdentitySettings) -> None:
    """Forget the failures of an account at an address after the right password.

    The other two counters stay: a stranger's failures are not excused by the owner's success.
    """
    key, _ = throttle.list_keys(settings)[0]
    conn.execute(failures.delete().where(failures.c.key == key))


def _forget(conn: core.Connection, settings: IdentitySettings, now: datetime) -> None:
    age = timedelta(seconds=settings.failure_window_s + settings.lockout_max_s)
    old = sa.select(failures.c.key).where(failures.c.last < now - age).limit(_FORGET_AT_ONCE)
    conn.execute(failures.delete().where(failures.c.key.in_(old)))
