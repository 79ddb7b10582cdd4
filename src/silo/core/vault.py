"""Secrets that must be shown or used again: AES-256-GCM, the key in a 0600 file of its own.

Azure shows them on demand, so a hash will not do (decision 0011).
"""

import base64
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import StoreUnavailable
from .keys import write_private

NONCE_BYTES = 12


class Vault:
    """Seals and opens short secrets with the key in one file, made on first use."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            write_private(part, AESGCM.generate_key(256))
            try:
                # Of several processes starting at once, one's key stays.
                os.link(part, path)
            except FileExistsError:
                pass
            finally:
                part.unlink()
        self._cipher = AESGCM(path.read_bytes())

    def seal(self, secret: str, context: str) -> str:
        """Return a secret that opens only in the same context."""
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(
            nonce + self._cipher.encrypt(nonce, secret.encode(), context.encode())
        ).decode()

    def open(self, sealed: str, context: str) -> str:
        """Return the secret.

        Raises:
            StoreUnavailable: it was sealed with another key or for another context.

        """
        data = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(
                data[:NONCE_BYTES], data[NONCE_BYTES:], context.encode()
            ).decode()
        except InvalidTag as error:
            raise StoreUnavailable("The key file does not open this secret.") from error
