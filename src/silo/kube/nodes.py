"""A node: where it is on the machine, and its three programs."""

from dataclasses import dataclass
from pathlib import Path

from . import certificates
from .paths import ClusterPaths, NodePaths
from .plans import ClusterPlan, NodePlan
from .processes import SYSTEM_PATH, Beside, Process, enter_all
from .steps import is_done, run

PAUSE_IMAGE = "localhost/silo/pause:1"
ENGINE = Path("/opt/silo/engine")
KUBERNETES = Path("/opt/silo/kubernetes")
"""Where a node has the programs."""
SETTINGS = Path("/etc/silo")
"""Where a node has what they read."""
OWN_NETWORK, OWN_PLUGINS = Path("/etc/cni/net.d"), Path("/opt/cni/bin")
"""Where the owner of a cluster without a network puts the one that is brought."""
BUNDLE = SETTINGS / "ca-bundle.crt"
SOCKET = Path("/run/containerd/containerd.sock")
_CTR = (str(ENGINE / "ctr"), f"--address={SOCKET}", "--namespace=k8s.io")
_ANSWER_S = 5.0
_READ = {
    "containerd": ("containerd.toml", "ca-bundle.crt"),
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
    first_id: int
    """Who its root is on this machine."""

    @property
    def paths(self) -> NodePaths:
        """Its folders."""
        return self.cluster_paths.node(self.plan.name, self.plan.place)


def name_init(name: str) -> str:
    """Return the name of a node's first process."""
    return f"init-{name}"


def name_daemons(node: Node) -> str:
    """Return the control group of what Silo runs in a node."""
    return f"{node.group}/daemons"


def list_brought(node: Node) -> dict[Path, Path]:
    """Return the folders that a brought network is put into: where a node sees them, and here."""
    if node.cluster.networked:
        return {}
    state = node.paths.state
    return {OWN_NETWORK: state / "cni-networks", OWN_PLUGINS: state / "cni-plugins"}


def answers(node: Node, init: int) -> bool:
    """Tell whether the node's containerd does."""
    words = (*enter_all(init), *_CTR, "version")
    return is_done(*words, group=name_daemons(node), within_s=_ANSWER_S)


def ensure_image(node: Node, init: int, archive: Path) -> None:
    """Give the node an image that comes from nowhere else, once."""
    done = node.paths.state / "imported" / archive.name
    if done.exists():
        return
    words = ("images", "import", "--label", "io.cri-containerd.pinned=pinned", "-")
    run(*enter_all(init), *_CTR, *words, group=name_daemons(node), given=archive)
    done.parent.mkdir(mode=0o700, exist_ok=True)
    done.touch()


def list_processes(node: Node) -> tuple[Process, ...]:
    """Return the three programs in the order of their start."""
    name, kubernetes = node.plan.name, str(KUBERNETES / "kubernetes")
    own = node.paths.settings / SETTINGS.name
    commands = {
        "containerd": (str(ENGINE / "containerd"), f"--config={SETTINGS / 'containerd.toml'}"),
        "kubelet": (
            *(kubernetes, "kubelet", f"--config={SETTINGS / 'kubelet.json'}"),
            f"--kubeconfig={SETTINGS / 'kubelet.kubeconfig'}",
            *(f"--hostname-override={name}", f"--node-ip={node.plan.address}"),
            f"--image-credential-provider-config={SETTINGS / 'credential-provider.json'}",
            f"--image-credential-provider-bin-dir={KUBERNETES}",
        ),
        "kube-proxy": (kubernetes, "kube-proxy", f"--config={SETTINGS / 'kube-proxy.json'}"),
    }
    return tuple(
        Process(
            f"{program}-{name}",
            command,
            Beside(name_init(name)),
            name_daemons(node),
            f"{ENGINE}:{SYSTEM_PATH}",
            {"SSL_CERT_FILE": str(BUNDLE)} if program == "containerd" else {},
            revision=certificates.digest(
                [*(own / file for file in _READ[program]), *sorted(own.glob(f"{program}*.crt"))]
            ),
        )
        for program, command in commands.items()
    )
