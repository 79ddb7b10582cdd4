"""What the control process gives to groups: their metadata service, and what opens registries."""

import contextlib
import os
import secrets
from pathlib import Path

from silo import arm, core, identity, workload
from silo.settings import Settings

_KEY_BYTES = 32


def open_metadata(
    settings: Settings, issuer: identity.Issuer, resources: arm.Resources
) -> workload.MetadataService:
    """Return what answers the metadata requests of groups."""
    return workload.MetadataService(issuer, resources, _read_key(settings.keys / "metadata.key"))


def open_pulls(
    settings: Settings, issuer: identity.Issuer, resources: arm.Resources
) -> workload.PullCredentials:
    """Return what signs in to registries for groups."""
    return workload.PullCredentials(issuer, resources, settings)


def _read_key(path: Path) -> bytes:
    """Return the key that the groups' header values come from, made on first use."""
    if not path.exists():
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        core.write_private(part, secrets.token_bytes(_KEY_BYTES))
        # Of several processes starting at once, one's key stays.
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    return path.read_bytes()
