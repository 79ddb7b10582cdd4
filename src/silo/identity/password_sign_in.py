"""A person's name and password: throttled, checked in a thread, no hint which was wrong."""

from datetime import datetime

from silo import core

from .directory import User, find_user
from .errors import AccountDisabled, AccountLocked, CredentialsWrong, PasswordExpired
from .issuer import Issuer
from .sign_in_log import SignIn
from .throttle import Throttle, find_lock


async def check_password(
    issuer: Issuer,
    sign_in: SignIn,
    now: datetime,
    upn: str,
    password: str,
    *,
    allow_expired: bool = False,
) -> User:
    """Return the user whose password this is.

    Raises:
        GrantError: why not; a wrong name and a wrong password look alike.
        TooManyRequests: nothing was checked.

    """
    name = upn.strip()
    sign_in.name = name
    throttle = Throttle(name, sign_in.client_ip)

    def read(conn: core.Connection) -> User | None:
        if find_lock(conn, throttle, issuer.settings, now):
            raise AccountLocked
        return find_user(conn, name) if "@" in name else None

    user = await issuer.store.read(read)
    matches = await issuer.passwords.verify(user.password_hash if user else None, password)
    if user is None or not matches:
        raise CredentialsWrong
    sign_in.object_id, sign_in.display_name = user.id, user.display_name
    # Only who knows the password learns more about the account.
    if not user.account_enabled:
        raise AccountDisabled
    if user.force_change_password and not allow_expired:
        raise PasswordExpired
    return user


def check_unchanged(conn: core.Connection, object_id: str, password_hash: str) -> None:
    """Refuse a password that was replaced while it was being checked.

    Raises:
        CredentialsWrong: it is the password no longer.

    """
    user = find_user(conn, object_id)
    if user is None or user.password_hash != password_hash:
        raise CredentialsWrong
