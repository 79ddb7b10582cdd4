"""Where one instance's engine keeps what."""

from dataclasses import dataclass
from pathlib import Path

RUNTIME_ROOT = Path("/run/silo")
"""On tmpfs: sockets and the state of running containers, worthless after a reboot."""


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one engine; all of them are private to root."""

    state: Path
    """On disk: images, snapshots, containerd's own records, logs and volumes."""
    run: Path
    """Gone at reboot, together with the processes that it is about."""

    @classmethod
    def of_instance(cls, state: Path, instance_id: str) -> "Paths":
        """Return the folders of the instance that keeps its state there."""
        return cls(state / "engine", RUNTIME_ROOT / instance_id)

    @property
    def containerd(self) -> Path:
        """The folder of containerd's content, snapshots and metadata."""
        return self.state / "containerd"

    @property
    def config(self) -> Path:
        """The configuration that containerd reads, written at every start."""
        return self.run / "containerd.toml"

    @property
    def socket(self) -> Path:
        """The socket that containerd answers gRPC on."""
        return self.run / "containerd.sock"
