"""metrics-server in a cluster: ``kubectl top`` and the HorizontalPodAutoscaler ask it.

As upstream deploys it, but that nobody's certificate is taken on trust: kubelets' and its own are
the cluster's authority's.
"""

import base64
from collections.abc import Mapping
from typing import Any

from .certificates import Pair

IMAGE = "localhost/silo/metrics-server:0.9.0"
SERVICE = "metrics-server"
HOST = f"{SERVICE}.kube-system.svc"
"""Whom the API server asks for, by the certificate."""
_PORT = 10250
_LABELS = {"k8s-app": SERVICE}
_CORE = "/api/v1/namespaces/kube-system"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_RBAC_VERSION = "rbac.authorization.k8s.io/v1"
_ROLE = "rbac.authorization.k8s.io"
_AUTHORITY = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
_READER = "system:aggregated-metrics-reader"


def list_objects(own: Pair, authority: Pair) -> dict[str, Mapping[str, Any]]:
    """Return the objects by their paths, in the order in which they are made."""
    in_system = f"{_RBAC}/namespaces/kube-system/rolebindings/metrics-server-auth-reader"
    delegator = f"{_RBAC}/clusterrolebindings/metrics-server:system:auth-delegator"
    objects: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        (f"{_CORE}/serviceaccounts/{SERVICE}", "v1", "ServiceAccount", {}),
        (f"{_RBAC}/clusterroles/{_READER}", _RBAC_VERSION, "ClusterRole", _reader()),
        (f"{_RBAC}/clusterroles/system:{SERVICE}", _RBAC_VERSION, "ClusterRole", _role()),
        (
            f"{_RBAC}/clusterrolebindings/system:{SERVICE}",
            *(_RBAC_VERSION, "ClusterRoleBinding", _bind("ClusterRole", f"system:{SERVICE}")),
        ),
        (
            delegator,
            *(_RBAC_VERSION, "ClusterRoleBinding", _bind("ClusterRole", "system:auth-delegator")),
        ),
        (
            in_system,
            *(_RBAC_VERSION, "RoleBinding"),
            _bind("Role", "extension-apiserver-authentication-reader"),
        ),
        (f"{_CORE}/secrets/{SERVICE}-tls", "v1", "Secret", _secret(own)),
        (f"{_CORE}/services/{SERVICE}", "v1", "Service", {"spec": _service()}),
        (
            f"/apis/apps/v1/namespaces/kube-system/deployments/{SERVICE}",
            *("apps/v1", "Deployment", {"spec": _deployment()}),
        ),
        (
            "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            *("apiregistration.k8s.io/v1", "APIService", {"spec": _api(authority)}),
        ),
    )
    return {
        path: {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": path.rpartition("/")[2], "labels": _label(path)},
            **body,
        }
        for path, version, kind, body in objects
    }


def _label(path: str) -> dict[str, str]:
    if not path.endswith(_READER):
        return _LABELS
    # Who may see a namespace's pods may see what they use.
    roles = ("view", "edit", "admin")
    return {**_LABELS, **{f"{_ROLE}/aggregate-to-{role}": "true" for role in roles}}


def _reader() -> dict[str, Any]:
    verbs = ["get", "list", "watch"]
    return {
        "rules": [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": verbs}]
    }


def _role() -> dict[str, Any]:
    return {
        "rules": [
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
            {
                "apiGroups": [""],
                "resources": ["pods", "nodes"],
                "verbs": ["get", "list", "watch"],
            },
        ]
    }


def _bind(kind: str, role: str) -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": _ROLE, "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": SERVICE, "namespace": "kube-system"}],
    }


def _secret(own: Pair) -> dict[str, Any]:
    data = {
        "tls.crt": _encode(own.certificate.read_bytes()),
        "tls.key": _encode(own.key.read_bytes()),
    }
    return {"type": "kubernetes.io/tls", "data": data}


def _service() -> dict[str, Any]:
    port = {"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}
    return {"selector": _LABELS, "ports": [port]}


def _api(authority: Pair) -> dict[str, Any]:
    return {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "service": {"name": SERVICE, "namespace": "kube-system", "port": 443},
        "caBundle": _encode(authority.certificate.read_bytes()),
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }


def _deployment() -> dict[str, Any]:
    return {
        "replicas": 1,
        "selector": {"matchLabels": _LABELS},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "template": {"metadata": {"labels": _LABELS}, "spec": _pod()},
    }


def _pod() -> dict[str, Any]:
    return {
        "serviceAccountName": SERVICE,
        "priorityClassName": "system-cluster-critical",
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "securityContext": {
            "runAsNonRoot": True,
            "fsGroup": 65535,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": SERVICE,
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "args": [
                    f"--secure-port={_PORT}",
                    "--tls-cert-file=/certificates/tls.crt",
                    "--tls-private-key-file=/certificates/tls.key",
                    "--kubelet-preferred-address-types=InternalIP",
                    f"--kubelet-certificate-authority={_AUTHORITY}",
                    "--metric-resolution=15s",
                ],
                "resources": {
                    "limits": {"memory": "300Mi"},
                    "requests": {"cpu": "50m", "memory": "70Mi"},
                },
                "ports": [{"name": "https", "containerPort": _PORT, "protocol": "TCP"}],
                "readinessProbe": {**_probe("/readyz"), "periodSeconds": 5},
                "livenessProbe": {**_probe("/livez"), "periodSeconds": 10},
                "volumeMounts": [
                    {"name": "certificates", "mountPath": "/certificates", "readOnly": True}
                ],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
            }
        ],
        "volumes": [
            {
                "name": "certificates",
                "secret": {"secretName": f"{SERVICE}-tls", "defaultMode": 0o440},
            }
        ],
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "https", "scheme": "HTTPS"}, "failureThreshold": 6}


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
