"""The password grant (RFC 6749, section 4.3), as ``az login -u -p`` does it; may be off."""

from typing import Any

from silo import core

from .errors import GrantTypeUnsupported
from .issuer import Issuer
from .password_sign_in import check_password, check_unchanged
from .refresh_tokens import Family, make_family_id
from .requests import SignInRequest
from .throttle import Throttle, clear_failures
from .user_grants import (
    Granted,
    answer_user,
    grant_user,
    identify_client,
    require_public,
    resolve_scopes,
)


async def redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    """Answer ``grant_type=password``."""
    if not issuer.settings.password_grant:
        raise GrantTypeUnsupported(grant_type="password")
    client, proof = await identify_client(issuer, request, "ropc")
    require_public(client, proof)
    asked = await resolve_scopes(issuer, request, client, proof)
    user = await check_password(
        issuer, request.sign_in, request.now, request.get("username"), request.get("password")
    )
    family = Family(
        id=make_family_id(),
        object_id=user.id,
        client_id=client.app_id,
        session_id="",
        methods=("pwd",),
        signed_in=max(request.now, user.sign_in_sessions_valid_from),
        scope=" ".join(asked.scopes.requested),
        resource=request.find("resource"),
    )
    throttle = Throttle(request.sign_in.name, request.sign_in.client_ip)

    def write(conn: core.Connection) -> Granted:
        check_unchanged(conn, user.id, user.password_hash)
        clear_failures(conn, throttle, issuer.settings)
        return grant_user(conn, issuer, request, asked, family, is_new=True)

    granted = await issuer.store.write(write)
    return answer_user(issuer, request, asked, granted)
