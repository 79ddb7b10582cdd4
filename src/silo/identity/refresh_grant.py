"""The refresh token grant (RFC 6749, section 6): one token for every audience, new each time."""

from typing import Any

from silo import core

from .errors import GrantMalformed, OAuthError
from .issuer import Issuer
from .refresh_tokens import Family, find_family, redeem_refresh_token
from .requests import SignInRequest
from .user_grants import Granted, answer_user, grant_user, identify_client, resolve_scopes


async def redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer ``grant_type=refresh_token``."""
    client, proof = await identify_client(issuer, request, "refreshToken")
    token = request.get("refresh_token")
    known = await issuer.store.read(lambda conn: find_family(conn, token))
    if known is None:
        raise GrantMalformed
    _note(request, known)
    # First everything that is not about the token: see ``redeem_refresh_token``.
    asked = await resolve_scopes(
        issuer, request, client, proof, scope=known.scope, resource=known.resource
    )

    def write(conn: core.Connection) -> Granted | OAuthError:
        family, refusal = redeem_refresh_token(
            conn, token, client.app_id, issuer.settings, request.now
        )
        if refusal is not None or family is None:
            return refusal or GrantMalformed()
        return grant_user(conn, issuer, request, asked, family, is_new=False)

    granted = await issuer.store.write(write)
    if isinstance(granted, OAuthError):
        raise granted
    return answer_user(issuer, request, asked, granted)


def _note(request: SignInRequest, family: Family) -> None:
    request.sign_in.object_id = family.object_id
    request.sign_in.session_id = family.session_id
