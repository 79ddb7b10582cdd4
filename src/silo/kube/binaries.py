"""The programs of a Kubernetes version, and where this machine has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


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
    def metrics_server(self) -> Path:
        """What measures pods and nodes, for ``kubectl top`` and autoscalers."""
        return self.folder / "metrics-server"


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
