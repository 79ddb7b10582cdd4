"""The programs of a Kubernetes version, and where this machine has them."""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_HEAD = 4096
"""Bytes of a program that have its build id."""


@dataclass(frozen=True, slots=True)
class Kit:
    """One set of programs that were built and tried together."""

    version: str
    """As ``1.36.3``."""
    folder: Path
    versions: Mapping[str, str]

    @property
    def build(self) -> str:
        """What tells this build of the programs from another of the same version."""
        return self.folder.parent.name

    @property
    def image(self) -> str:
        """What nodes of this build are made from; another build is another image."""
        return f"Silo-{self.version}-{_digest(self.folder)}"

    @property
    def kubernetes(self) -> Path:
        """Every component in one program; its first argument says which."""
        return self.folder / "kubernetes"

    @property
    def pause(self) -> Path:
        """The first process of a pod."""
        return self.folder / "pause"

    @property
    def coredns(self) -> Path:
        """The cluster's name server."""
        return self.folder / "coredns"

    @property
    def command(self) -> Path:
        """What runs a command line in a pod."""
        return self.folder / "command"

    @property
    def credentials(self) -> Path:
        """What the kubelet asks for credentials of Silo's registries."""
        return self.folder / "acr-credential-provider"

    @property
    def ingress(self) -> Path:
        """The proxy of app routing."""
        return self.folder / "ingress"

    @property
    def metrics_server(self) -> Path:
        """What measures pods and nodes, for ``kubectl top`` and autoscalers."""
        return self.folder / "metrics-server"


@functools.cache
def _digest(folder: Path) -> str:
    """Return what tells programs from others: Go writes a hash of each at its beginning."""
    digest = hashlib.sha256()
    for program in sorted(folder.iterdir()) if folder.is_dir() else ():
        with program.open("rb") as file:
            digest.update(program.name.encode() + file.read(_HEAD))
    return digest.hexdigest()[:12]


def find_kits() -> dict[str, Kit]:
    """Return, by version, what is installed or, in a checkout, built."""
    try:
        import silo_kubernetes  # noqa: PLC0415 - a wheel of its own, which not every machine has
    except ImportError:
        return {}
    return {
        version: read_kit(version, at) for version, at in silo_kubernetes.find_folders().items()
    }


def read_kit(version: str, folder: Path) -> Kit:
    """Return the kit in a folder."""
    return Kit(version, folder / "bin", json.loads((folder / "versions.json").read_text()))
