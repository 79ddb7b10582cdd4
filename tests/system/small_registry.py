"""A registry as small as can be, for what a pull meets: TLS, a challenge, a hostile layer."""

import base64
import json
import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tools.images import Layout

from silo import core

HOST = "one.azurecr.silo.localhost"
USER, PASSWORD, TOKEN = "puller", "right", "good-token"


class SmallRegistry:
    """Serves OCI layouts, by repository name, to whoever has the token."""

    def __init__(self, folder: Path) -> None:
        self.layouts: dict[str, Layout] = {}
        self.asked: list[str] = []
        self.bundle = folder / "ca.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certify(folder, self.bundle), folder / "key.pem")
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, repository: str, layout: Layout) -> str:
        self.layouts[repository] = layout
        return f"{HOST}/{repository}:{layout.tag}"

    def find(self, path: str) -> tuple[bytes, str] | None:
        _, _, rest = path.partition("/v2/")
        repository, kind, name = rest.rsplit("/", 2)
        layout = self.layouts.get(repository)
        if layout is None:
            return None
        index = json.loads((layout.folder / "index.json").read_text())
        if kind == "manifests" and ":" not in name:
            if name != layout.tag:
                return None
            name = layout.digest
        file = layout.folder / "blobs" / Path(*name.split(":"))
        if not file.exists():
            return None
        body = file.read_bytes()
        found = "application/octet-stream"
        if kind == "manifests":
            found = json.loads(body).get("mediaType", index["manifests"][0]["mediaType"])
        return body, found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                registry.asked.append(f"{self.headers['Host']}{self.path}")
                if self.path.startswith("/token"):
                    self._token()
                elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    realm = f'Bearer realm="https://{HOST}/token",service="{HOST}"'
                    self._answer(401, b"", ("WWW-Authenticate", realm))
                elif (found := registry.find(self.path)) is None:
                    self._answer(404, b"{}")
                else:
                    self._answer(200, found[0], ("Content-Type", found[1]))

            def _token(self) -> None:
                pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if self.headers.get("Authorization") == f"Basic {pair}":
                    self._answer(200, json.dumps({"token": TOKEN}).encode())
                else:
                    self._answer(401, b"{}")

            def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _certify(folder: Path, bundle: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = core.SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(HOST), x509.IPAddress(ip_address("::1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return bundle
