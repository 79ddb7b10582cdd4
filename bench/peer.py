"""Debian's docker-registry with token authentication, and the issuer of its tokens."""

import base64
import datetime as dt
import hashlib
import http.client
import json
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey

from .caller import Caller
from .processes import free_port, kill_tree, stop, sum_pss_bytes, wait_until

SERVICE = "bench"
TOKEN_LIFE = dt.timedelta(hours=6)
_PKCS8 = (
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


class Peer:
    """One docker-registry over a storage folder; ``tls`` decides what its port speaks."""

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self.folder = folder
        self.tls = tls
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._key = _ensure_issuer(folder)
        self.bundle: Path | None = _ensure_certificate(folder) if tls else None

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> float:
        """Start it; return seconds until it serves."""
        config = self.folder / f"config-{self.port}.json"  # YAML reads JSON
        config.write_text(json.dumps(self._settings()))
        with (self.folder / "registry.log").open("ab") as output:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return wait_until(self._serves, 30, "the start of docker-registry")

    def _serves(self) -> bool:
        caller = Caller(self.port, self.bundle, 5.0)
        try:
            return caller.call("GET", f"http://{self.host}/v2/").status == 401
        except (OSError, http.client.HTTPException):
            return False
        finally:
            caller.close()

    def _settings(self) -> dict[str, object]:
        listener: dict[str, object] = {"addr": f"127.0.0.1:{self.port}", "relativeurls": True}
        if self.bundle:
            key = self.folder / "tls.key"
            listener["tls"] = {"certificate": str(self.bundle), "key": str(key)}
        return {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "cache": {"blobdescriptor": "inmemory"},
                "delete": {"enabled": True},
            },
            "http": listener,
            "auth": {
                "token": {
                    "realm": "https://issuer.invalid/token",
                    "service": SERVICE,
                    "issuer": SERVICE,
                    "rootcertbundle": str(self.folder / "issuer.pem"),
                }
            },
        }

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)

    def kill(self) -> None:
        if self.process is not None:
            kill_tree(self.process.pid)
            self.process.wait()

    def sum_pss_bytes(self) -> int:
        return sum_pss_bytes(self.process.pid) if self.process is not None else 0

    def sign_token(self, access: list[dict[str, object]]) -> str:
        """Return a token of the shape that distribution's token specification asks for."""
        now = dt.datetime.now(dt.UTC)  # noqa: TID251 - a bench has no Clock
        claims = {
            "iss": SERVICE,
            "sub": "bench",
            "aud": SERVICE,
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()) - 10,
            "exp": int((now + TOKEN_LIFE).timestamp()),
            "jti": "bench",
            "access": access,
        }
        key = RSAKey.import_key(self._key)
        header = {"alg": "RS256", "typ": "JWT", "kid": _libtrust_id(key)}
        return jwt.encode(header, claims, key, algorithms=["RS256"])


def _libtrust_id(key: RSAKey) -> str:
    """Return the key id that docker-registry 2.x looks for: libtrust's fingerprint."""
    der = key.public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    text = base64.b32encode(hashlib.sha256(der).digest()[:30]).decode()
    return ":".join(text[i : i + 4] for i in range(0, len(text), 4))


def _ensure_issuer(folder: Path) -> bytes:
    path = folder / "issuer.key"
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (folder / "issuer.pem").write_bytes(_self_sign(key, SERVICE))
        path.write_bytes(key.private_bytes(*_PKCS8))
    return path.read_bytes()


def _ensure_certificate(folder: Path) -> Path:
    path = folder / "tls.pem"
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        (folder / "tls.key").write_bytes(key.private_bytes(*_PKCS8))
        path.write_bytes(_self_sign(key, "localhost"))
    return path


def _self_sign(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, name: str) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - a bench has no Clock
    builder = x509.CertificateBuilder(
        subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now - dt.timedelta(days=1),
        now + dt.timedelta(days=30),
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
