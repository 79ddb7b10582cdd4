from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from silo.kube import certificates
from silo.kube.certificates import Pair, Subject

NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return certificates.ensure_authority(tmp_path / "pki", "ca", "cluster-ca", NOW)


def read(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_keys_are_for_their_owner_alone(authority):
    assert {path.stat().st_mode & 0o077 for path in authority.folder.iterdir()} == {0}
    assert authority.folder.stat().st_mode & 0o077 == 0


def test_authority_is_made_once(authority):
    before = authority.certificate.read_bytes()

    again = certificates.ensure_authority(authority.folder, "ca", "cluster-ca", NOW)

    assert again.certificate.read_bytes() == before


def test_user_and_groups_are_where_kubernetes_reads_them(authority):
    subject = Subject("system:node:n1", ("system:nodes",))
    made = read(certificates.ensure_certificate(authority, "kubelet", subject, NOW))

    made.verify_directly_issued_by(read(authority))
    names = {each.oid: each.value for each in made.subject}
    assert names == {
        NameOID.COMMON_NAME: "system:node:n1",
        NameOID.ORGANIZATION_NAME: "system:nodes",
    }
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_certificate_is_kept_while_it_fits(authority):
    subject = Subject("server", names=("10.0.0.1", "kubernetes"), serves=True)
    before = read(certificates.ensure_certificate(authority, "server", subject, NOW))
    after = read(certificates.ensure_certificate(authority, "server", subject, NOW))

    assert after == before


@pytest.mark.parametrize(
    ("subject", "later"),
    [
        (Subject("server", names=("10.0.0.2",), serves=True), timedelta()),
        (Subject("other", names=("10.0.0.1",), serves=True), timedelta()),
        (Subject("server", names=("10.0.0.1",), serves=True), timedelta(days=600)),
    ],
    ids=["other address", "other name", "ends soon"],
)
def test_certificate_that_no_longer_fits_is_issued_again(authority, subject, later):
    first = Subject("server", names=("10.0.0.1",), serves=True)
    before = read(certificates.ensure_certificate(authority, "server", first, NOW))
    pair = certificates.ensure_certificate(authority, "server", subject, NOW + later)
    after, key = pair.read()

    assert after.serial_number != before.serial_number
    assert after.public_key() == key.public_key()


def test_handed_out_certificate_is_kept_nowhere(authority):
    before = sorted(authority.folder.iterdir())

    certificate, key = certificates.issue(authority, Subject("admin"), NOW)

    assert b"CERTIFICATE" in certificate
    assert b"PRIVATE KEY" in key
    assert sorted(authority.folder.iterdir()) == before
