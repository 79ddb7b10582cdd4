"""A cluster's own authorities and the certificates they issue.

A file that is there is kept: what was handed out stays good over restarts.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from silo import core

AUTHORITY_LIFE = timedelta(days=3650)
LIFE = timedelta(days=730)
"""Two years, as AKS gives its certificates."""
_EARLIER = timedelta(minutes=5)
"""Clocks of others may be behind."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        """The certificate in PEM."""
        return self.folder / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        """The key in PEM."""
        return self.folder / f"{self.name}.key"

    def read(self) -> tuple[x509.Certificate, CertificateIssuerPrivateKeyTypes]:
        """Return both."""
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.key} is not a key of ours")
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()), key


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for: Kubernetes reads user and groups off it."""

    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """DNS names and addresses that a server is reached by."""
    serves: bool = False
    asks: bool = True


def ensure_authority(folder: Path, name: str, user: str, now: datetime) -> Pair:
    """Return an authority, made if it is not there."""
    pair = Pair(folder, name)
    if pair.certificate.exists():
        return pair
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(Subject(user))
    made = (
        _begin(subject, subject, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _store(pair, made, key)
    return pair


def ensure_certificate(authority: Pair, name: str, subject: Subject, now: datetime) -> Pair:
    """Return a certificate, issued if it is not there, is for somebody else or ends soon."""
    pair = Pair(authority.folder, name)
    if pair.certificate.exists():
        found = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        fits = found.subject == _name(subject) and _list_names(found) == sorted(subject.names)
        if fits and found.not_valid_after_utc - now > LIFE / 4:
            return pair
    certificate, key = _issue(authority, subject, now)
    _store(pair, certificate, key)
    return pair


def issue(
    authority: Pair, subject: Subject, now: datetime, life: timedelta = LIFE
) -> tuple[bytes, bytes]:
    """Return a certificate and its key in PEM, kept nowhere."""
    certificate, key = _issue(authority, subject, now, life)
    return certificate.public_bytes(serialization.Encoding.PEM), _render_key(key)


def digest(files: Iterable[Path]) -> str:
    """Return what tells the contents of files from others."""
    hashed = hashlib.sha256()
    for path in sorted(files):
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def _issue(
    authority: Pair, subject: Subject, now: datetime, life: timedelta = LIFE
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    issuer, issuer_key = authority.read()
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH] * subject.serves
    purposes += [ExtendedKeyUsageOID.CLIENT_AUTH] * subject.asks
    builder = (
        _begin(_name(subject), issuer.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    )
    if subject.names:
        names = x509.SubjectAlternativeName([_general_name(name) for name in subject.names])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()), key


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + life)
    )


def _name(subject: Subject) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.groups]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, subject.user)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _list_names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return sorted(str(name.value) for name in found.value)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _store(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    # A certificate that is there has its key, wherever we are interrupted.
    pair.certificate.unlink(missing_ok=True)
    pair.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    core.write_private(pair.key, _render_key(key))
    core.write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _render_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
