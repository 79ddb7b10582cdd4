"""A node: where it is on the machine, and its three programs."""

from dataclasses import dataclass
from pathlib import Path

from silo import engine

from . import certificates
from .binaries import Kit
from .paths import ClusterPaths, NodePaths
from .plans import ClusterPlan, NodePlan
from .processes import SYSTEM_PATH, Namespaces, Process
from .steps import run

PAUSE_IMAGE = "localhost/silo/pause:1"
_READ = {
    "containerd": ("containerd.toml",),
    "kubelet": ("kubelet.json", "credential-provider.json"),
    "kube-proxy": ("kube-proxy.json",),
}
"""What each program reads at its start."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster, and where it is on this machine."""

    cluster: ClusterPlan
    plan: NodePlan
    cluster_paths: ClusterPaths
    network: Path
    """Its network namespace."""
    group: str
    """Its control group."""
    bundle: Path
    """Whom it believes when it pulls images."""
    registries: tuple[str, ...]
    """Which images it pulls as its managed identity, as patterns of hosts."""

    @property
    def paths(self) -> NodePaths:
        """Its folders."""
        return self.cluster_paths.node(self.plan.name, self.plan.place)

    @property
    def namespaces(self) -> Namespaces:
        """Where its programs run."""
        return Namespaces(self.network, self.paths.mounts, self.paths.names)


def ensure_image(node: Node, engine_binaries: engine.Binaries, archive: Path) -> None:
    """Give the node an image that comes from nowhere else, once."""
    done = node.paths.state / "imported" / archive.name
    if done.exists():
        return
    ctr = engine_binaries.folder / "ctr"
    run(
        *(str(ctr), "--address", str(node.paths.socket), "--namespace", "k8s.io"),
        *("images", "import", "--label", "io.cri-containerd.pinned=pinned", str(archive)),
    )
    done.parent.mkdir(mode=0o700, exist_ok=True)
    done.touch()


def list_processes(node: Node, kit: Kit, engine_binaries: engine.Binaries) -> tuple[Process, ...]:
    """Return the three programs in the order of their start."""
    state, name = node.paths.state, node.plan.name
    commands = {
        "containerd": (
            str(engine_binaries.containerd),
            f"--config={state / 'containerd.toml'}",
        ),
        "kubelet": (
            *(str(kit.kubernetes), "kubelet", f"--config={state / 'kubelet.json'}"),
            f"--kubeconfig={state / 'kubelet.kubeconfig'}",
            *(f"--hostname-override={name}", f"--node-ip={node.plan.address}"),
            f"--image-credential-provider-config={state / 'credential-provider.json'}",
            f"--image-credential-provider-bin-dir={kit.credentials.parent}",
        ),
        "kube-proxy": (
            *(str(kit.kubernetes), "kube-proxy", f"--config={state / 'kube-proxy.json'}"),
        ),
    }
    return tuple(
        Process(
            f"{program}-{name}",
            command,
            node.namespaces,
            f"{node.group}/daemons",
            f"{engine_binaries.folder}:{SYSTEM_PATH}",
            {"SSL_CERT_FILE": str(node.bundle)} if program == "containerd" else {},
            revision=certificates.digest(
                [
                    *(state / file for file in _READ[program]),
                    *node.cluster_paths.pki.glob(f"{program}*-{name}.crt"),
                ]
            ),
        )
        for program, command in commands.items()
    )
