"""Signing keys: made at install, kept in 0600 files, rotated with overlap. RS256 alone."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from .clock import Clock, SystemClock
from .errors import TokenExpired, TokenInvalid

ALGORITHM = "RS256"
"""What Entra signs with; fixed here, never taken from a token's header."""
LEEWAY_S = 5
KEY_BITS = 2048


def write_private(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Durably, unless what it tells of is gone with the machine's power anyway.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    part.replace(path)
    if not durable:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    jwk: RSAKey


class KeyRing:
    """The keys of one issuer, newest first: it signs with the first and verifies with all."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self._stamp = -1
        self._keys: list[_Key] = []
        self._ring = KeySet([])
        if not any(folder.glob("*.pem")):
            self.rotate()
        self._load()

    def rotate(self, keep: int = 2) -> str:
        """Make a new signing key, keep the newest ``keep`` for verifying; return its key id."""
        names = sorted(path.name for path in self._folder.glob("*.pem"))
        number = int(names[-1].split("-")[0]) + 1 if names else 1
        kid = secrets.token_hex(16)
        key = RSAKey.generate_key(KEY_BITS)
        write_private(self._folder / f"{number:08d}-{kid}.pem", key.as_pem(private=True))
        for name in names[: max(0, len(names) + 1 - keep)]:
            (self._folder / name).unlink()
        return kid

    def public_jwks(self) -> list[dict[str, Any]]:
        """Return the public keys as RFC 7517 objects, newest first."""
        self._load()
        return [
            {**key.jwk.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
            for key in self._keys
        ]

    def sign(self, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
        """Return a JWT of these claims."""
        self._load()
        key = self._keys[0]
        return jwt.encode(
            {"alg": ALGORITHM, "typ": "JWT", "kid": key.kid, **(header or {})},
            dict(claims),
            key.jwk,
            algorithms=[ALGORITHM],
        )

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a token signed here and within its times.

        The caller checks issuer and audience: they differ by door.

        Raises:
            TokenInvalid: signature, ``exp`` or ``nbf`` do not hold, or ``exp`` is missing.

        """
        self._load()
        return verify_token(token, self._ring, self._clock)

    def _load(self) -> None:
        stamp = self._folder.stat().st_mtime_ns
        if stamp == self._stamp:
            return
        paths = sorted(self._folder.glob("*.pem"), reverse=True)
        self._keys = [
            _Key(path.stem.split("-", 1)[1], _read_key(path.read_bytes())) for path in paths
        ]
        self._ring = KeySet(
            [RSAKey.import_key(k.jwk.as_dict(private=False) | {"kid": k.kid}) for k in self._keys]
        )
        self._stamp = stamp


def _read_key(pem: bytes) -> RSAKey:
    """Read a key that we wrote: testing its primes again would cost 50 ms a key and start."""
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("A key ring holds RSA keys alone.")
    return RSAKey.import_key(key)


def verify_token(token: str, keys: KeySet, clock: Clock) -> dict[str, Any]:
    """Return the claims of a JWT signed with one of ``keys``, as ``KeyRing.verify``."""
    try:
        claims: dict[str, Any] = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenInvalid("The token's signature is not valid.") from error
    now = clock.now().timestamp()
    leeway = timedelta(seconds=LEEWAY_S).total_seconds()
    expires, not_before = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        raise TokenInvalid("The token has no expiry.")
    if not isinstance(not_before, int | float) or not_before > now + leeway:
        raise TokenInvalid("The token is not yet valid.")
    if expires <= now - leeway:
        raise TokenExpired("The token has expired.")
    return claims
