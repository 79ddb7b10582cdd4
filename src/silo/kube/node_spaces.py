"""The namespaces of a node, held by files. Every function can be done twice."""

from collections.abc import Iterator
from pathlib import Path

from silo import engine

from . import disks
from .errors import StepFailed
from .node_files import TUNED
from .nodes import Node
from .paths import NodePaths
from .steps import run

_SETUP = """
set -eu
printf %s "$1" >/proc/sys/kernel/hostname
mount --make-rshared /
shift
while [ $# -gt 0 ]; do mount --bind "$1" "$2"; shift 2; done
"""


def make_namespaces(node: Node) -> None:
    """Make the mount and the UTS namespace, unless they are there."""
    paths = node.paths
    if is_namespace(paths.mounts) and is_namespace(paths.names):
        return
    remove_namespaces(paths)
    folder = paths.mounts.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A mount namespace can be held only where its own copy does not come back to it.
    run("mount", "--bind", str(folder), str(folder))
    run("mount", "--make-private", str(folder))
    for path in (paths.mounts, paths.names):
        path.touch(mode=0o600)
    binds = [str(path) for pair in _list_binds(node) for path in pair]
    words = ["unshare", f"--mount={paths.mounts}", f"--uts={paths.names}", "--propagation=private"]
    try:
        run(*words, "/bin/sh", "-c", _SETUP, "sh", node.plan.name, *binds)
    except StepFailed:
        remove_namespaces(paths)
        raise


def is_namespace(path: Path) -> bool:
    """Tell whether a file holds a namespace."""
    try:
        return path.stat().st_dev == Path("/proc/self/ns/mnt").stat().st_dev
    except FileNotFoundError:
        return False


def remove_namespaces(paths: NodePaths) -> None:
    """Let go of the namespaces; they end with the last process in them."""
    mounts = engine.KernelMounts()
    for path in mounts.list_below(paths.mounts.parent):
        mounts.unmount(path)


def _list_binds(node: Node) -> Iterator[tuple[Path, Path]]:
    """Yield what the node sees in another place than the machine has it."""
    state, run = node.paths.state, node.paths.run
    folders = {
        state / "kubelet": Path("/var/lib/kubelet"),
        state / "pod-logs": Path("/var/log/pods"),
        state / "container-logs": Path("/var/log/containers"),
        state / "cni-state": Path("/var/lib/cni"),
        # Below the kubelet's, so after it.
        node.cluster_paths.disks: disks.IN_NODE,
        run / "shims": Path("/run/containerd"),
        run / "netns": Path("/run/netns"),
    }
    (state / "kubelet" / disks.IN_NODE.name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for source, target in folders.items():
        source.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only a place to mount upon: what is kept is the node's own.
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield source, target
    yield state / "resolv.conf", Path("/etc/resolv.conf").resolve()
    for path in TUNED:
        target = Path("/proc/sys", path)
        if target.exists():
            yield state / "tuned" / path.replace("/", "-"), target
