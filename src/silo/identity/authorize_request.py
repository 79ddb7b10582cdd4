"""What an application asks of the authorize endpoint, checked before any page is shown."""

import re
from dataclasses import dataclass
from datetime import timedelta

from silo import core

from .audiences import Resource
from .clients import Client, check_redirect, get_client
from .errors import ChallengeMissing, ParameterInvalid, ResponseTypeUnsupported
from .issuer import Issuer
from .requests import SignInRequest
from .scopes import Scopes, parse_scopes, select_permissions

_MODES = frozenset({"query", "fragment", "form_post"})
_PROMPTS = frozenset({"none", "login", "select_account", "consent"})
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""Base64url of a SHA-256, without padding (RFC 7636, section 4.2)."""
_TEXT_MAX = 4096
_FRESH = timedelta(minutes=10)
"""How old a sign-in may be after ``prompt=login``: the time to read the next page."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer goes: known good before anything else is looked at."""

    client: Client
    redirect_uri: str
    mode: str
    state: str


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A request that could be granted."""

    destination: Destination
    scopes: Scopes
    resource: Resource
    permissions: tuple[str, ...]
    resource_name: str
    """The v1 parameter; empty at the new endpoint."""
    nonce: str
    challenge: str
    prompts: frozenset[str]
    login_hint: str
    max_age: timedelta | None

    @property
    def client(self) -> Client:
        """Return the application."""
        return self.destination.client


def read_destination(conn: core.Connection, issuer: Issuer, asked: SignInRequest) -> Destination:
    """Return where to answer.

    Raises:
        RequestError: show it on a page, the redirect URI cannot be trusted.

    """
    client = get_client(conn, asked.get("client_id"), issuer.tenant.display_name)
    asked.sign_in.app_id, asked.sign_in.app_name = client.app_id, client.display_name
    uri = asked.get("redirect_uri")
    check_redirect(client, uri)
    mode = asked.find("response_mode") or "query"
    if mode not in _MODES:
        raise ParameterInvalid(name="response_mode")
    state = asked.find("state")
    if len(state) > _TEXT_MAX:
        raise ParameterInvalid(name="state")
    return Destination(client, uri, mode, state)


def read_authorize_request(
    conn: core.Connection, issuer: Issuer, asked: SignInRequest, destination: Destination
) -> AuthorizeRequest:
    """Return the request of a known destination.

    Raises:
        RequestError: tell the application.

    """
    response_type = asked.get("response_type")
    if response_type != "code":
        raise ResponseTypeUnsupported(response_type=response_type)
    resource_name = asked.find("resource") if asked.version == 1 else ""
    if not resource_name:
        asked.get("scope")
    scopes = parse_scopes(asked.find("scope"), resource_name)
    resource = issuer.get_resource(conn, scopes)
    asked.sign_in.resource_id = resource.app_id
    asked.sign_in.resource_name = resource.display_name
    nonce = asked.find("nonce")
    if len(nonce) > _TEXT_MAX:
        raise ParameterInvalid(name="nonce")
    asked.parse_claims()
    return AuthorizeRequest(
        destination=destination,
        scopes=scopes,
        resource=resource,
        permissions=select_permissions(scopes, resource),
        resource_name=resource_name,
        nonce=nonce,
        challenge=_read_challenge(asked, destination),
        prompts=_read_prompts(asked),
        login_hint=asked.find("login_hint")[:256],
        max_age=_read_max_age(asked),
    )


def _read_challenge(asked: SignInRequest, destination: Destination) -> str:
    challenge = asked.find("code_challenge")
    if not challenge:
        if destination.client.is_web_redirect(destination.redirect_uri):
            return ""
        raise ChallengeMissing
    if asked.find("code_challenge_method") != "S256":
        raise ChallengeMissing
    if not _CHALLENGE.fullmatch(challenge):
        raise ParameterInvalid(name="code_challenge")
    return challenge


def _read_prompts(asked: SignInRequest) -> frozenset[str]:
    prompts = frozenset(asked.find("prompt").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise ParameterInvalid(name="prompt")
    return prompts


def _read_max_age(asked: SignInRequest) -> timedelta | None:
    if "login" in asked.find("prompt").split():
        return _FRESH
    text = asked.find("max_age")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - years
        raise ParameterInvalid(name="max_age")
    return timedelta(seconds=int(text))
