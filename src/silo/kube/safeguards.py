"""What an API server keeps safe by.

Secrets are encrypted in its database, pods held to a standard, and a log says who did what; the
flags besides are those that the CIS benchmark of Kubernetes asks for.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from silo import core

from .api import Api
from .paths import ClusterPaths
from .plans import ClusterPlan

POD_SECURITY_LEVELS = ("baseline", "restricted")
"""Pod Security Standards that a cluster may hold its pods to; the first where nobody says."""
_SYSTEM = "kube-system"
OWN_USER = "silo"
"""Who Silo is to a cluster's API."""
_SECRETS = "/api/v1/secrets"
_LOG_MB, _LOGS = 16, 3
"""The most that the log takes, in files of which the newest is ``audit.log``."""
_CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)


def write_files(plan: ClusterPlan, paths: ClusterPaths) -> None:
    """Write what the API server reads."""
    paths.audit.mkdir(mode=0o700, parents=True, exist_ok=True)
    locate_log(paths).touch(mode=0o600)
    _ensure_key(_locate_encryption(paths), plan.rotation)
    documents = {"admission.json": _describe_admission(plan), "audit.json": _describe_audit()}
    for name, document in documents.items():
        core.write_private(paths.config / name, json.dumps(document).encode())


def flag_api_server(paths: ClusterPaths) -> dict[str, str]:
    """Return the API server's flags."""
    return {
        "admission-control-config-file": str(paths.config / "admission.json"),
        "audit-log-maxbackup": str(_LOGS - 1),
        "audit-log-maxsize": str(_LOG_MB),
        "audit-log-path": str(locate_log(paths)),
        "audit-policy-file": str(paths.config / "audit.json"),
        "enable-admission-plugins": "NodeRestriction",
        "encryption-provider-config": str(_locate_encryption(paths)),
        "profiling": "false",
        # Tokens of service accounts end when they say so, and with the pod that they are bound to.
        "service-account-extend-token-expiration": "false",
        "service-account-lookup": "true",
        "tls-cipher-suites": ",".join(_CIPHERS),
        "tls-min-version": "VersionTLS12",
    }


def list_objects(plan: ClusterPlan) -> dict[str, Mapping[str, Any]]:
    """Return the objects that hold what every cluster has to the first of the levels."""
    kinds = ("enforce", "audit", "warn")
    labels = {f"pod-security.kubernetes.io/{kind}": POD_SECURITY_LEVELS[0] for kind in kinds}
    if plan.pod_security == POD_SECURITY_LEVELS[0]:
        return {}
    metadata = {"name": _SYSTEM, "labels": labels}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    return {f"/api/v1/namespaces/{_SYSTEM}": namespace}


async def encrypt_anew(api: Api, paths: ClusterPaths) -> None:
    """Have every secret encrypted with the newest key, and forget the others; repeatable."""
    path = _locate_encryption(paths)
    keys = _read_keys(path)
    if len(keys) == 1:
        return
    found, _ = await api.list(_SECRETS)
    for one in found:
        where = one["metadata"]
        # Written as it is, it is encrypted anew; one that changed meanwhile has been already.
        item = f"/api/v1/namespaces/{where['namespace']}/secrets/{where['name']}"
        await api.amend(item, {"metadata": {"resourceVersion": where["resourceVersion"]}})
    _write_keys(path, keys[:1])


def locate_log(paths: ClusterPaths) -> Path:
    """Return the newest file of the log; others beside it are older."""
    return paths.audit / "audit.log"


def _locate_encryption(paths: ClusterPaths) -> Path:
    return paths.config / "encryption.json"


def _ensure_key(path: Path, rotation: int) -> None:
    """Have secrets encrypted before they are written, with a key of this rotation.

    The keys before it are kept as long as something may be encrypted with them.
    """
    keys = _read_keys(path)
    name = f"key{rotation + 1}"
    if not keys or keys[0]["name"] != name:
        made = {"name": name, "secret": base64.b64encode(secrets.token_bytes(32)).decode()}
        _write_keys(path, [made, *keys])


def _read_keys(path: Path) -> list[dict[str, str]]:
    try:
        (rule,) = json.loads(path.read_text())["resources"]
    except FileNotFoundError:
        return []
    keys: list[dict[str, str]] = rule["providers"][0]["secretbox"]["keys"]
    return keys


def _write_keys(path: Path, keys: list[dict[str, str]]) -> None:
    box = {"secretbox": {"keys": keys}}
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [box, {"identity": {}}]}],
    }
    core.write_private(path, json.dumps(document).encode())


def _describe_admission(plan: ClusterPlan) -> dict[str, Any]:
    """Have pods keep to a Pod Security Standard, unless their namespace says more.

    A pod with more rights is root of its node, and of every pod on it.
    """
    kinds = ("enforce", "audit", "warn")
    defaults = dict.fromkeys(kinds, plan.pod_security)
    versions = {f"{kind}-version": "latest" for kind in kinds}
    security = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {**defaults, **versions},
        # For the pods of commands, which mount a program of their node.
        "exemptions": {"usernames": [OWN_USER]},
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": security}],
    }


def _describe_audit() -> dict[str, Any]:
    """Log who asked for what and the answer, never what was in it.

    Kubernetes' own programs are left out, and what a cluster does by the second to keep alive.
    """
    quiet = ("/healthz*", "/livez*", "/readyz*", "/version", "/openapi*", "/api", "/api/*", "/apis")
    own = ("kube-scheduler", "kube-controller-manager", "kube-proxy", "apiserver")
    groups = ("system:nodes", f"system:serviceaccounts:{_SYSTEM}")
    reads = ["get", "list", "watch"]
    rules: list[dict[str, Any]] = [
        {"level": "None", "users": [f"system:{name}" for name in own]},
        {"level": "None", "userGroups": list(groups)},
        {"level": "None", "users": [OWN_USER], "verbs": reads},
        {"level": "None", "userGroups": ["system:serviceaccounts"], "verbs": reads},
        {"level": "None", "nonResourceURLs": [*quiet, "/apis/*"]},
        {
            "level": "None",
            "resources": [
                {"group": "coordination.k8s.io", "resources": ["leases"]},
                {"group": "", "resources": ["events"]},
                {"group": "events.k8s.io", "resources": ["events"]},
            ],
        },
        {"level": "Metadata"},
    ]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": rules,
    }
