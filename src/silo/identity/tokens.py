"""The claims of access and id tokens, and the answer of the token endpoint around them.

Source: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from silo import access, core, front

from .audiences import Resource
from .scopes import Scopes, render_scopes
from .settings import IdentitySettings
from .tables import THE_BEGINNING
from .tenant import Tenant

GROUPS_MAX = 200
"""Entra's limit of groups in a JWT; more are named by a link to Graph (overage)."""
CREDENTIAL = "silo_cred"
"""Our own claim: the secret or certificate behind an application's token; gone means void."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a token is about."""

    principal: access.Principal
    display_name: str
    resource_id: str = ""
    """The ARM id of a managed identity."""
    directory_roles: tuple[str, ...] = ()
    """Template ids, the ``wids`` claim."""
    valid_from: datetime = THE_BEGINNING
    """What was issued before is void; up to a second ahead after a revocation."""

    @property
    def is_user(self) -> bool:
        """Tell a person from an application."""
        return self.principal.type is access.PrincipalType.USER

    def stamp(self, now: datetime) -> datetime:
        """Return the time to write as the time of issue (``round_session_start`` says why)."""
        return max(now, self.valid_from)


@dataclass(frozen=True, slots=True)
class Proof:
    """How the client application proved itself."""

    method: str
    """``appidacr``: 0 public, 1 secret, 2 certificate or federation."""
    credential_id: str = ""
    expires: datetime | None = None
    """A token does not outlive the credential it was got with."""


PUBLIC = Proof("0")


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Everything an answer of the token endpoint is made of."""

    subject: Subject
    client_id: str
    proof: Proof
    scopes: Scopes
    resource: Resource
    permissions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """``amr``: how the user signed in."""
    signed_in: datetime | None = None
    """``auth_time``."""
    session_id: str = ""
    nonce: str = ""
    client_ip: str = ""
    token_id: str = ""
    capabilities: tuple[str, ...] = ()
    """``xms_cc``: CP1 says that the client understands claims challenges."""
    refresh_token: str = ""
    wants_client_info: bool = False
    shape: int = 2
    """1: the answer of the old endpoint, with ``resource`` and numbers as text."""


@dataclass(frozen=True, slots=True)
class Minter:
    """Makes tokens of one tenant."""

    keys: core.KeyRing
    tenant: Tenant
    settings: IdentitySettings

    def answer(self, facts: TokenFacts, urls: front.Urls, now: datetime) -> dict[str, Any]:
        """Return the body of a successful token request (azure-wire 2.2)."""
        lifetime = self._pick_lifetime(facts, now)
        expires = int(now.timestamp()) + lifetime
        access_token = self.keys.sign(self.access_claims(facts, urls, now, expires))
        answer: dict[str, Any] = {"token_type": "Bearer"}
        if facts.shape == 1:
            answer |= {
                "expires_in": str(lifetime),
                "ext_expires_in": str(lifetime),
                "expires_on": str(expires),
                "not_before": str(int(now.timestamp())),
                "resource": facts.scopes.resource,
            }
            if facts.subject.is_user:
                answer["scope"] = " ".join(facts.permissions)
        else:
            answer |= {"expires_in": lifetime, "ext_expires_in": lifetime}
            if facts.subject.is_user:
                answer["scope"] = render_scopes(facts.scopes, facts.permissions)
        answer["access_token"] = access_token
        if facts.refresh_token:
            answer["refresh_token"] = facts.refresh_token
        if facts.subject.is_user and (facts.scopes.wants_id_token or facts.shape == 1):
            answer["id_token"] = self.keys.sign(self.id_claims(facts, urls, now, expires))
        if facts.subject.is_user and facts.wants_client_info:
            answer["client_info"] = render_client_info(facts.subject, self.tenant)
        return answer

    def access_claims(
        self, facts: TokenFacts, urls: front.Urls, now: datetime, expires: int
    ) -> dict[str, Any]:
        """Return the claims of an access token, 1.0 or 2.0 as its API takes them."""
        principal, resource = facts.subject.principal, facts.resource
        issuer = resource.issuer_urls or urls
        claims = self._shared_claims(resource.version, resource.audience, issuer, now, expires)
        claims["iat"] = int(facts.subject.stamp(now).timestamp())
        claims |= {
            "oid": principal.object_id,
            "uti": facts.token_id or make_token_id(),
            **self._client_claims(facts),
            **render_groups(facts.subject, urls),
        }
        if facts.capabilities:
            claims["xms_cc"] = list(facts.capabilities)
        if facts.roles:
            claims["roles"] = list(facts.roles)
        if facts.subject.directory_roles:
            claims["wids"] = list(facts.subject.directory_roles)
        if not facts.subject.is_user:
            claims |= {"sub": principal.object_id, "idtyp": "app", "idp": claims["iss"]}
            if facts.subject.resource_id:
                claims["xms_mirid"] = facts.subject.resource_id
            return claims
        claims |= {
            "sub": make_pairwise_id(principal, resource.app_id),
            "idtyp": "user",
            "scp": " ".join(facts.permissions),
            "name": facts.subject.display_name,
            **_name_claims(principal, resource.version),
        }
        if resource.version == 1:
            claims |= {"acr": "1", "amr": list(facts.methods), "ipaddr": facts.client_ip}
        if facts.signed_in:
            claims["auth_time"] = int(facts.signed_in.timestamp())
        if facts.session_id:
            claims["sid"] = facts.session_id
        return claims

    def id_claims(
        self, facts: TokenFacts, urls: front.Urls, now: datetime, expires: int
    ) -> dict[str, Any]:
        """Return the claims of an id token; az wants ``preferred_username`` and ``tid``."""
        principal = facts.subject.principal
        claims = self._shared_claims(facts.shape, facts.client_id, urls, now, expires)
        claims |= {
            "sub": make_pairwise_id(principal, facts.client_id),
            "oid": principal.object_id,
            "name": facts.subject.display_name,
            "preferred_username": principal.name,
            "uti": make_token_id(),
            **_name_claims(principal, facts.shape),
            **render_groups(facts.subject, urls),
        }
        if facts.signed_in:
            claims["auth_time"] = int(facts.signed_in.timestamp())
        if facts.nonce:
            claims["nonce"] = facts.nonce
        if facts.session_id:
            claims["sid"] = facts.session_id
        return claims

    def _shared_claims(
        self, version: int, audience: str, urls: front.Urls, now: datetime, expires: int
    ) -> dict[str, Any]:
        issued = int(now.timestamp())
        return {
            "aud": audience,
            "iss": render_issuer(self.tenant, urls, version),
            "iat": issued,
            "nbf": issued,
            "exp": expires,
            "tid": self.tenant.id,
            "ver": f"{version}.0",
        }

    def _client_claims(self, facts: TokenFacts) -> dict[str, str]:
        names = ("appid", "appidacr") if facts.resource.version == 1 else ("azp", "azpacr")
        claims = dict(zip(names, (facts.client_id, facts.proof.method), strict=True))
        if facts.proof.credential_id and not facts.subject.is_user:
            claims[CREDENTIAL] = facts.proof.credential_id
        return claims

    def _pick_lifetime(self, facts: TokenFacts, now: datetime) -> int:
        low, high = self.settings.access_token_min_s, self.settings.access_token_max_s
        lifetime = low + secrets.randbelow(high - low + 1)
        if facts.proof.expires is not None:
            lifetime = min(lifetime, int((facts.proof.expires - now).total_seconds()))
        return max(lifetime, 1)


def render_issuer(tenant: Tenant, urls: front.Urls, version: int) -> str:
    """Return ``iss`` in the family of names that was asked."""
    if version != 1:
        return f"{urls.login}/{tenant.id}/v2.0"
    host = "https://sts.windows.net" if urls.family == "azure" else urls.login
    return f"{host}/{tenant.id}/"


def list_issuers(tenant: Tenant, names: front.Names) -> frozenset[str]:
    """Return every ``iss`` of this tenant: both families of names, both versions."""
    return frozenset(
        render_issuer(tenant, urls, version) for urls in names.families for version in (1, 2)
    )


def render_groups(subject: Subject, urls: front.Urls) -> dict[str, Any]:
    """Return the groups, or where to ask for them when there are too many for a header."""
    groups = sorted(subject.principal.groups)
    if not groups:
        return {}
    if len(groups) <= GROUPS_MAX:
        return {"groups": groups}
    kind = "users" if subject.is_user else "servicePrincipals"
    endpoint = f"{urls.graph}/v1.0/{kind}/{subject.principal.object_id}/getMemberObjects"
    return {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": endpoint}}}


def render_client_info(subject: Subject, tenant: Tenant) -> str:
    """Return MSAL's account id: unpadded base64url of a small document."""
    document = {"uid": subject.principal.object_id, "utid": tenant.id}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def make_pairwise_id(principal: access.Principal, app_id: str) -> str:
    """Return ``sub``: stable for one user at one application, different at another."""
    text = f"{principal.tenant_id}:{principal.object_id}:{app_id}"
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def make_token_id() -> str:
    """Return a new ``uti``."""
    return secrets.token_urlsafe(16)


def parse_capabilities(claims: Any) -> tuple[str, ...]:
    """Return the client capabilities in a ``claims`` parameter; all of az's requests carry CP1."""
    values: Any = claims
    for step in ("access_token", "xms_cc", "values"):
        values = values.get(step) if isinstance(values, Mapping) else None
    if not isinstance(values, list):
        return ()
    return tuple(value for value in values if value == "CP1")


def _name_claims(principal: access.Principal, version: int) -> dict[str, str]:
    if version == 1:
        return {"upn": principal.name, "unique_name": principal.name}
    return {"preferred_username": principal.name}
