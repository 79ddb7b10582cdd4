"""ACR's own tokens: a refresh token says who, an access token says who may do what for how long.

Both name one incarnation of one registry (``rid``); neither is believed on its own: the gate asks
directory and policy again on every use.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from silo import access, core

from .errors import BadRequest, Unauthorized
from .names import NAME_LENGTH, check_name
from .permissions import REPOSITORY_ACTIONS, Action
from .registries import Registry

REFRESH_S = 3 * 3600
ACCESS_S = 75 * 60
"""ACR's life times."""
ISSUER = "Azure Container Registry"
ACCESS = "access_token"
REFRESH = "refresh_token"
MAX_SCOPES = 50


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry of the ``access`` claim."""

    type: str
    """``repository`` or ``registry``."""
    name: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token was made for: a principal of the directory, or the admin user."""

    object_id: str = ""
    tenant_id: str = ""
    app_id: str = ""
    name: str = ""
    admin_stamp: str = ""
    """Of the admin password that was used; the token dies with it."""
    credential: str = ""
    """Id of the secret or certificate that was used; the token dies with it."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says."""

    subject: Subject
    issued: datetime
    expires: float
    grants: tuple[Grant, ...]


def describe_principal(principal: access.Principal) -> Subject:
    """Return whom a token for a principal names."""
    return Subject(
        principal.object_id,
        principal.tenant_id,
        principal.app_id,
        principal.name,
        credential=principal.credential,
    )


class Tokens:
    """Makes and reads the tokens of every registry."""

    def __init__(self, keys: core.KeyRing, clock: core.Clock) -> None:
        self._keys = keys
        self._clock = clock

    def issue_refresh(
        self,
        registry: Registry,
        login_server: str,
        subject: Subject,
        actions: Sequence[str],
    ) -> str:
        """Return a refresh token; ``actions`` sums up the caller's permissions for readers."""
        claims = {"permissions": {"Actions": list(actions), "NotActions": None}, "roles": []}
        return self._sign(
            registry, login_server, subject, kind=REFRESH, life_s=REFRESH_S, claims=claims
        )

    def issue_access(
        self, registry: Registry, login_server: str, subject: Subject, grants: Sequence[Grant]
    ) -> str:
        """Return an access token for what was granted."""
        claims = {
            "access": [
                {"type": item.type, "name": item.name, "actions": list(item.actions)}
                for item in grants
            ],
            "roles": [],
        }
        return self._sign(
            registry, login_server, subject, kind=ACCESS, life_s=ACCESS_S, claims=claims
        )

    def read(self, token: str, registry: Registry, kind: str) -> Claims:
        """Return what a token says, if we made it for this registry and it is in force.

        Raises:
            Unauthorized: with the reason.

        """
        try:
            claims = self._keys.verify(token)
        except core.TokenInvalid as error:
            raise Unauthorized(str(error)) from error
        audience = str(claims.get("aud", "")).partition(".")[0]
        if (
            claims.get("iss") != ISSUER
            or claims.get("grant_type") != kind
            or claims.get("rid") != registry.uid
            or audience != registry.name
        ):
            raise Unauthorized(f"The token is not a {kind} of this registry.")
        return Claims(
            subject=Subject(
                object_id=str(claims["oid"]),
                tenant_id=str(claims["tenant"]),
                app_id=str(claims["appid"]),
                name=str(claims["sub"]),
                admin_stamp=str(claims["stamp"]),
                credential=str(claims["cred"]),
            ),
            issued=datetime.fromtimestamp(claims["iat"], UTC),
            expires=float(claims["exp"]),
            grants=tuple(_read_grant(item) for item in claims.get("access", ())),
        )

    def _sign(
        self,
        registry: Registry,
        login_server: str,
        subject: Subject,
        *,
        kind: str,
        life_s: int,
        claims: Mapping[str, Any],
    ) -> str:
        now = int(self._clock.now().timestamp())
        return self._keys.sign(
            {
                "jti": str(uuid.uuid4()),
                "sub": subject.name,
                "nbf": now,
                "iat": now,
                "exp": now + life_s,
                "iss": ISSUER,
                "aud": login_server,
                "version": "1.0",
                "rid": registry.uid,
                "grant_type": kind,
                "oid": subject.object_id,
                "appid": subject.app_id,
                "tenant": subject.tenant_id,
                "stamp": subject.admin_stamp,
                "cred": subject.credential,
                **claims,
            }
        )


def _read_grant(item: Mapping[str, Any]) -> Grant:
    return Grant(item["type"], item["name"], tuple(Action(word) for word in item["actions"]))


def parse_scopes(texts: Sequence[str]) -> list[Grant]:
    """Return what is asked for by ``scope``: several values, each several words.

    ``repository:hello:pull,push`` · ``registry:catalog:*``; actions that nobody knows are left out.

    Raises:
        BadRequest, NameInvalid: a scope breaks the grammar.

    """
    words = [word for text in texts for word in text.split()]
    if len(words) > MAX_SCOPES:
        raise BadRequest("Too many scopes are asked for.")
    return [grant for word in words if (grant := _parse_scope(word)) is not None]


def _parse_scope(word: str) -> Grant | None:
    kind, _, rest = word.partition(":")
    name, colon, actions = rest.rpartition(":")
    if not colon:
        raise BadRequest("A scope is type:name:actions.", {"scope": word[:NAME_LENGTH]})
    wanted = actions.split(",")
    if kind == "registry":
        known = name == "catalog" and Action.CATALOG in wanted
        return Grant(kind, name, (Action.CATALOG,)) if known else None
    if kind.partition("(")[0] != "repository":
        return None
    chosen = tuple(item for item in REPOSITORY_ACTIONS if item in wanted or "*" in wanted)
    return Grant("repository", check_name(name), chosen)
