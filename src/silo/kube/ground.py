"""What the machine has for clusters."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from silo import core, engine

from .authentication import Directory
from .balancing import Addresses
from .binaries import Kit
from .errors import VersionMissing
from .paths import SHORT, ClusterPaths
from .shares import Shares

Serve = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What the machine has for clusters."""

    instance: str
    state: Path
    run: Path
    bundle: Path
    """Whom nodes believe when they pull."""
    kits: Mapping[str, Kit]
    binaries: engine.Binaries
    networks: engine.Networks
    clock: core.Clock
    serve: Serve
    """Opens the network's name server and the metadata endpoint for a node."""
    serve_names: Serve
    """Opens the name server alone, for a control plane."""
    leave: Serve
    registries: tuple[str, ...]
    """The hosts, as patterns, whose images nodes pull as their identity."""
    directory: Directory | None = None
    """Whose people may sign in to clusters that let them."""

    addresses: Addresses | None = None
    """Who gives addresses to services of the type ``LoadBalancer``."""
    shares: Shares | None = None
    """Who has file shares for volumes that many nodes write to."""

    def locate(self, uid: str) -> ClusterPaths:
        """Return the folders of a cluster."""
        return ClusterPaths.of_cluster(self.state, self.run, uid)

    def name_group(self, uid: str) -> str:
        """Return the control group of a cluster."""
        return f"/silo/{self.instance}/clusters/{uid[:SHORT]}"

    def find_kit(self, version: str) -> Kit:
        """Return the programs of a version."""
        kit = self.kits.get(version)
        if kit is None:
            raise VersionMissing(f"Kubernetes {version} is not installed here.")
        return kit

    def list_left(self, keep: Collection[str]) -> list[str]:
        """Return the clusters that have a folder here and are not to be."""
        folder = self.state / "clusters"
        found = sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []
        return [uid for uid in found if uid not in keep]
