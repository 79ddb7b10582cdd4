"""A small token issuer of somebody else's, as GitHub or a cluster is one: for federated sign-in."""

import datetime as dt
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
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


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for 127.0.0.1 that signs itself, and the system's authorities with it."""

    chain: Path
    bundle: Path
    """What a client has to trust: everything it trusts already, and this one."""


def make_certificate(folder: Path) -> Certificate:
    """Make the certificate of the issuers of one session."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else's issuer")])
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)  # noqa: TID251 - as above
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    chain, bundle = folder / "issuer.pem", folder / "trusted.pem"
    chain.write_bytes(pem + private)
    system = ssl.get_default_verify_paths().cafile
    bundle.write_bytes((Path(system).read_bytes() if system else b"") + pem)
    return Certificate(chain, bundle)


@contextmanager
def serving(certificate: Certificate) -> Iterator[ForeignIssuer]:
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
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.chain)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://127.0.0.1:{server.server_port}"
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
