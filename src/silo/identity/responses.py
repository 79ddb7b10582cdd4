"""Answers of the sign-in door: never cached, errors in Entra's shape, rendered here alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse

from .errors import OAuthError, TooManyRequests

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_RETRY_AFTER_S = 1


def render_answer(body: Mapping[str, Any]) -> JSONResponse:
    """Return a success that no cache may keep (RFC 6749, section 5.1)."""
    return JSONResponse(dict(body), headers=NO_STORE)


def describe_error(
    error: OAuthError, *, request_id: str, correlation_id: str, now: datetime
) -> dict[str, Any]:
    """Return the body of a refusal; the description is what az shows."""
    timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    body: dict[str, Any] = {
        "error": error.error,
        "error_description": f"AADSTS{error.code}: {error} Trace ID: {request_id} "
        f"Correlation ID: {correlation_id} Timestamp: {timestamp}",
        "error_codes": [error.code],
        "timestamp": timestamp,
        "trace_id": request_id,
        "correlation_id": correlation_id,
    }
    if error.suberror:
        body["suberror"] = error.suberror
    return body


def render_error(
    error: OAuthError, *, request_id: str, correlation_id: str, now: datetime
) -> JSONResponse:
    """Return a refusal with its status."""
    body = describe_error(error, request_id=request_id, correlation_id=correlation_id, now=now)
    headers = dict(NO_STORE)
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    if error.status == 405:  # noqa: PLR2004
        headers["Allow"] = "POST"
    if error.status == 401:  # noqa: PLR2004 - RFC 9110, section 15.5.2 wants a challenge
        headers["WWW-Authenticate"] = 'Basic realm="login"'
    return JSONResponse(body, status_code=error.status, headers=headers)
