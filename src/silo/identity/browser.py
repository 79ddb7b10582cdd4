"""One visit of a browser: its cookies, and the proof that a form came from our own page."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from silo import core

from .errors import RequestMalformed
from .issuer import Issuer
from .sessions import Session, find_session

# The prefix makes browsers insist on Secure, this very host and the whole path (RFC 6265bis).
SESSION_COOKIE = "__Host-session"
CSRF_COOKIE = "__Host-csrf"


@dataclass(frozen=True, slots=True)
class Browser:
    """What a browser brought along."""

    cookie: str
    csrf: str
    session: Session | None

    def check_form(self, request: Request, form: Mapping[str, str]) -> None:
        """Refuse a form that another site, or an old page, sent in the user's name.

        Raises:
            RequestMalformed: the page must be loaded again.

        """
        sent, kept = form.get("csrf", ""), request.cookies.get(CSRF_COOKIE, "")
        # Compared with the name that was asked, for Azure's login host has aliases.
        own = f"https://{request.headers.get('host', '')}".casefold()
        foreign = request.headers.get("origin", own).casefold() != own
        if foreign or not kept or not hmac.compare_digest(sent.encode(), kept.encode()):
            raise RequestMalformed(
                reason="The page was too old, or cookies are switched off. Try again."
            )

    def leave(self, response: Response, cookie: str | None = None) -> Response:
        """Give an answer its cookies; ``cookie`` replaces the session's, an empty one ends it."""
        response.set_cookie(
            CSRF_COOKIE, self.csrf, path="/", secure=True, httponly=True, samesite="lax"
        )
        if cookie:
            response.set_cookie(
                SESSION_COOKIE, cookie, path="/", secure=True, httponly=True, samesite="lax"
            )
        elif cookie is not None:
            response.delete_cookie(
                SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax"
            )
        return response


async def read_browser(issuer: Issuer, request: Request) -> Browser:
    """Return who is behind a request for a page."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    now = issuer.clock.now()

    def read(conn: core.Connection) -> Session | None:
        return find_session(conn, cookie, now)

    return Browser(
        cookie=cookie,
        csrf=request.cookies.get(CSRF_COOKIE) or secrets.token_urlsafe(32),
        session=await issuer.store.read(read) if cookie else None,
    )
