"""Client assertions (RFC 7523): signed by a registered certificate, or a foreign issuer's token."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from silo import core

from .client_errors import (
    AssertionInvalid,
    AssertionMisdirected,
    AssertionReplayed,
    AssertionStale,
    ClientError,
    FederationAbsent,
    FederationAudienceUnmatched,
    FederationIssuerUnmatched,
    FederationSubjectUnmatched,
)
from .clients import Client
from .credentials import (
    FederatedCredential,
    KeyCredential,
    list_sign_in_federations,
    list_sign_in_keys,
)
from .issuer import Issuer
from .requests import SignInRequest
from .tables import UtcTime
from .tokens import Proof

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ["RS256", "PS256"]
"""MSAL signs RS256 with a SHA-1 thumbprint, newer clients PS256 with a SHA-256 one."""
_JWS = jws.JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
_JWS.max_header_length = 16 * 1024
"""``--use-cert-sn-issuer`` sends a whole certificate chain in the header (azure-wire 2.3)."""
_SKEW = timedelta(minutes=5)
_LIFETIME_MAX = timedelta(days=1)
_FORGET_AT_ONCE = 100

used_assertions = sa.Table(
    "used_assertions",
    core.metadata,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("expires", UtcTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """A JWT that nobody has checked yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def get_text(self, name: str) -> str:
        """Return a claim that is a text, or an empty one."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return ``aud``, one or many."""
        value = self.claims.get("aud")
        values = value if isinstance(value, list) else [value]
        return tuple(each for each in values if isinstance(each, str))


def parse_assertion(text: str) -> Assertion:
    """Read an assertion without believing it.

    Raises:
        AssertionInvalid: it is not a JWT.

    """
    try:
        parsed = jws.extract_compact(text.encode(), registry=_JWS)
        claims = core.parse_json_object(parsed.payload)
    except (JoseError, core.BodyMalformed, ValueError, TypeError, KeyError):
        raise AssertionInvalid(reason="It is not a JSON Web Token.") from None
    return Assertion(text, dict(parsed.headers()), claims)


async def verify_assertion(issuer: Issuer, request: SignInRequest, client: Client) -> Proof:
    """Check the assertion of a request and return what it proves.

    Raises:
        ClientError: it does not hold. TooManyRequests: nor did many others just now.

    """
    try:
        assertion = parse_assertion(request.get("client_assertion"))
        if assertion.get_text("iss").casefold() == client.app_id:
            return await _verify_certificate(issuer, request, client, assertion)
        return await _verify_federated(issuer, client, assertion)
    except ClientError:
        issuer.refusals.note(client.app_id, request.sign_in.client_ip)
        raise


async def _verify_certificate(
    issuer: Issuer, request: SignInRequest, client: Client, assertion: Assertion
) -> Proof:
    keys = await issuer.store.read(lambda conn: list_sign_in_keys(conn, client.app_id))
    key = _find_key(keys, assertion.header)
    if key is None:
        thumbprint = str(assertion.header.get("x5t") or assertion.header.get("x5t#S256") or "")
        raise AssertionInvalid(
            reason=f"The key was not found. Thumbprint of key used by client: '{thumbprint}'"
        )
    if not key.start <= request.now <= key.end:
        raise AssertionInvalid(reason="The key used is expired or not yet valid.")
    try:
        jwt.decode(assertion.text, _read_public_key(key), registry=_JWS)
    except (JoseError, ValueError, TypeError):
        raise AssertionInvalid(reason="The signature does not fit the key.") from None
    if assertion.get_text("sub").casefold() != client.app_id:
        raise AssertionInvalid(reason="sub is not the application's id.")
    if not set(assertion.audiences) & _list_endpoints(issuer):
        raise AssertionMisdirected
    expires = _check_times(assertion, request.now)
    name = assertion.get_text("jti") or assertion.text
    digest = hashlib.sha256(f"{client.app_id}:{name}".encode()).hexdigest()
    address = request.sign_in.client_ip
    if not await issuer.store.write(
        lambda conn: _claim(conn, digest, address, expires, request.now)
    ):
        raise AssertionReplayed
    return Proof("2", key.key_id, key.end)


async def _verify_federated(issuer: Issuer, client: Client, assertion: Assertion) -> Proof:
    credentials = await issuer.store.read(
        lambda conn: list_sign_in_federations(conn, client.app_id)
    )
    if not credentials:
        raise FederationAbsent(app_id=client.app_id, name=client.display_name)
    credential = _find_federation(credentials, assertion)
    try:
        if credential.issuer in issuer.issuers:
            issuer.keys.verify(assertion.text)
        else:
            kid = assertion.header.get("kid")
            keys = await issuer.federation.get_keys(
                credential.issuer, kid if isinstance(kid, str) else ""
            )
            core.verify_token(assertion.text, keys, issuer.clock)
    except core.TokenExpired:
        raise AssertionStale from None
    except core.TokenInvalid as error:
        raise AssertionInvalid(reason=str(error)) from None
    return Proof("2", credential.id)


def _find_key(keys: tuple[KeyCredential, ...], header: Mapping[str, Any]) -> KeyCredential | None:
    # A thumbprint is an index, not a proof: the signature is checked with the key it finds.
    for name, digest in (("x5t#S256", hashlib.sha256), ("x5t", hashlib.sha1)):
        wanted = _decode_thumbprint(header.get(name))
        for key in keys:
            if wanted and digest(key.certificate).digest() == wanted:
                return key
    return None


def _decode_thumbprint(value: object) -> bytes:
    """Return the bytes of ``x5t``; MSAL sends it with padding, others without."""
    if not isinstance(value, str):
        return b""
    try:
        return base64.urlsafe_b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return b""


def _read_public_key(key: KeyCredential) -> RSAKey:
    public = x509.load_der_x509_certificate(key.certificate).public_key()
    if not isinstance(public, RSAPublicKey):
        raise AssertionInvalid(reason="The registered certificate has no RSA key.")
    return RSAKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _list_endpoints(issuer: Issuer) -> set[str]:
    """Return what ``aud`` may say: any token endpoint of ours, or the issuer itself."""
    tenants = (issuer.tenant.id, issuer.tenant.domain, "common", "organizations", "adfs")
    paths = ("oauth2/token", "oauth2/v2.0/token")
    endpoints = {
        f"{urls.login}/{tenant}/{path}"
        for urls in issuer.names.families
        for tenant in tenants
        for path in paths
    }
    return endpoints | issuer.issuers


def _check_times(assertion: Assertion, now: datetime) -> datetime:
    """Return when the assertion ends; the times may be floats, as MSAL's are."""
    expires = _read_time(assertion.claims.get("exp"))
    starts = _read_time(assertion.claims.get("nbf")) or _read_time(assertion.claims.get("iat"))
    if expires is None or not now - _SKEW < expires < now + _LIFETIME_MAX:
        raise AssertionStale
    if starts is not None and starts > now + _SKEW:
        raise AssertionStale
    return expires


def _read_time(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _find_federation(
    credentials: tuple[FederatedCredential, ...], assertion: Assertion
) -> FederatedCredential:
    """Return the credential that an assertion is for: every letter counts.

    Raises:
        ClientError: there is none, and what of the assertion fits none.

    """
    issuer, subject = assertion.get_text("iss"), assertion.get_text("sub")
    of_issuer = [one for one in credentials if one.issuer == issuer]
    if not of_issuer:
        raise FederationIssuerUnmatched(value=issuer)
    of_subject = [one for one in of_issuer if one.subject == subject]
    if not of_subject:
        raise FederationSubjectUnmatched(value=subject)
    for credential in of_subject:
        if set(credential.audiences) & set(assertion.audiences):
            return credential
    raise FederationAudienceUnmatched(value=", ".join(assertion.audiences))


def _claim(
    conn: core.Connection, digest: str, address: str, expires: datetime, now: datetime
) -> bool:
    """Bind an assertion to the address that used it first; tell whether this is that address.

    MSAL sends one assertion several times within its ten minutes (one per audience), so a plain
    "once only" would break az; a stolen copy comes from elsewhere.
    """
    old = sa.select(used_assertions.c.digest).where(used_assertions.c.expires < now - _SKEW)
    found = used_assertions.c.digest.in_(old.limit(_FORGET_AT_ONCE))
    conn.execute(used_assertions.delete().where(found))
    known = conn.scalar(
        sa.select(used_assertions.c.address).where(used_assertions.c.digest == digest)
    )
    if known is None:
        conn.execute(
            used_assertions.insert().values(digest=digest, address=address, expires=expires)
        )
    return known in (None, address)
