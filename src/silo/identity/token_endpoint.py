"""The endpoints that programs post to: token and device code."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from silo import front

from . import authorization_code, client_credentials, device_code, password_grant, refresh_grant
from .errors import GrantTypeUnsupported, OAuthError, PostOnly, TenantUnknown
from .issuer import Issuer
from .requests import SignInRequest, read_form_request
from .responses import render_answer, render_error

Grant = Callable[[Issuer, SignInRequest], Awaitable[dict[str, Any]]]

GRANTS: Mapping[str, Grant] = {
    "authorization_code": authorization_code.redeem,
    "client_credentials": client_credentials.redeem,
    "refresh_token": refresh_grant.redeem,
    "password": password_grant.redeem,
    device_code.GRANT_TYPE: device_code.redeem,
    # The old endpoint's name for it.
    "device_code": device_code.redeem,
}


async def answer_token(issuer: Issuer, request: Request, version: int) -> Response:
    """Answer ``/oauth2/token`` and ``/oauth2/v2.0/token``."""
    return await _answer(issuer, request, version, _redeem)


async def answer_device_code(issuer: Issuer, request: Request, version: int) -> Response:
    """Answer ``/oauth2/devicecode`` and ``/oauth2/v2.0/devicecode``."""
    return await _answer(issuer, request, version, device_code.start)


def refuse(issuer: Issuer, request: Request, error: OAuthError) -> Response:
    """Return a refusal of a request that was not understood."""
    return render_error(
        error,
        request_id=front.get_context(request.scope).request_id,
        correlation_id=str(uuid.uuid4()),
        now=issuer.clock.now(),
    )


async def _redeem(issuer: Issuer, request: SignInRequest) -> dict[str, Any]:
    grant_type = request.get("grant_type")
    grant = GRANTS.get(grant_type)
    if grant is None:
        raise GrantTypeUnsupported(grant_type=grant_type)
    return await grant(issuer, request)


async def _answer(issuer: Issuer, request: Request, version: int, grant: Grant) -> Response:
    tenant = request.path_params["tenant"]
    now = issuer.clock.now()
    try:
        if request.method != "POST":
            raise PostOnly(method=request.method)
        if not issuer.owns_tenant(tenant):
            raise TenantUnknown(tenant=tenant)
        asked = await read_form_request(request, now, version=version, tenant_name=tenant)
    except OAuthError as error:
        return refuse(issuer, request, error)
    try:
        return render_answer(await grant(issuer, asked))
    except OAuthError as error:
        if error.is_sign_in:
            await issuer.log_refusal(asked.sign_in, error, now)
        return render_error(
            error,
            request_id=asked.request_id,
            correlation_id=asked.sign_in.correlation_id,
            now=now,
        )
