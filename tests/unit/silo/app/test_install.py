import stat

import pytest

from silo import app, core, settings
from silo.app import install

pytestmark = pytest.mark.enable_socket


def test_the_first_start_chooses_ports_and_later_starts_keep_them(tmp_path):
    first = install.settle_settings(tmp_path, {"port": 18443})
    install.prepare_files(first, core.SystemClock())
    second = install.settle_settings(tmp_path, {})

    assert second == first
    assert len({first.port, first.proxy_port, first.azure_proxy_port, first.dns_port}) == 4


def test_what_is_given_later_replaces_what_was_stored(tmp_path):
    first = install.settle_settings(tmp_path, {"port": 18443})
    settings.save_settings(first)

    second = install.settle_settings(tmp_path, {"domain": "corp.example"})

    assert (second.domain, second.port, second.id) == ("corp.example", 18443, first.id)


@pytest.mark.parametrize(
    "given",
    [
        {"tls_cert": "/etc/hostname"},
        {"tls_cert": "/missing.pem", "tls_key": "/missing.key"},
        {"tls": False, "listen": "0.0.0.0"},
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, given):
    with pytest.raises(app.CannotStart):
        install.settle_settings(tmp_path, {"port": 18443, **given})


def test_secrets_are_private_and_addresses_are_public(tmp_path):
    instance = install.settle_settings(tmp_path / "state", {"port": 18443})
    certificate, key = install.prepare_files(instance, core.SystemClock())

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (instance.keys, key, certificate)}
    assert modes[instance.keys] == 0o700
    assert modes[key] == 0o600
    assert stat.S_IMODE(instance.bundle.stat().st_mode) == 0o644
    assert stat.S_IMODE((instance.public / "instance.json").stat().st_mode) == 0o644
