import stat

import pytest

from silo import app, core, front, settings
from silo.app import install

pytestmark = pytest.mark.enable_socket


def settle(folder, given):
    with front.Ports() as ports:
        return install.settle_settings(folder, given, ports)


@pytest.fixture
def port():
    with front.Ports() as ports:
        return ports.pick("127.0.0.1", 18443)


def test_the_first_start_chooses_ports_and_later_starts_keep_them(tmp_path, port):
    first = settle(tmp_path, {"port": port})
    install.prepare_files(first, core.SystemClock())
    second = settle(tmp_path, {})

    assert second == first
    assert len({first.port, first.proxy_port, first.azure_proxy_port, first.dns_port}) == 4


def test_what_is_given_later_replaces_what_was_stored(tmp_path, port):
    first = settle(tmp_path, {"port": port})
    settings.save_settings(first)

    second = settle(tmp_path, {"domain": "corp.example"})

    assert (second.domain, second.port, second.id) == ("corp.example", port, first.id)


@pytest.mark.parametrize(
    "given",
    [
        {"tls_cert": "/etc/hostname"},
        {"tls_cert": "/missing.pem", "tls_key": "/missing.key"},
        {"tls": False, "listen": "0.0.0.0"},
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, given, port):
    with pytest.raises(app.CannotStart):
        settle(tmp_path, {"port": port, **given})


def test_secrets_are_private_and_addresses_are_public(tmp_path, port):
    instance = settle(tmp_path / "state", {"port": port})
    certificate, key = install.prepare_files(instance, core.SystemClock())

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (instance.keys, key, certificate)}
    assert modes[instance.keys] == 0o700
    assert modes[key] == 0o600
    assert stat.S_IMODE(instance.bundle.stat().st_mode) == 0o644
    assert stat.S_IMODE((instance.public / "instance.json").stat().st_mode) == 0o644


def test_two_instances_that_start_together_choose_different_ports(tmp_path):
    with front.Ports() as ports, front.Ports() as others:
        # Nobody listens yet: only the claim tells the second of the first.
        one = install.settle_settings(tmp_path / "one", {}, ports)
        other = install.settle_settings(tmp_path / "other", {}, others)
        with pytest.raises(app.CannotStart, match="in use"):
            install.settle_settings(tmp_path / "third", {"port": one.port}, others)

    chosen = [(each.port, each.proxy_port, each.azure_proxy_port, each.dns_port)
              for each in (one, other)]  # fmt: skip
    assert not set(chosen[0]) & set(chosen[1])
