"""Who signs the tokens of a cluster's service accounts, and how others can check them.

A cluster whose issuer is public names it in new tokens; those that name the one inside stay good,
so that pods go on when the issuer becomes public.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account
"""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from silo import core

from .paths import ClusterPaths
from .plans import DOMAIN, ClusterPlan

DISCOVERY, KEYS = ".well-known/openid-configuration", "openid/v1/jwks"
"""What is found below an issuer, which ends in a slash."""
_SIGNER = "service-accounts"
_MARK = "number: "
"""Before the keys, where readers of PEM skip it."""
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----\n[^-]+-----END PUBLIC KEY-----\n")
_INSIDE = f"https://kubernetes.default.svc.{DOMAIN}"


def flag_api_server(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, str | tuple[str, ...]]:
    """Return the API server's flags about the tokens that it issues and believes."""
    flags: dict[str, str | tuple[str, ...]] = {
        "service-account-signing-key-file": str(paths.pki / f"{_SIGNER}.key"),
        "service-account-key-file": str(_locate_keys(paths)),
    }
    if not plan.issuer:
        return {**flags, "service-account-issuer": _INSIDE}
    return {
        **flags,
        "service-account-issuer": (plan.issuer, _INSIDE),
        "service-account-jwks-uri": plan.issuer + KEYS,
    }


def describe_issuer(issuer: str) -> dict[str, Any]:
    """Return the discovery document of a public issuer, as API servers write theirs."""
    return {
        "issuer": issuer,
        "jwks_uri": issuer + KEYS,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def ensure_keys(paths: ClusterPaths, wanted: int) -> None:
    """Have the key that tokens are signed with, another one for another number.

    Tokens of the key before stay good until there is the next one.
    """
    known = _list_known(paths)
    private = paths.pki / f"{_SIGNER}.key"
    signer = _read_public(private) if private.exists() else b""
    # A list that begins with another key than the one that signs was not finished.
    if signer and known[:1] == [signer] and _read_number(paths) == wanted:
        return
    # RSA: what checks tokens elsewhere - Entra's federation - knows RS256 alone.
    key = rsa.generate_private_key(65537, 2048)
    listed = _render_public(key.public_key()) + signer
    core.write_private(_locate_keys(paths), f"{_MARK}{wanted}\n".encode() + listed)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    core.write_private(private, secret)


def read_keys(paths: ClusterPaths) -> list[dict[str, Any]]:
    """Return the public keys that tokens are checked with; none before the first start."""
    return [_describe_key(one) for one in _list_known(paths)]


def _describe_key(text: bytes) -> dict[str, Any]:
    # The id that API servers give a key, and name in their tokens.
    der = serialization.load_pem_public_key(text).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    key = RSAKey.import_key(text).as_dict(private=False)
    return {**key, "use": "sig", "kid": digest, "alg": "RS256"}


def _list_known(paths: ClusterPaths) -> list[bytes]:
    """Return the keys that tokens are checked with, the one that signs first."""
    try:
        text = _locate_keys(paths).read_bytes()
    except FileNotFoundError:
        return []
    return _PUBLIC.findall(text)


def _read_number(paths: ClusterPaths) -> int:
    """Return the number that the key was made for; the first one's list has none."""
    first = _locate_keys(paths).read_text().partition("\n")[0]
    return int(first.removeprefix(_MARK)) if first.startswith(_MARK) else 0


def _read_public(private: Path) -> bytes:
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{private} is not a key of ours")
    return _render_public(key.public_key())


def _render_public(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _locate_keys(paths: ClusterPaths) -> Path:
    return paths.pki / f"{_SIGNER}.pub"
