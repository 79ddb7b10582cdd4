"""Tokens that must not be believed, each made from one that is."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import RSAKey

HOUR_S = 3600
GONE = "this claim is left out"
OTHER_TENANT = "11111111-2222-3333-4444-555555555555"


def decode(part: str) -> dict[str, Any]:
    """Return header or claims of a token, whoever signed it."""
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return document


def encode(document: dict[str, Any]) -> str:
    return _render(json.dumps(document).encode())


def _render(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forger:
    """Makes variants of one valid token; it has the files of the instance to help it."""

    def __init__(self, token: str, keys: Path) -> None:
        self.token = token
        self._head, self._body, self._signature = token.split(".")
        self.header, self.claims = decode(self._head), decode(self._body)
        found = list(keys.rglob(f"*-{self.header['kid']}.pem"))
        if len(found) != 1:
            raise AssertionError(f"no one key {self.header['kid']} below {keys}: {found}")
        self._key = RSAKey.import_key(found[0].read_bytes())

    def sign(self, **changes: Any) -> str:
        """Return a token that the instance's own key signed, with other claims."""
        claims = {key: value for key, value in {**self.claims, **changes}.items() if value != GONE}
        return jwt.encode(self.header, claims, self._key, algorithms=["RS256"])

    def list_variants(self) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with a token, and the token."""
        now = int(time.time())  # noqa: TID251 - a client has no Clock
        yield "expired", self.sign(exp=now - HOUR_S, nbf=now - 2 * HOUR_S, iat=now - 2 * HOUR_S)
        yield "not yet valid", self.sign(nbf=now + HOUR_S, iat=now + HOUR_S, exp=now + 2 * HOUR_S)
        yield "no expiry", self.sign(exp=GONE)
        yield "other tenant", self._move_to_another_tenant()
        yield "other issuer", self.sign(iss="https://issuer.invalid/")
        yield "other audience", self.sign(aud="https://elsewhere.invalid/")
        yield "tampered claims", self._tamper()
        yield "tampered signature", self._cut_signature()
        yield "no signature", f"{self._head}.{self._body}."
        other = RSAKey.generate_key(2048)
        yield "other key", jwt.encode(self.header, self.claims, other, algorithms=["RS256"])
        bare = {key: value for key, value in self.header.items() if key != "kid"}
        given = bare | {"jwk": other.as_dict(private=False)}
        yield "other key in the header", self._sign_raw(given, other)
        for name in ("none", "None", "NONE"):
            yield f"alg {name}", f"{encode({**self.header, 'alg': name})}.{self._body}."
        for kind, secret in self._list_public_forms():
            yield f"HS256 with the public key ({kind})", self._sign_symmetric(secret)

    def _move_to_another_tenant(self) -> str:
        own = self.claims.get("tid") or self.claims["tenant"]
        return self.sign(**json.loads(json.dumps(self.claims).replace(own, OTHER_TENANT)))

    def _tamper(self) -> str:
        claims = self.claims | {"oid": OTHER_TENANT, "exp": self.claims["exp"] + HOUR_S}
        return f"{self._head}.{encode(claims)}.{self._signature}"

    def _cut_signature(self) -> str:
        middle = len(self._signature) // 2
        letter = "A" if self._signature[middle] != "A" else "B"
        cut = self._signature[:middle] + letter + self._signature[middle + 1 :]
        return f"{self._head}.{self._body}.{cut}"

    def _sign_raw(self, header: dict[str, Any], key: RSAKey) -> str:
        signed = f"{encode(header)}.{self._body}"
        made = key.private_key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_render(made)}"

    def _sign_symmetric(self, secret: bytes) -> str:
        signed = f"{encode({**self.header, 'alg': 'HS256'})}.{self._body}"
        return f"{signed}.{_render(hmac.digest(secret, signed.encode(), hashlib.sha256))}"

    def _list_public_forms(self) -> Iterator[tuple[str, bytes]]:
        yield "PEM", self._key.as_pem(private=False)
        yield "DER", self._key.as_der(private=False)
        yield "JWK", json.dumps(self._key.as_dict(private=False)).encode()
