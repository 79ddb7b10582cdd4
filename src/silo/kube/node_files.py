"""What a node's programs read: certificates and configuration, written anew at every start."""

import hashlib
import json
import math
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from silo import core

from . import certificates, control_groups, kubeconfigs, machine_files, node_objects, pulling
from .binaries import Kit
from .certificates import Pair, Subject
from .nodes import (
    ENGINE,
    OWN_NETWORK,
    OWN_PLUGINS,
    PAUSE_IMAGE,
    SETTINGS,
    SOCKET,
    Node,
    list_brought,
)
from .plans import API_PORT, DOMAIN, RESOLVER, NodePlan

_POD_PIDS = 4096
_RESERVED_BYTES = 100 << 20


def write_files(node: Node, kit: Kit, now: datetime) -> None:
    """Write certificates and configuration."""
    folder, pki, name = node.paths.settings, node.cluster_paths.pki, node.plan.name
    own = folder / SETTINGS.name
    node.paths.files.mkdir(mode=0o755, exist_ok=True)
    for each in (folder, own, own / "machine"):
        each.mkdir(mode=0o755, parents=True, exist_ok=True)
    for each in (folder, own, own / "machine", node.paths.files):
        each.chmod(0o755)
    os.chown(node.paths.files, node.first_id, node.first_id)
    for source in list_brought(node).values():
        # Beside the node's own files, where it cannot put a link in their place.
        source.mkdir(mode=0o755, exist_ok=True)
        source.chmod(0o755)
        os.chown(source, node.first_id, node.first_id)
    target = folder / OWN_NETWORK.relative_to("/etc")
    for each in (target.parent, target):
        each.mkdir(mode=0o755, exist_ok=True)
        each.chmod(0o755)
    authority = Pair(pki, "ca")
    subjects = {
        "kubelet": Subject(f"system:node:{name}", ("system:nodes",)),
        "kubelet-server": Subject(
            f"system:node:{name}", ("system:nodes",), (name, node.plan.address), serves=True
        ),
        "kube-proxy": Subject("system:kube-proxy"),
    }
    _write(own / "ca.crt", authority.certificate.read_text(), 0o644)
    for kind, subject in subjects.items():
        pair = certificates.ensure_certificate(authority, f"{kind}-{name}", subject, now)
        _write(own / f"{kind}.crt", pair.certificate.read_text(), 0o644)
        _write_secret(own / f"{kind}.key", pair.key.read_text(), node.first_id)
    server = f"https://{node.cluster.address}:{API_PORT}"
    for program in ("kubelet", "kube-proxy"):
        config = kubeconfigs.render_for_program(
            server, SETTINGS / "ca.crt", Pair(SETTINGS, program)
        )
        _write(own / f"{program}.kubeconfig", config, 0o644)
    files = {
        "silo/containerd.toml": _render_containerd(networked=node.cluster.networked),
        "silo/cni.template": json.dumps(_describe_network()),
        "silo/kubelet.json": json.dumps(_describe_kubelet(node), indent=1),
        "silo/credential-provider.json": json.dumps(pulling.describe_plugin(node, kit), indent=1),
        "silo/kube-proxy.json": json.dumps(_describe_proxy(node), indent=1),
        "silo/ca-bundle.crt": node.bundle.read_text(),
        "resolv.conf": f"nameserver {RESOLVER}\noptions ndots:1\n",
        "hosts": _list_hosts(node),
        "hostname": f"{name}\n",
        "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        "group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
        "machine-id": f"{hashlib.sha256(f'{node.cluster.uid}/{name}'.encode()).hexdigest()[:32]}\n",
    }
    for path, text in files.items():
        _write(folder / path, text, 0o644)
    for path, text in machine_files.describe(node.plan.size).items():
        _write(own / "machine" / path, text, 0o644)


def _list_hosts(node: Node) -> str:
    own = f"127.0.0.1 localhost\n{node.plan.address} {node.plan.name}\n"
    names = node.cluster.private_names
    return own + (f"{node.cluster.address} {' '.join(names)}\n" if names else "")


def _render_containerd(*, networked: bool) -> str:
    cri = "io.containerd.cri.v1"
    folder, plugins = Path("/var/lib/cni/net.d"), [ENGINE]
    if not networked:
        folder, plugins = OWN_NETWORK, [OWN_PLUGINS, ENGINE]
    template = f"conf_template = {json.dumps(str(SETTINGS / 'cni.template'))}" if networked else ""

    def quote(value: Any) -> str:
        # A basic string of TOML is written like one of JSON.
        return json.dumps(str(value))

    return f"""version = 3
root = "/var/lib/containerd"
state = {quote(SOCKET.parent)}
oom_score = 0
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt",
  "io.containerd.image-verifier.v1.bindir", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing", "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.zfs"]

[grpc]
address = {quote(SOCKET)}

[ttrpc]
address = {quote(SOCKET.with_suffix(".ttrpc.sock"))}

[debug]
level = "warn"

[plugins.'{cri}.images'.pinned_images]
sandbox = {quote(PAUSE_IMAGE)}

[plugins.'{cri}.runtime']
restrict_oom_score_adj = true
disable_apparmor = true

[plugins.'{cri}.runtime'.cni]
bin_dirs = {json.dumps([str(each) for each in plugins])}
conf_dir = {quote(folder)}
{template}
use_internal_loopback = true

[plugins.'{cri}.runtime'.containerd]
default_runtime_name = "runc"

[plugins.'{cri}.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'{cri}.runtime'.containerd.runtimes.runc.options]
BinaryName = {quote(ENGINE / "runc")}
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
    server = Pair(SETTINGS, "kubelet-server")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.plan.address,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(SETTINGS / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(server.certificate),
        "tlsPrivateKeyFile": str(server.key),
        "clusterDNS": [node.cluster.dns_service],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "resolvConf": "/etc/resolv.conf",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "featureGates": {"KubeletInUserNamespace": True},
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "seccompDefault": True,
        "maxPods": node.plan.max_pods,
        # Before anything else can: what it must keep off comes at once.
        "registerWithTaints": [node_objects.parse_taint(text) for text in node.plan.taints],
        **({"podPidsLimit": _POD_PIDS} if control_groups.has_pids() else {}),
        "systemReserved": _list_reserved(node.plan),
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


def _list_reserved(plan: NodePlan) -> dict[str, str]:
    """Return what of the node's size is not for pods: a part of a core, and the programs."""
    cores = math.ceil(plan.size.cores) - plan.size.cores
    return {"cpu": f"{int(cores * 1000)}m", "memory": str(_RESERVED_BYTES)}


def _describe_proxy(node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(SETTINGS / "kube-proxy.kubeconfig")},
        "hostnameOverride": node.plan.name,
        "clusterCIDR": str(node.cluster.pods),
        "bindAddress": node.plan.address,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        # The table of connections is the machine's.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def _write(path: Path, text: str, mode: int) -> None:
    if path.exists() and path.read_text() == text:
        return
    core.write_private(path, text.encode())
    path.chmod(mode)


def _write_secret(path: Path, text: str, owner: int) -> None:
    """Write what the node's root alone may read."""
    _write(path, text, 0o600)
    os.chown(path, owner, owner)
