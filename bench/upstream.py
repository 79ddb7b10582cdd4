"""Upstream's programs started by hand: a control plane and a node, as plainly as they run.

The programs are those of Silo's clusters, in one network namespace: etcd, the API server and
containerd at once, then the controllers and the scheduler, the kubelet, and last the proxy. There
are no add-ons, no audit log, no encryption of secrets and no user namespace.
"""

import datetime as dt
import http.client
import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from silo_engine import build as engine_build
from silo_kubernetes import build
from tools import programs

from silo.kube import control_groups, images, kubeconfigs
from silo.kube.certificates import Pair, Subject, ensure_authority, ensure_certificate

from .cluster import GETS, PAUSE, Kube, forget
from .processes import pss_bytes, wait_until

ADDRESS, NODE = "10.254.0.1", "hand"
NETNS, GROUP = "silo-bench", "/silo-bench"
PODS, SERVICES = "10.254.1.0/24", "10.253.0.0/24"
_API = f"https://{ADDRESS}:443"
_ETCD = "http://127.0.0.1:2379"
_PATIENCE_S = 120.0
_WANTED = {"kernel/panic": 10, "kernel/panic_on_oops": 1, "vm/overcommit_memory": 1}
"""What the kubelet would set the whole machine to, if it did not see it set."""
_HOLD = """
for name in panic panic_on_oops; do mount --bind $1/$name /proc/sys/kernel/$name; done
mount --bind $1/overcommit_memory /proc/sys/vm/overcommit_memory
mount --make-rshared /
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    cold_s: float
    warm_s: float
    deployment_s: float
    pss_mib: float
    get_ms: list[float]


def measure(folder: Path) -> Figures:
    """Start it twice: the first time the programs come from disk."""
    forget()
    with _started(folder / "cold") as (cold_s, _):
        pass
    with _started(folder / "warm") as (warm_s, kube):
        time.sleep(5)
        found = {pid for pid in control_groups.list_processes(GROUP) if pid != os.getpid()}
        weight = sum(map(pss_bytes, found)) / 2**20
        times = [kube.deploy(f"four-{number}", 4) for number in range(3)]
        return Figures(cold_s, warm_s, sorted(times)[1], weight, kube.time_gets(GETS))


@contextmanager
def _started(folder: Path) -> Iterator[tuple[float, Kube]]:
    """Yield after how many seconds the node was ready, and the API."""
    folder.mkdir(parents=True, mode=0o755)
    for path in folder.parents[:2]:
        path.chmod(0o755)
    pki = _certify(folder / "pki")
    _write_settings(folder, pki)
    control_groups.make(GROUP)
    try:
        _connect()
        yield _start(folder, pki)
    except TimeoutError:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}")
        raise
    finally:
        control_groups.kill(GROUP)
        _ip("netns", "delete", NETNS, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, pki: Path) -> tuple[float, Kube]:
    tool = engine_build.ENGINE.folder / "bin"
    kit = build.KITS[build.DEFAULT].folder / "bin"
    kubernetes, socket = str(kit / "kubernetes"), f"{folder}/containerd.sock"
    images.pack(kit / "pause", PAUSE, folder / "pause.tar")
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    start = time.perf_counter()
    run = _Runner(folder)
    run("etcd", kubernetes, "etcd", f"--data-dir={folder}/etcd", "--log-level=warn")
    run("apiserver", kubernetes, "kube-apiserver", *_flag_api_server(pki))
    holder = run(
        "holder",
        *("unshare", "--mount", "--uts", "--propagation=private", "/bin/sh", "-euc", _HOLD),
        *("sh", str(folder)),
    )
    inside = ("nsenter", f"--target={holder}", "--mount", "--uts", "--")
    path = f"PATH={tool}:{programs.SYSTEM_PATH}"
    settings = f"--config={folder}/containerd.toml"
    wait_until(lambda: _is_held(holder), _PATIENCE_S, "the namespaces")
    run("containerd", *inside, "env", path, str(tool / "containerd"), settings)
    kube = Kube(ADDRESS, context, network=Path("/run/netns", NETNS))
    wait_until(lambda: _is_ready(kube), _PATIENCE_S, "the API server", 0.05)
    for name in ("kube-controller-manager", "kube-scheduler"):
        run(name, kubernetes, name, *_flag_asking(folder, pki, name))
    ctr = (*inside, str(tool / "ctr"), f"--address={socket}", "--namespace=k8s.io")
    given = (*ctr, "images", "import", f"{folder}/pause.tar")
    wait_until(lambda: run.ends_well(*given), _PATIENCE_S, "containerd", 0.05)
    kubelet = (f"--config={folder}/kubelet.json", f"--kubeconfig={folder}/kubelet.kubeconfig")
    place = (f"--root-dir={folder}/kubelet", f"--hostname-override={NODE}", f"--node-ip={ADDRESS}")
    run("kubelet", *inside, "env", path, kubernetes, "kubelet", *kubelet, *place)
    wait_until(lambda: _is_node(kube, ready=False), _PATIENCE_S, "the node", 0.05)
    run("proxy", *inside, kubernetes, "kube-proxy", f"--config={folder}/proxy.json")
    wait_until(lambda: _is_node(kube, ready=True), _PATIENCE_S, "a ready node", 0.05)
    return time.perf_counter() - start, kube


class _Runner:
    """Starts programs in the network namespace and the control group."""

    def __init__(self, folder: Path) -> None:
        doors = [str(door) for door in control_groups.list_doors(GROUP)]
        join = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"'
        self._folder = folder
        self._before = [
            *("nsenter", f"--net=/run/netns/{NETNS}"),
            *("/bin/sh", "-c", join, "sh", *doors, "--"),
        ]

    def __call__(self, name: str, *words: str) -> int:
        with (self._folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [*self._before, *words],
                env=programs.plain_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return started.pid

    def ends_well(self, *words: str) -> bool:
        done = programs.run([*self._before, *words], programs.plain_environment())
        return done.code == 0


def _connect() -> None:
    _ip("netns", "delete", NETNS, check=False)
    _ip("netns", "add", NETNS)
    for words in (
        ("link", "set", "lo", "up"),
        ("link", "add", "node", "type", "veth", "peer", "name", "nobody"),
        ("address", "add", f"{ADDRESS}/24", "dev", "node"),
        ("link", "set", "node", "up"),
        ("link", "set", "nobody", "up"),
        ("route", "add", "default", "dev", "node"),
    ):
        _ip("-n", NETNS, *words)
    _ip("netns", "exec", NETNS, "sysctl", "-qw", "net.ipv4.ip_forward=1")


def _ip(*words: str, check: bool = True) -> None:
    done = programs.run(["ip", *words], programs.plain_environment())
    if check:
        programs.succeed(done)


def _is_held(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "sleep"


def _is_ready(kube: Kube) -> bool:
    try:
        # Its text is "ok", which is no JSON; the rights of administrators come after all else.
        return bool(kube.ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"))
    except (OSError, AssertionError, http.client.HTTPException):
        kube.close()
        return False


def _is_node(kube: Kube, *, ready: bool) -> bool:
    for node in kube.ask("GET", "/api/v1/nodes")["items"]:
        told = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
        return not ready or told.get("Ready") == "True"
    return False


def _certify(pki: Path) -> Path:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251
    authority = ensure_authority(pki, "ca", "hand-ca", now)
    for name, subject in {
        "apiserver": Subject("kube-apiserver", names=(ADDRESS, "10.253.0.1"), serves=True),
        "admin": Subject("admin", ("system:masters",)),
        "kubelet": Subject(f"system:node:{NODE}", ("system:nodes",)),
        "kube-controller-manager": Subject("system:kube-controller-manager"),
        "kube-scheduler": Subject("system:kube-scheduler"),
        "kube-proxy": Subject("system:kube-proxy"),
    }.items():
        ensure_certificate(authority, name, subject, now)
    key = ec.generate_private_key(ec.SECP256R1())
    secret = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (pki / "accounts.key").write_bytes(key.private_bytes(*secret))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (pki / "accounts.pub").write_bytes(public)
    return pki


def _flag_api_server(pki: Path) -> list[str]:
    return [
        *(f"--advertise-address={ADDRESS}", "--secure-port=443", f"--etcd-servers={_ETCD}"),
        *(f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key"),
        *(f"--client-ca-file={pki}/ca.crt", "--authorization-mode=Node,RBAC"),
        "--enable-admission-plugins=NodeRestriction",
        *(f"--kubelet-client-certificate={pki}/admin.crt", f"--kubelet-client-key={pki}/admin.key"),
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={pki}/accounts.key",
        f"--service-account-key-file={pki}/accounts.pub",
    ]


def _flag_asking(folder: Path, pki: Path, name: str) -> list[str]:
    flags = [f"--kubeconfig={folder}/{name}.kubeconfig", "--leader-elect=false"]
    if name == "kube-controller-manager":
        flags += [f"--service-account-private-key-file={pki}/accounts.key"]
        flags += [f"--root-ca-file={pki}/ca.crt", "--use-service-account-credentials"]
    return flags


def _write_settings(folder: Path, pki: Path) -> None:
    for name in ("kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        config = kubeconfigs.render_for_program(_API, pki / "ca.crt", Pair(pki, name))
        (folder / f"{name}.kubeconfig").write_text(config)
    for name, value in _WANTED.items():
        (folder / Path(name).name).write_text(f"{value}\n")
    cri = "io.containerd.cri.v1"
    (folder / "cni").mkdir()
    (folder / "containerd.toml").write_text(f"""version = 3
root = "{folder}/containerd"
state = "{folder}/run"
oom_score = 0
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
[debug]
level = "warn"
[plugins.'{cri}.images'.pinned_images]
sandbox = "{PAUSE}"
[plugins.'{cri}.runtime']
restrict_oom_score_adj = true
disable_apparmor = true
[plugins.'{cri}.runtime'.cni]
bin_dirs = ["{engine_build.ENGINE.folder}/bin"]
conf_dir = "{folder}/cni"
""")
    ranges = [[{"subnet": PODS}]]
    ipam = {"type": "host-local", "ranges": ranges, "dataDir": f"{folder}/addresses"}
    routes = {"routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": "ptp", "ipam": {**ipam, **routes}}
    network = {"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(network))
    _write(folder / "kubelet.json", _describe_kubelet(folder, pki))
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{folder}/kube-proxy.kubeconfig"},
        "hostnameOverride": NODE,
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
    _write(folder / "proxy.json", proxy)


def _describe_kubelet(folder: Path, pki: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": f"{pki}/ca.crt"},
        },
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "volumePluginDir": f"{folder}/plugins",
        "podLogsDir": f"{folder}/logs",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": GROUP,
        "featureGates": {"KubeletInUserNamespace": True},
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
    }


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document))
