"""Who are you: the bearer token of a request, and the 401 that says how to get one."""

import base64
import json
from collections.abc import Callable
from datetime import datetime

from silo import access, front

from .errors import AuthenticationFailed, InvalidAuthenticationToken
from .wire import Request

Authenticate = Callable[[str], access.Principal]
"""Turns a bearer token into the principal it was issued to, as it stands in the directory now.

Raises InvalidAuthenticationToken for a token that never held, ExpiredAuthenticationToken for one
that held once (expired, revoked): the first is final, the second asks the client for a new one.
"""


def check_caller(request: Request, authenticate: Authenticate) -> access.Principal:
    """Return the caller, or raise AuthenticationFailed or a leaf of it."""
    header = request.headers.get("authorization", "")
    if not header:
        raise AuthenticationFailed("Authentication failed. The 'Authorization' header is missing.")
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.casefold() != "bearer" or not token:
        raise InvalidAuthenticationToken(
            "The authentication scheme is not supported. Only 'Bearer' is."
        )
    return authenticate(token)


def render_challenge(
    error: AuthenticationFailed, urls: front.Urls, tenant_id: str, now: datetime
) -> str:
    """Return the WWW-Authenticate header (RFC 6750 section 3; azure-wire 2.8 for stale tokens)."""
    place = f'authorization_uri="{urls.login}/{tenant_id}"'
    if not error.stale:
        reason = str(error).replace("\\", "").replace('"', "'")
        return f'Bearer {place}, error="invalid_token", error_description="{reason}"'
    wanted = {"nbf": {"essential": True, "value": str(int(now.timestamp()))}}
    claims = base64.b64encode(json.dumps({"access_token": wanted}).encode()).decode()
    return f'Bearer realm="", {place}, error="insufficient_claims", claims="{claims}"'
