"""Who signs the tokens of a cluster's service accounts, and how others can check them.

A cluster whose issuer is public names it in new tokens; those that name the one inside stay good,
so that pods go on when the issuer becomes public.

Source: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc.jwk import RSAKey

from .paths import ClusterPaths
from .plans import DOMAIN, ClusterPlan

DISCOVERY, KEYS = ".well-known/openid-configuration", "openid/v1/jwks"
"""What is found below an issuer, which ends in a slash."""
_SIGNER = "service-accounts"
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


def read_keys(paths: ClusterPaths) -> list[dict[str, Any]]:
    """Return the public keys that tokens are checked with; none before the first start."""
    try:
        text = _locate_keys(paths).read_bytes()
    except FileNotFoundError:
        return []
    public = serialization.load_pem_public_key(text)
    # The id that API servers give a key, and name in their tokens.
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
    key = RSAKey.import_key(text).as_dict(private=False)
    return [{**key, "use": "sig", "kid": digest, "alg": "RS256"}]


def _locate_keys(paths: ClusterPaths) -> Path:
    return paths.pki / f"{_SIGNER}.pub"
