"""What a node's programs read: certificates and configuration, written anew at every start."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from silo import core, engine

from . import certificates, control_groups, kubeconfigs, node_objects, pulling
from .binaries import Kit
from .certificates import Pair, Subject
from .nodes import PAUSE_IMAGE, Node
from .plans import API_PORT, DOMAIN, RESOLVER, NodePlan

_POD_PIDS = 4096
TUNED = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What the kubelet sets on a machine that is all its own; this one is shown that it is so."""
_RESERVED_BYTES = 100 << 20


def write_files(node: Node, kit: Kit, engine_binaries: engine.Binaries, now: datetime) -> None:
    """Write certificates and configuration."""
    paths, pki = node.paths, node.cluster_paths.pki
    for folder in (paths.state, paths.run):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    name = node.plan.name
    authority = Pair(pki, "ca")
    subjects = {
        "kubelet": Subject(f"system:node:{name}", ("system:nodes",)),
        "kubelet-server": Subject(
            f"system:node:{name}", ("system:nodes",), (name, node.plan.address), serves=True
        ),
        "kube-proxy": Subject("system:kube-proxy"),
    }
    for kind, subject in subjects.items():
        certificates.ensure_certificate(authority, f"{kind}-{name}", subject, now)
    server = f"https://{node.cluster.address}:{API_PORT}"
    for program in ("kubelet", "kube-proxy"):
        config = kubeconfigs.render_for_program(
            server, authority.certificate, Pair(pki, f"{program}-{name}")
        )
        _write(paths.state / f"{program}.kubeconfig", config)
    _write(paths.state / "containerd.toml", _render_containerd(node, engine_binaries))
    _write(paths.state / "cni.template", json.dumps(_describe_network()))
    _write(paths.state / "kubelet.json", json.dumps(_describe_kubelet(node), indent=1))
    plugin = pulling.describe_plugin(node, kit)
    _write(paths.state / "credential-provider.json", json.dumps(plugin, indent=1))
    _write(paths.state / "kube-proxy.json", json.dumps(_describe_proxy(node), indent=1))
    _write(paths.state / "resolv.conf", f"nameserver {RESOLVER}\noptions ndots:1\n", 0o644)
    for path, value in TUNED.items():
        _write(paths.state / "tuned" / path.replace("/", "-"), f"{value}\n", 0o644)


def _render_containerd(node: Node, engine_binaries: engine.Binaries) -> str:
    state, run = node.paths.state, node.paths.run
    cri = "io.containerd.cri.v1"

    def quote(value: Any) -> str:
        # A basic string of TOML is written like one of JSON.
        return json.dumps(str(value))

    return f"""version = 3
root = {quote(state / "containerd")}
state = {quote(run / "containerd")}
oom_score = 0
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt",
  "io.containerd.image-verifier.v1.bindir", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing", "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = {quote(node.paths.socket)}

[ttrpc]
address = {quote(run / "containerd.ttrpc.sock")}

[debug]
level = "warn"

[plugins.'{cri}.images'.pinned_images]
sandbox = {quote(PAUSE_IMAGE)}

[plugins.'{cri}.runtime']
restrict_oom_score_adj = true

[plugins.'{cri}.runtime'.cni]
bin_dirs = [{quote(engine_binaries.folder)}]
conf_dir = {quote(state / "cni")}
conf_template = {quote(state / "cni.template")}
use_internal_loopback = true

[plugins.'{cri}.runtime'.containerd]
default_runtime_name = "runc"

[plugins.'{cri}.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'{cri}.runtime'.containerd.runtimes.runc.options]
BinaryName = {quote(engine_binaries.runc)}
SystemdCgroup = false
"""


def _describe_network() -> dict[str, Any]:
    """Return the CNI configuration; containerd fills in the range that the node is given."""
    ranges = [[{"subnet": "{{.PodCIDR}}"}]]
    return {
        "cniVersion": "1.0.0",
        "name": "silo",
        "plugins": [
            {
                # Routed, not bridged: what a pod sends to its neighbour's service has to pass the
                # rules on the way back too.
                "type": "ptp",
                # Pods keep their address inside the cluster; its router translates on the way out.
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "ranges": ranges,
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}, "backend": "nftables"},
        ],
    }


def _describe_kubelet(node: Node) -> dict[str, Any]:
    pki, name = node.cluster_paths.pki, node.plan.name
    server = Pair(pki, f"kubelet-server-{name}")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.plan.address,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(Pair(pki, "ca").certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(server.certificate),
        "tlsPrivateKeyFile": str(server.key),
        "clusterDNS": [node.cluster.dns_service],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{node.paths.socket}",
        "resolvConf": "/etc/resolv.conf",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": node.group,
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "seccompDefault": True,
        "maxPods": node.plan.max_pods,
        # Before anything else can: what it must keep off comes at once.
        "registerWithTaints": [node_objects.parse_taint(text) for text in node.plan.taints],
        **({"podPidsLimit": _POD_PIDS} if control_groups.has_pids() else {}),
        "systemReserved": _list_others_share(node.plan),
        "enforceNodeAllocatable": ["pods"],
        # The disk is the machine's, and every node sees all of it: none may clear it for another.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "shutdownGracePeriod": "0s",
        "nodeStatusUpdateFrequency": "10s",
    }


def _list_others_share(plan: NodePlan) -> dict[str, str]:
    """Return what of the machine is not this node's: the kubelet counts all of it."""
    machine = engine.read_capacity()
    cores = max(0.0, machine.cores - plan.size.cores)
    memory = max(_RESERVED_BYTES, machine.memory_bytes - plan.size.memory_bytes)
    return {"cpu": f"{int(cores * 1000)}m", "memory": str(memory)}


def _describe_proxy(node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(node.paths.state / "kube-proxy.kubeconfig")},
        "hostnameOverride": node.plan.name,
        "clusterCIDR": str(node.cluster.pods),
        "bindAddress": node.plan.address,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        # The table of connections is the machine's.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    if path.exists() and path.read_text() == text:
        return
    core.write_private(path, text.encode())
    path.chmod(mode)
