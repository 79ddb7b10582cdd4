"""The password form of the sign-in pages: a right password opens a session at this browser."""

from collections.abc import Mapping

from silo import core

from .browser import Browser
from .credentials import PASSWORD_MIN, is_complex
from .directory import User, find_user
from .errors import AccountGone, OAuthError, PasswordExpired, PasswordUnsuitable
from .issuer import Issuer
from .password_sign_in import check_password, check_unchanged
from .requests import SignInRequest
from .sessions import Session, close_session, open_session
from .sign_in_log import SignInKind, append_sign_in
from .throttle import Throttle, clear_failures
from .users import set_password

_METHODS = ("pwd",)


async def sign_in_with_form(
    issuer: Issuer, asked: SignInRequest, form: Mapping[str, str], browser: Browser
) -> tuple[Session, str]:
    """Check name and password; return the session and its cookie. Failures are logged here.

    Raises:
        PasswordExpired: show the form that changes it. OAuthError: why not.

    """
    try:
        return await _sign_in(issuer, asked, form, browser)
    except OAuthError as error:
        if error.is_sign_in:
            await issuer.log_refusal(asked.sign_in, error, asked.now)
        raise


async def _sign_in(
    issuer: Issuer, asked: SignInRequest, form: Mapping[str, str], browser: Browser
) -> tuple[Session, str]:
    changes = form.get("action") == "change-password"
    asked.sign_in.kind = SignInKind.INTERACTIVE
    user = await check_password(
        issuer,
        asked.sign_in,
        asked.now,
        form.get("username", ""),
        form.get("password", ""),
        allow_expired=changes,
    )
    new_hash = await _hash_new_password(issuer, form) if changes else ""
    throttle = Throttle(asked.sign_in.name, asked.sign_in.client_ip)

    def write(conn: core.Connection) -> tuple[Session, str]:
        check_unchanged(conn, user.id, user.password_hash)
        if new_hash:
            set_password(conn, user.id, new_hash, asked.now)
        clear_failures(conn, throttle, issuer.settings)
        if browser.cookie:
            close_session(conn, browser.cookie)
        opened = open_session(
            conn, _get_user(conn, user.id), _METHODS, issuer.settings.session_s, asked.now
        )
        asked.sign_in.session_id = opened[0].id
        append_sign_in(conn, asked.sign_in, asked.now)
        return opened

    return await issuer.store.write(write)


async def _hash_new_password(issuer: Issuer, form: Mapping[str, str]) -> str:
    new = form.get("new_password", "")
    if new != form.get("new_password_again", ""):
        raise PasswordUnsuitable(reason="The two new passwords differ.")
    if not is_complex(new):
        raise PasswordUnsuitable(
            reason=f"It needs at least {PASSWORD_MIN} characters, and three of lower case, upper "
            "case, digits and symbols."
        )
    if new == form.get("password"):
        raise PasswordUnsuitable(reason="The new password is the old one.")
    return await issuer.passwords.hash(new)


def _get_user(conn: core.Connection, object_id: str) -> User:
    user = find_user(conn, object_id)
    if user is None:
        raise AccountGone
    if user.force_change_password:
        raise PasswordExpired
    return user
