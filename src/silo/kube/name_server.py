"""CoreDNS in a cluster, as AKS has it: two may run, one does on one node. Pure."""

from collections.abc import Mapping
from typing import Any

from .plans import DOMAIN, ClusterPlan

IMAGE = "localhost/silo/coredns:1.15.0"
_NAMESPACE = "kube-system"
_LABELS = {"k8s-app": "kube-dns"}
_CORE = f"/api/v1/namespaces/{_NAMESPACE}"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_NAMES = f"""
.:53 {{
    errors
    health
    ready
PRIVATE    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }}
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}}
"""


def _render_names(plan: ClusterPlan) -> str:
    """Return the configuration, with the names that lead nowhere but in the cluster."""
    names = " ".join(plan.private_names)
    hosts = f"    hosts {{\n        {plan.address} {names}\n        fallthrough\n    }}\n"
    return _NAMES.lstrip().replace("PRIVATE", hosts if names else "")


def list_objects(plan: ClusterPlan) -> dict[str, Mapping[str, Any]]:
    """Return the objects by their paths, in the order in which they are made."""
    objects: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        (f"{_CORE}/serviceaccounts/coredns", "v1", "ServiceAccount", {}),
        (
            f"{_RBAC}/clusterroles/system:coredns",
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            _role(),
        ),
        (
            f"{_RBAC}/clusterrolebindings/system:coredns",
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            _binding(),
        ),
        (
            f"{_CORE}/configmaps/coredns",
            "v1",
            "ConfigMap",
            {"data": {"Corefile": _render_names(plan)}},
        ),
        (f"{_CORE}/services/kube-dns", "v1", "Service", {"spec": _service(plan)}),
        (
            f"/apis/apps/v1/namespaces/{_NAMESPACE}/deployments/coredns",
            "apps/v1",
            "Deployment",
            {"spec": _deployment()},
        ),
    )
    return {
        path: {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": path.rpartition("/")[2], "labels": _LABELS},
            **body,
        }
        for path, version, kind, body in objects
    }


def _role() -> dict[str, Any]:
    look = ["list", "watch"]
    core = ["endpoints", "services", "pods", "namespaces"]
    return {
        "rules": [
            {"apiGroups": [""], "resources": core, "verbs": look},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": look},
        ]
    }


def _binding() -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:coredns"},
        "subjects": [{"kind": "ServiceAccount", "name": "coredns", "namespace": _NAMESPACE}],
    }


def _service(plan: ClusterPlan) -> dict[str, Any]:
    return {
        "clusterIP": plan.dns_service,
        "selector": _LABELS,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            {"name": "metrics", "port": 9153, "protocol": "TCP"},
        ],
    }


def _deployment() -> dict[str, Any]:
    return {
        "replicas": 1,
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": _pod()},
    }


def _pod() -> dict[str, Any]:
    return {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "containers": [
            {
                "name": "coredns",
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "args": ["-conf", "/etc/coredns/Corefile"],
                "resources": {
                    "limits": {"memory": "170Mi"},
                    "requests": {"cpu": "100m", "memory": "70Mi"},
                },
                "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
                "ports": [
                    {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
                    {"name": "metrics", "containerPort": 9153, "protocol": "TCP"},
                ],
                "livenessProbe": _probe("/health", 8080),
                "readinessProbe": _probe("/ready", 8181),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
            }
        ],
        # As nobody it may not bind port 53 by a capability: that is for root's programs.
        "securityContext": {
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "53"}]
        },
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }


def _probe(path: str, port: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 5, "failureThreshold": 5}
