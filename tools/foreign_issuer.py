"""A small token issuer of somebody else's, as GitHub or a cluster is one: for federated sign-in."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class ForeignIssuer:
    """Where it answers, and the key that it signs with."""

    url: str
    key: RSAKey

    def sign(self, subject: str, **claims: Any) -> str:
        """Return a token for a subject; claims given here win over the usual ones."""
        now = int(time.time())  # noqa: TID251 - a stranger has no clock of Silo's
        usual = {"iss": self.url, "sub": subject, "aud": AUDIENCE, "iat": now, "nbf": now}
        header = {"alg": "RS256", "kid": self.key.kid}
        return jwt.encode(header, {**usual, "exp": now + 600, **claims}, self.key)


@contextmanager
def serving() -> Iterator[ForeignIssuer]:
    """Serve discovery and keys on a loopback port while the block lasts."""
    key = RSAKey.generate_key(2048, parameters={"use": "sig"}, auto_kid=True)
    documents: dict[str, Any] = {"/keys": {"keys": [key.as_dict(private=False)]}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = documents.get(self.path)
            body = json.dumps(document).encode()
            self.send_response(200 if document else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        documents["/.well-known/openid-configuration"] = {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield ForeignIssuer(url, key)
        finally:
            server.shutdown()
            thread.join()
