"""The login door: every path of the sign-in endpoint, and which function answers it."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from silo import core, front

from .authorize import answer_authorize
from .device_pages import answer_device_page
from .discovery import describe_instance, describe_issuer, describe_realm
from .errors import InstanceUnknown, OAuthError, PathUnknown, ServiceUnavailable, TenantUnknown
from .issuer import Issuer
from .sign_out import answer_sign_out
from .token_endpoint import answer_device_code, answer_token, refuse

_KEYS_MAX_AGE_S = 3600
_PAGE = ["GET", "POST"]
_VERSIONS = ((1, "oauth2"), (2, "oauth2/v2.0"))


def login_routes(issuer: Issuer) -> list[Route]:
    """Return every route; the matrix test reads its list from here."""
    routes = [
        Route("/devicelogin", _bind(issuer, answer_device_page), methods=_PAGE),
        Route("/{tenant}/oauth2/deviceauth", _bind(issuer, answer_device_page), methods=_PAGE),
        Route("/common/discovery/instance", _bind(issuer, _instance), methods=["GET"]),
        Route("/common/userrealm/{upn:path}", _bind(issuer, _realm), methods=["GET"]),
        Route("/discovery/keys", _bind(issuer, _keys), methods=["GET"]),
        Route("/discovery/v2.0/keys", _bind(issuer, _keys), methods=["GET"]),
        Route("/{tenant}/discovery/keys", _bind(issuer, _keys), methods=["GET"]),
        Route("/{tenant}/discovery/v2.0/keys", _bind(issuer, _keys), methods=["GET"]),
    ]
    for version, path in _VERSIONS:
        prefix = "" if version == 1 else "/v2.0"
        routes += [
            Route(
                f"/{{tenant}}{prefix}/.well-known/openid-configuration",
                _bind(issuer, _discovery, version),
                methods=["GET"],
            ),
            Route(
                f"/{{tenant}}/{path}/token",
                _bind(issuer, answer_token, version),
                methods=["GET", "POST"],
            ),
            Route(
                f"/{{tenant}}/{path}/authorize",
                _bind(issuer, answer_authorize, version),
                methods=_PAGE,
            ),
            Route(f"/{{tenant}}/{path}/logout", _bind(issuer, answer_sign_out), methods=_PAGE),
            Route(
                f"/{{tenant}}/{path}/devicecode",
                _bind(issuer, answer_device_code, version),
                methods=["GET", "POST"],
            ),
        ]
    return routes


Answer = Callable[..., Awaitable[Response]]


def login_door(issuer: Issuer) -> ASGIApp:
    """Return the ASGI application behind the login host names."""

    async def answer_error(request: Request, error: Exception) -> Response:
        if isinstance(error, OAuthError):
            return refuse(issuer, request, error)
        if isinstance(error, core.StoreUnavailable):
            return refuse(issuer, request, ServiceUnavailable())
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 405:  # noqa: PLR2004
            return JSONResponse(
                {"error": "invalid_request", "error_description": "Method not allowed."},
                status_code=405,
                headers=getattr(error, "headers", None),
            )
        return refuse(issuer, request, PathUnknown())

    inner = Starlette(
        routes=login_routes(issuer),
        exception_handlers={
            HTTPException: answer_error,
            OAuthError: answer_error,
            core.StoreUnavailable: answer_error,
        },
    )
    inner.router.redirect_slashes = False
    return _CaseInsensitive(inner)


class _CaseInsensitive:
    """Entra's paths match in any case (``deviceCode``, ``UserRealm``); so do ours."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = dict(scope) | {"path": scope["path"].lower()}
        await self._inner(scope, receive, send)


def _bind(issuer: Issuer, answer: Answer, *arguments: Any) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await answer(issuer, request, *arguments)

    return endpoint


async def _discovery(issuer: Issuer, request: Request, version: int) -> Response:
    tenant = _get_tenant(issuer, request)
    urls = front.get_context(request.scope).urls
    return JSONResponse(describe_issuer(issuer, urls, tenant, version))


async def _keys(issuer: Issuer, request: Request) -> Response:
    if "tenant" in request.path_params:
        _get_tenant(issuer, request)
    headers = {"Cache-Control": f"public, max-age={_KEYS_MAX_AGE_S}"}
    return JSONResponse({"keys": issuer.keys.public_jwks()}, headers=headers)


async def _instance(issuer: Issuer, request: Request) -> Response:
    del issuer
    urls = front.get_context(request.scope).urls
    document = describe_instance(urls, request.query_params.get("authorization_endpoint", ""))
    if document is None:
        raise InstanceUnknown
    return JSONResponse(document)


async def _realm(issuer: Issuer, request: Request) -> Response:
    urls = front.get_context(request.scope).urls
    return JSONResponse(describe_realm(issuer, urls, request.path_params["upn"]))


def _get_tenant(issuer: Issuer, request: Request) -> str:
    tenant: str = request.path_params["tenant"]
    if not issuer.owns_tenant(tenant):
        raise TenantUnknown(tenant=tenant)
    return tenant
