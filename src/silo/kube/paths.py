"""Where one cluster keeps what."""

from dataclasses import dataclass
from pathlib import Path

SHORT = 12
"""Characters of a uid in paths: a socket's may be 107 long (man 7 unix)."""


@dataclass(frozen=True, slots=True)
class NodePaths:
    """The folders of one node."""

    state: Path
    run: Path

    @property
    def settings(self) -> Path:
        """The node's ``/etc``."""
        return self.state / "etc"

    @property
    def files(self) -> Path:
        """The node's ``/var``: all that it keeps."""
        return self.state / "var"

    @property
    def users(self) -> Path:
        """The node's user namespace, held by a file."""
        return self.run / "users"

    @property
    def root(self) -> Path:
        """Where the node's file system is put together."""
        return self.run / "root"


@dataclass(frozen=True, slots=True)
class ClusterPaths:
    """The folders of one cluster; all of them are private to root."""

    state: Path
    """On disk: certificates, etcd, images and what nodes keep."""
    run: Path
    """Gone at reboot, together with the processes that it is about."""

    @classmethod
    def of_cluster(cls, state: Path, run: Path, uid: str) -> "ClusterPaths":
        """Return the folders of a cluster, below the instance's two."""
        return cls(state / "clusters" / uid, run / "clusters" / uid[:SHORT])

    @property
    def first_id(self) -> Path:
        """Notes who root of the nodes is on the machine, and of what they keep."""
        return self.state / "first-id"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.state / "pki"

    @property
    def config(self) -> Path:
        """What the programs read at their start, secrets among it."""
        return self.state / "config"

    @property
    def etcd(self) -> Path:
        """The database."""
        return self.state / "etcd"

    @property
    def disks(self) -> Path:
        """What claims for volumes got."""
        return self.state / "disks"

    @property
    def logs(self) -> Path:
        """What the programs say."""
        return self.state / "logs"

    @property
    def audit(self) -> Path:
        """What the API server notes of who did what."""
        return self.state / "audit"

    @property
    def processes(self) -> Path:
        """Notes of which processes run."""
        return self.run / "processes"

    @property
    def door(self) -> Path:
        """Silo's own way to the API, where not everybody may ask it."""
        return self.run / "api.sock"

    def node(self, name: str, place: int) -> NodePaths:
        """Return the folders of a node."""
        return NodePaths(self.state / "nodes" / name, self.run / str(place))
