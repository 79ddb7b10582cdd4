"""One request to the sign-in door, read and bounded: form or query, who asks, from where."""

import base64
import binascii
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from silo import core, front

from .errors import ParameterInvalid, ParameterMissing, RequestMalformed, RequestTooLarge
from .sign_in_log import SignIn

FORM_MAX = 64 * 1024
"""Larger than any client assertion; az sends some 2 KiB."""
_FIELDS_MAX = 60
_FORM = "application/x-www-form-urlencoded"
_CLAIMS_MAX = 8 * 1024


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """A request as the grants see it."""

    fields: Mapping[str, str]
    urls: front.Urls
    now: datetime
    sign_in: SignIn
    """Filled in on the way; what is known at the end goes into the log."""
    request_id: str
    version: int = 2
    """1 for the old endpoints without ``v2.0`` in their path."""
    tenant_name: str = ""
    """The first segment of the path: id, domain, ``common``, ``organizations`` or ``adfs``."""

    def find(self, name: str) -> str:
        """Return a parameter, or an empty text."""
        return self.fields.get(name, "")

    def get(self, name: str) -> str:
        """Return a parameter.

        Raises:
            ParameterMissing: it is not there or empty.

        """
        value = self.fields.get(name, "")
        if not value:
            raise ParameterMissing(name=name)
        return value

    def parse_claims(self) -> dict[str, Any]:
        """Return the ``claims`` parameter, empty when it was not sent.

        Raises:
            ParameterInvalid: it is not a JSON object.

        """
        text = self.find("claims")
        if not text:
            return {}
        if len(text) > _CLAIMS_MAX:
            raise ParameterInvalid(name="claims")
        try:
            return core.parse_json_object(text.encode())
        except core.BodyMalformed:
            raise ParameterInvalid(name="claims") from None


async def read_form_request(
    request: Request, now: datetime, *, version: int, tenant_name: str
) -> SignInRequest:
    """Read a form-encoded POST.

    Raises:
        RequestMalformed: it is no form. RequestTooLarge: it is longer than any.
        ParameterInvalid: a parameter comes twice (RFC 6749, section 3.2).

    """
    fields = await read_form(request)
    fields |= _read_basic(request.headers.get("authorization", ""), fields)
    return _make_request(request, fields, now, version, tenant_name)


def read_query_request(
    request: Request, now: datetime, *, version: int, tenant_name: str
) -> SignInRequest:
    """Read the query of a GET, as ``read_form_request``."""
    fields = _parse_fields(request.url.query)
    return _make_request(request, fields, now, version, tenant_name)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form-encoded body, as ``read_form_request``."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        raise RequestMalformed(reason=f"The content type must be {_FORM}.")
    try:
        body = await core.read_body(request.receive, limit=FORM_MAX)
        return _parse_fields(body.decode())
    except core.BodyTooLarge:
        raise RequestTooLarge from None
    except (core.BodyError, UnicodeDecodeError) as error:
        raise RequestMalformed(reason=str(error)) from None


def _parse_fields(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise RequestMalformed(reason="The parameters cannot be read.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise ParameterInvalid(name=name)
        fields[name] = value
    return fields


def _read_basic(header: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return client id and secret from HTTP Basic (RFC 6749, section 2.3.1)."""
    scheme, _, value = header.partition(" ")
    if scheme.casefold() != "basic":
        return {}
    if "client_secret" in fields or "client_assertion" in fields:
        raise RequestMalformed(reason="Only one way of client authentication may be used.")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise RequestMalformed(reason="The Authorization header cannot be read.") from None
    client_id, _, secret = (unquote_plus(part) for part in text.partition(":"))
    if fields.get("client_id", client_id).casefold() != client_id.casefold():
        raise RequestMalformed(reason="client_id differs from the Authorization header.")
    return {"client_id": client_id, "client_secret": secret}


def _make_request(
    request: Request, fields: Mapping[str, str], now: datetime, version: int, tenant_name: str
) -> SignInRequest:
    context = front.get_context(request.scope)
    correlation_id = _parse_guid(
        request.headers.get("client-request-id") or fields.get("client-request-id", "")
    )
    sign_in = SignIn(
        client_ip=context.client_ip,
        correlation_id=correlation_id or str(uuid.uuid4()),
        user_agent=request.headers.get("user-agent", ""),
    )
    return SignInRequest(
        fields=fields,
        urls=context.urls,
        now=now,
        sign_in=sign_in,
        request_id=context.request_id,
        version=version,
        tenant_name=tenant_name,
    )


def _parse_guid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""
