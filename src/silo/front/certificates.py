"""Silo's certificate authority and the one server certificate that every door shows.

The authority is constrained by name: even with its key, nobody can make a certificate for a site
outside Silo's domain and the Azure names a shell may claim (RFC 5280 §4.2.1.10).
"""

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from silo import core

AUTHORITY_LIFETIME = timedelta(days=3650)
SERVER_LIFETIME = timedelta(days=397)
"""The longest that clients accept of a server certificate (CA/Browser Forum, Apple)."""
RENEW_BEFORE = timedelta(days=60)
BACKDATE = timedelta(hours=1)
"""For clients whose clock is a little behind."""

SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
)


class Certificates:
    """The files of one instance's TLS; private keys are 0600, the rest may be read by all."""

    def __init__(self, folder: Path, clock: core.Clock) -> None:
        self._folder = folder
        self._clock = clock
        self.authority = folder / "ca.pem"
        self.server = folder / "server.pem"
        self.server_key = folder / "server.key"

    def ensure(self, names: Sequence[str], addresses: Sequence[str]) -> None:
        """Make the authority if there is none, and a server certificate that fits and is fresh."""
        permitted = sorted({name.removeprefix("*.") for name in names})
        if not self.authority.exists():
            self._make_authority(permitted)
        if not self._is_current(names, addresses):
            self._make_server(names, addresses)

    def render_bundle(self, certificate: Path | None = None) -> str:
        """Return the system's authorities and ours as one PEM text, for ``SSL_CERT_FILE``."""
        system = next((path.read_text() for path in SYSTEM_BUNDLES if path.exists()), "")
        return system + (certificate or self.authority).read_text()

    def _make_authority(self, permitted: Sequence[str]) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Silo local authority")
        loopback = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")
        constraints = x509.NameConstraints(
            [*map(x509.DNSName, permitted), *map(x509.IPAddress, loopback)], None
        )
        builder = (
            self._builder(name, name, key.public_key(), AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(constraints, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        core.write_private(self._folder / "ca.key", _pem(key))
        certificate = builder.sign(key, hashes.SHA256())
        _write_public(self.authority, certificate.public_bytes(serialization.Encoding.PEM))

    def _make_server(self, names: Sequence[str], addresses: Sequence[str]) -> None:
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        signer = serialization.load_pem_private_key(
            (self._folder / "ca.key").read_bytes(), password=None
        )
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise core.SiloError(f"{self._folder / 'ca.key'} is not the key that Silo made.")
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName(
            [
                *map(x509.DNSName, names),
                *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            ]
        )
        builder = (
            self._builder(_name(names[0]), authority.subject, key.public_key(), SERVER_LIFETIME)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        )
        core.write_private(self.server_key, _pem(key))
        certificate = builder.sign(signer, hashes.SHA256())
        _write_public(self.server, certificate.public_bytes(serialization.Encoding.PEM))

    def _is_current(self, names: Sequence[str], addresses: Sequence[str]) -> bool:
        if not (self.server.exists() and self.server_key.exists()):
            return False
        certificate = x509.load_pem_x509_certificate(self.server.read_bytes())
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        have = {
            *found.get_values_for_type(x509.DNSName),
            *map(str, found.get_values_for_type(x509.IPAddress)),
        }
        fresh = certificate.not_valid_after_utc - self._clock.now() > RENEW_BEFORE
        return fresh and have == {*names, *addresses}

    def _builder(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        lifetime: timedelta,
    ) -> x509.CertificateBuilder:
        now: datetime = self._clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BACKDATE)
            .not_valid_after(now + lifetime)
        )


def get_expiry(certificate: Path) -> datetime:
    """Return when a PEM certificate stops being valid."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Silo"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_public(path: Path, data: bytes) -> None:
    core.write_private(path, data)
    path.chmod(0o644)
