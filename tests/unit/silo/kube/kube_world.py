"""A planned cluster that never runs."""

import os
from datetime import UTC, datetime
from pathlib import Path

from silo import engine, kube
from silo.kube import certificates, node_files
from silo.kube.nodes import Node

NOW = datetime(2026, 5, 1, tzinfo=UTC)
UID = "0123456789abcdef0123456789abcdef"
NODE = kube.NodePlan("aks-pool-1-vmss000000", 4, kube.Size(1.0, 1 << 30), (("agentpool", "p"),))
PLAN = kube.ClusterPlan(UID, "1.36.3", "k.hcp.example", "203.0.113.5", (NODE,))
REGISTRIES = ("*.azurecr.silo.test:8443",)
KIT = kube.Kit("1.36.3", Path("/kit/bin"), {})
BINARIES = engine.Binaries(
    *(Path("/engine/bin") / name for name in ("containerd", "shim", "runc", "runsc", "rshim")),
    logger=Path("/engine/bin/logger"),
    init=Path("/engine/bin/init"),
    versions={},
)


def paths_in(folder: Path) -> kube.ClusterPaths:
    return kube.ClusterPaths.of_cluster(folder / "state", folder / "run", UID)


def node_in(folder: Path) -> Node:
    bundle = folder / "ca.pem"
    bundle.write_text("whom it believes")
    network = Path("/run/netns/n")
    return Node(
        *(PLAN, NODE, paths_in(folder), network, "/silo/i/n", bundle, REGISTRIES, os.getuid())
    )


def written_node_in(folder: Path) -> Node:
    node = node_in(folder)
    certificates.ensure_authority(node.cluster_paths.pki, "ca", "silo-cluster-ca", NOW)
    node.paths.state.mkdir(parents=True)
    node_files.write_files(node, KIT, NOW)
    return node
