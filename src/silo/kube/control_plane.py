"""The control plane of a cluster: its certificates, its configuration, its four programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from silo import core

from . import (
    authentication,
    authorization,
    certificates,
    issuing,
    kubeconfigs,
    metering,
    pod_identity,
    safeguards,
)
from .authentication import Directory
from .binaries import Kit
from .certificates import Pair, Subject
from .errors import StepFailed
from .paths import ClusterPaths
from .plans import API_PORT, DOMAIN, RESOLVER, ClusterPlan
from .processes import InNetwork, Process

ETCD, API_SERVER = "etcd", "kube-apiserver"
CONTROLLERS, SCHEDULER = "kube-controller-manager", "kube-scheduler"
_LOOPBACK = "127.0.0.1"
_ETCD_CLIENTS, _ETCD_PEERS = f"https://{_LOOPBACK}:2379", f"https://{_LOOPBACK}:2380"
Flags = Mapping[str, str | tuple[str, ...]]
"""By their names; some may be given more than once."""
_LOCAL_API = f"https://{_LOOPBACK}:{API_PORT}"
_SEES_NAMES = """
mounts=$(cat /proc/self/mounts)
while read -r device place type options _; do
  case $device:$type:,$options, in
    /dev/loop*:ext4:*,noinit_itable,*)
      umount --no-canonicalize --lazy "$(printf %b "$place")" || : ;;
  esac
done <<EOF
$mounts
EOF
mount --bind "$1" "$2"
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Authorities:
    """They trust nothing of one another: who may ask the API, etcd, or for somebody else."""

    cluster: Pair
    etcd: Pair
    front: Pair
    people: Pair
    """Of the certificates that administrators are given."""


def ensure_authorities(paths: ClusterPaths, now: datetime) -> Authorities:
    """Return the cluster's authorities, made at the first start."""
    return Authorities(
        certificates.ensure_authority(paths.pki, "ca", "silo-cluster-ca", now),
        certificates.ensure_authority(paths.pki, "etcd-ca", "silo-etcd-ca", now),
        certificates.ensure_authority(paths.pki, "front-proxy-ca", "silo-front-proxy-ca", now),
        certificates.ensure_authority(
            paths.pki, authentication.LOCAL_ACCOUNTS, "silo-local-accounts-ca", now
        ),
    )


def require_stored(plan: ClusterPlan, paths: ClusterPaths) -> None:
    """Found no empty cluster in place of one that was there.

    Its folder without a database in it tells it too, so it is made where it is not.

    Raises:
        StepFailed: what the cluster stored is gone.

    """
    if paths.etcd.exists() or not (plan.was_up or paths.state.exists()):
        return
    paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    raise StepFailed("What the cluster stored is not here; restore it, or delete the cluster.")


def prepare(
    plan: ClusterPlan, paths: ClusterPaths, now: datetime, directory: Directory | None = None
) -> None:
    """Write everything that the programs read; what is there and fits stays."""
    # The database's folder comes with the cluster's own: see ``require_stored``.
    for folder in (paths.etcd, paths.state, paths.pki, paths.config, paths.disks, paths.run):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    authorities = ensure_authorities(paths, now)
    for name, subject in _list_subjects(plan).items():
        certificates.ensure_certificate(authorities.cluster, name, subject, now)
    etcd = Subject("etcd", names=(_LOOPBACK, "localhost"), serves=True)
    certificates.ensure_certificate(authorities.etcd, "etcd", etcd, now)
    certificates.ensure_certificate(authorities.etcd, "etcd-client", Subject("kube-apiserver"), now)
    certificates.ensure_certificate(
        authorities.front, "front-proxy-client", Subject("front-proxy-client"), now
    )
    issuing.ensure_keys(paths, plan.signing)
    for name in (CONTROLLERS, SCHEDULER):
        config = kubeconfigs.render_for_program(
            _LOCAL_API, authorities.cluster.certificate, Pair(paths.pki, name)
        )
        core.write_private(paths.config / f"{name}.kubeconfig", config.encode())
    safeguards.write_files(plan, paths)
    authentication.write_files(plan, paths, directory)
    authorization.write_files(plan, paths, directory)
    core.write_private(_locate_resolver(paths), f"nameserver {RESOLVER}\n".encode())


def list_processes(
    plan: ClusterPlan, kit: Kit, paths: ClusterPaths, network: Path, group: str
) -> tuple[Process, ...]:
    """Return the four programs in the order of their start."""
    flags: dict[str, Flags] = {
        ETCD: _flag_etcd(paths),
        API_SERVER: _flag_api_server(plan, paths),
        CONTROLLERS: _flag_controllers(plan, paths),
        SCHEDULER: _flag_scheduler(paths),
    }
    before = {API_SERVER: _see_names(paths)}
    return tuple(
        Process(
            name,
            (
                *before.get(name, ()),
                *(str(kit.kubernetes), name),
                *(f"--{key}={value}" for key, values in given.items() for value in _list(values)),
            ),
            InNetwork(network),
            f"{group}/control",
            revision=_digest(paths, name, given),
        )
        for name, given in flags.items()
    )


def _see_names(paths: ClusterPaths) -> tuple[str, ...]:
    """Return the words before a program that has it find the names that nodes find.

    A mount namespace that lives as long as the program, and nothing else is in it. What images of
    shares and volumes are mounted on the machine is let go of, or nobody could unmount them.
    """
    target = Path("/etc/resolv.conf").resolve()
    shell = ("/bin/sh", "-euc", _SEES_NAMES, "sh", str(_locate_resolver(paths)), str(target))
    return ("unshare", "--mount", "--propagation=slave", *shell)


def _locate_resolver(paths: ClusterPaths) -> Path:
    return paths.config / "resolv.conf"


def _list(values: str | tuple[str, ...]) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values


def _digest(paths: ClusterPaths, name: str, flags: Flags) -> str:
    """Return what tells the files that a program reads at its start from others of the name."""
    given = (value for values in flags.values() for value in _list(values))
    named = {Path(value) for value in given if value.startswith(str(paths.state))}
    # A kubeconfig names its certificate and does not change with it.
    named.add(Pair(paths.pki, name).certificate)
    # What it writes is not what it reads.
    named.discard(safeguards.locate_log(paths))
    return certificates.digest(path for path in named if path.is_file())


def _list_subjects(plan: ClusterPlan) -> dict[str, Subject]:
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    names = (
        *service,
        f"kubernetes.default.svc.{DOMAIN}",
        plan.fqdn,
        *((plan.private_fqdn,) if plan.private_fqdn else ()),
        plan.api_service,
        plan.address,
        *((plan.public_address,) if plan.public_address else ()),
        _LOOPBACK,
    )
    return {
        API_SERVER: Subject("kube-apiserver", names=names, serves=True, asks=False),
        "apiserver-kubelet-client": Subject("kube-apiserver-kubelet-client", ("system:masters",)),
        CONTROLLERS: Subject("system:kube-controller-manager"),
        SCHEDULER: Subject("system:kube-scheduler"),
        "silo": Subject("silo", ("system:masters",)),
        metering.SERVICE: Subject(
            metering.SERVICE, names=(metering.HOST,), serves=True, asks=False
        ),
    }


def _flag_etcd(paths: ClusterPaths) -> dict[str, str]:
    own, authority = Pair(paths.pki, "etcd"), Pair(paths.pki, "etcd-ca")
    tls = {
        "cert-file": str(own.certificate),
        "key-file": str(own.key),
        "client-cert-auth": "true",
        "trusted-ca-file": str(authority.certificate),
    }
    peers = {f"peer-{name}": value for name, value in tls.items()}
    return {
        "name": "silo",
        "data-dir": str(paths.etcd),
        "listen-client-urls": _ETCD_CLIENTS,
        "advertise-client-urls": _ETCD_CLIENTS,
        "listen-peer-urls": _ETCD_PEERS,
        "initial-advertise-peer-urls": _ETCD_PEERS,
        "initial-cluster": f"silo={_ETCD_PEERS}",
        **tls,
        **peers,
        "log-level": "warn",
    }


def _flag_api_server(plan: ClusterPlan, paths: ClusterPaths) -> Flags:
    pki = paths.pki
    own, kubelet = Pair(pki, API_SERVER), Pair(pki, "apiserver-kubelet-client")
    front, etcd = Pair(pki, "front-proxy-client"), Pair(pki, "etcd-client")
    authority = str(Pair(pki, "ca").certificate)
    return {
        "advertise-address": plan.address,
        "bind-address": "0.0.0.0",  # noqa: S104 - of its own namespace
        "secure-port": str(API_PORT),
        "tls-cert-file": str(own.certificate),
        "tls-private-key-file": str(own.key),
        **authentication.flag_api_server(plan, paths),
        **authorization.flag_api_server(plan, paths),
        **safeguards.flag_api_server(paths),
        "allow-privileged": "true",
        "etcd-servers": _ETCD_CLIENTS,
        "etcd-cafile": str(Pair(pki, "etcd-ca").certificate),
        "etcd-certfile": str(etcd.certificate),
        "etcd-keyfile": str(etcd.key),
        "kubelet-certificate-authority": authority,
        "kubelet-client-certificate": str(kubelet.certificate),
        "kubelet-client-key": str(kubelet.key),
        # By name it would ask DNS, which knows no nodes.
        "kubelet-preferred-address-types": "InternalIP",
        "service-cluster-ip-range": str(plan.services),
        **issuing.flag_api_server(plan, paths),
        **pod_identity.flag_api_server(plan),
        "requestheader-client-ca-file": str(Pair(pki, "front-proxy-ca").certificate),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": str(front.certificate),
        "proxy-client-key-file": str(front.key),
        # The control plane has no part in the pods' service network.
        "enable-aggregator-routing": "true",
    }


def _flag_controllers(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, str]:
    authority = Pair(paths.pki, "ca")
    return {
        **_flag_asking(paths, CONTROLLERS),
        "allocate-node-cidrs": "true",
        "cluster-cidr": str(plan.pods),
        "node-cidr-mask-size": "24",
        "service-cluster-ip-range": str(plan.services),
        "cluster-signing-cert-file": str(authority.certificate),
        "cluster-signing-key-file": str(authority.key),
        "root-ca-file": str(authority.certificate),
        "service-account-private-key-file": str(paths.pki / "service-accounts.key"),
        "use-service-account-credentials": "true",
    }


def _flag_scheduler(paths: ClusterPaths) -> dict[str, str]:
    return _flag_asking(paths, SCHEDULER)


def _flag_asking(paths: ClusterPaths, name: str) -> dict[str, str]:
    config = str(paths.config / f"{name}.kubeconfig")
    return {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": _LOOPBACK,
        "leader-elect": "false",
        "profiling": "false",
    }
