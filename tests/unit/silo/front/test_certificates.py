import stat
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from silo import core, front

NAMES = front.Names("silo.test", 8443)


class Later:
    def __init__(self, by):
        self._by = by

    def now(self):
        return core.SystemClock().now() + self._by

    def monotonic(self):
        return core.SystemClock().monotonic()


@pytest.fixture
def certificates(tmp_path):
    made = front.Certificates(tmp_path, core.SystemClock())
    made.ensure(NAMES.certificate_names(), ["127.0.0.1"])
    return made


@pytest.mark.parametrize(
    "name", ["management.silo.test", "web1.azurecr.silo.test", "graph.microsoft.com"]
)
def test_the_server_certificate_is_good_for_every_door(certificates, name):
    store = Store([x509.load_pem_x509_certificate(certificates.authority.read_bytes())])
    server = x509.load_pem_x509_certificate(certificates.server.read_bytes())

    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wildcard = "*." + name.split(".", 1)[1]

    assert {name, wildcard} & set(names.get_values_for_type(x509.DNSName))
    assert PolicyBuilder().store(store)


def test_the_authority_can_certify_nothing_outside_its_names(certificates):
    authority = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)

    permitted = {name.value for name in constraints.value.permitted_subtrees or ()}

    assert constraints.critical
    assert "silo.test" in permitted
    assert "com" not in permitted


def test_private_keys_are_for_their_owner_alone(certificates, tmp_path):
    for path in (certificates.server_key, tmp_path / "ca.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_certificate_is_kept_while_it_is_fresh_and_renewed_before_it_ends(certificates, tmp_path):
    before = certificates.server.read_bytes()
    authority = certificates.authority.read_bytes()

    certificates.ensure(NAMES.certificate_names(), ["127.0.0.1"])
    assert certificates.server.read_bytes() == before

    late = front.Certificates(tmp_path, Later(timedelta(days=350)))
    late.ensure(NAMES.certificate_names(), ["127.0.0.1"])
    assert certificates.server.read_bytes() != before
    assert certificates.authority.read_bytes() == authority
