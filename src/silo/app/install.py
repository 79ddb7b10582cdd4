"""The first start of an instance, and what every start makes sure of: folders, keys, addresses."""

import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from silo import core, engine, front
from silo.settings import Settings, load_settings, save_settings

from .errors import CannotStart

HTTPS_PORT = 443
ALTERNATIVE_PORT = 8443
PROXY_PORT = 8888
DNS_PORT = 5354
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def settle_settings(folder: Path, given: dict[str, Any], ports: front.Ports) -> Settings:
    """Return the settings for this start: what is given now, else what was stored, else defaults.

    ``ports`` holds those that were settled on.

    Raises:
        CannotStart: the given values contradict each other or the machine.

    """
    stored = load_settings(folder)
    fresh = stored or Settings(
        folder,
        id=uuid.uuid4().hex[:12],
        port=0,
        tenant_id=str(uuid.uuid4()),
        subscription_id=str(uuid.uuid4()),
    )
    merged = replace(fresh, state=folder, **given)
    _check(merged)
    merged = _settle_pools(merged)
    if not merged.port:
        merged = replace(merged, port=_pick_front_port(merged.listen, ports))
    elif not ports.take(merged.listen, merged.port):
        raise CannotStart(
            f"{merged.listen}:{merged.port} is in use or may not be bound by this user;"
            " choose another with --port."
        )
    # Each keeps its port, unless somebody took it while Silo was down.
    proxy = ports.pick("127.0.0.1", merged.proxy_port or PROXY_PORT)
    azure = ports.pick("127.0.0.1", merged.azure_proxy_port or PROXY_PORT)
    dns = ports.pick(merged.listen, merged.dns_port or DNS_PORT)
    return replace(merged, proxy_port=proxy, azure_proxy_port=azure, dns_port=dns)


def prepare_files(settings: Settings, clock: core.Clock) -> tuple[Path, Path] | None:
    """Make folders and certificates; return certificate and key, or None when TLS is off."""
    os.umask(0o077)
    for folder, mode in (
        (settings.state, 0o711),
        (settings.public, 0o755),
        (settings.content, 0o700),
        (settings.keys, 0o700),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    addresses = sorted({"127.0.0.1", "::1", front.reachable_address(settings.listen)})
    certificates = front.Certificates(settings.keys / "tls", clock)
    certificates.ensure(settings.names.certificate_names(), addresses)
    given = Path(settings.tls_cert) if settings.tls_cert else None
    bundle = certificates.render_bundle()
    if given:
        bundle += given.read_text()
    for path, text in (
        (settings.bundle, bundle),
        (settings.public / "ca.pem", certificates.authority.read_text()),
        (settings.public / "server.pem", (given or certificates.server).read_text()),
    ):
        core.write_private(path, text.encode())
        path.chmod(0o644)
    save_settings(settings)
    if not settings.tls:
        return None
    if given:
        return given, Path(settings.tls_key)
    return certificates.server, certificates.server_key


def _settle_pools(settings: Settings) -> Settings:
    """Choose the addresses of groups where none are given, and make sure that they can be used."""
    group, public = settings.group_pool, settings.public_pool
    try:
        if not (group and public):
            chosen = engine.choose_pools(settings.id, settings.state)
            group, public = group or chosen[0], public or chosen[1]
        engine.split_pools(group, public)
    except engine.PoolInvalid as error:
        raise CannotStart(str(error)) from None
    return replace(settings, group_pool=group, public_pool=public)


def _pick_front_port(listen: str, ports: front.Ports) -> int:
    """Prefer 443, where Azure's own tools expect it and URLs carry no port."""
    if ports.take(listen, HTTPS_PORT):
        return HTTPS_PORT
    return ports.pick(listen, ALTERNATIVE_PORT)


def _check(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise CannotStart("--tls-cert and --tls-key go together.")
    for path in filter(None, (settings.tls_cert, settings.tls_key)):
        if not os.access(path, os.R_OK):
            raise CannotStart(f"{path} cannot be read.")
    if not settings.tls and settings.listen not in LOOPBACK:
        raise CannotStart("--no-tls is for a proxy on this machine: it needs a loopback --listen.")
