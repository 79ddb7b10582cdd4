"""App routing: the class of ingress that AKS has, and the proxy behind it. Pure but for clearing.

The proxy is a program of Silo's around Caddy; namespace, class and service are called as on AKS,
where it is nginx.
"""

from collections.abc import Mapping
from typing import Any

from .api import Api

IMAGE = "localhost/silo/ingress:1"
CLASS = "webapprouting.kubernetes.azure.com"
NAMESPACE = "app-routing-system"
INGRESS_CONTROLLERS = ("AnnotationControlled", "External", "Internal", "None")
"""What the service in front of the proxy may be, in AKS's words; the first where nobody says."""
_NAME = "nginx"
_INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
_LABELS = {"app": _NAME, "app.kubernetes.io/managed-by": "aks-app-routing-operator"}
_ROLE = "rbac.authorization.k8s.io"
_SPACE = f"/api/v1/namespaces/{NAMESPACE}"
_PLAIN, _SECURE, _HEALTH = 8080, 8443, 10254


def list_objects(controller: str) -> dict[str, Mapping[str, Any]]:
    """Return the objects by their paths, in the order in which they are made."""
    if controller in {"", INGRESS_CONTROLLERS[-1]}:
        return {}
    role = f"/apis/{_ROLE}/v1/clusterroles/{CLASS}"
    objects: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        (_SPACE, "v1", "Namespace", {}),
        (f"{_SPACE}/serviceaccounts/{_NAME}", "v1", "ServiceAccount", {}),
        (role, f"{_ROLE}/v1", "ClusterRole", _role()),
        (
            f"/apis/{_ROLE}/v1/clusterrolebindings/{CLASS}",
            *(f"{_ROLE}/v1", "ClusterRoleBinding", _bind()),
        ),
        (
            f"/apis/networking.k8s.io/v1/ingressclasses/{CLASS}",
            *("networking.k8s.io/v1", "IngressClass", {"spec": {"controller": f"{CLASS}/{_NAME}"}}),
        ),
        (f"{_SPACE}/services/{_NAME}", "v1", "Service", {"spec": _service()}),
        (
            f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{_NAME}",
            *("apps/v1", "Deployment", {"spec": _deployment()}),
        ),
    )
    made: dict[str, Mapping[str, Any]] = {}
    for path, version, kind, body in objects:
        metadata: dict[str, Any] = {"name": path.rpartition("/")[2], "labels": dict(_LABELS)}
        if kind == "Namespace":
            metadata["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
        if kind == "Service" and controller == "Internal":
            metadata["annotations"] = {_INTERNAL: "true"}
        made[path] = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    return made


async def clear(api: Api, controller: str) -> None:
    """Take it away where it is not wanted any more, but for its namespace; repeatable.

    The class goes last: as long as it is there, something may be left.
    """
    if list_objects(controller):
        return
    everything = list_objects(INGRESS_CONTROLLERS[0])
    known = f"/apis/networking.k8s.io/v1/ingressclasses/{CLASS}"
    found = await api.find(known)
    if found is None or _LABELS.items() - (found["metadata"].get("labels") or {}).items():
        return
    for path in reversed([path for path in everything if path not in {known, _SPACE}]):
        await api.delete(path)
    await api.delete(known)


def _role() -> dict[str, Any]:
    look = ["get", "list", "watch"]
    return {
        "rules": [
            {"apiGroups": [""], "resources": ["services", "secrets"], "verbs": look},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": look},
            {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": look},
            {
                "apiGroups": ["networking.k8s.io"],
                "resources": ["ingresses/status"],
                "verbs": ["patch"],
            },
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
        ]
    }


def _bind() -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": _ROLE, "kind": "ClusterRole", "name": CLASS},
        "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": NAMESPACE}],
    }


def _service() -> dict[str, Any]:
    ports = (("http", 80), ("https", 443))
    return {
        "type": "LoadBalancer",
        # As on AKS: who asks is seen.
        "externalTrafficPolicy": "Local",
        "selector": {"app": _NAME},
        "ports": [
            {"name": name, "port": port, "protocol": "TCP", "targetPort": name}
            for name, port in ports
        ],
    }


def _deployment() -> dict[str, Any]:
    return {
        "replicas": 1,
        "selector": {"matchLabels": {"app": _NAME}},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "template": {"metadata": {"labels": _LABELS}, "spec": _pod()},
    }


def _pod() -> dict[str, Any]:
    ports = {"http": _PLAIN, "https": _SECURE, "health": _HEALTH}
    return {
        "serviceAccountName": _NAME,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 20,
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": _NAME,
                "image": IMAGE,
                "imagePullPolicy": "Never",
                # Caddy keeps nothing; it asks for a place all the same.
                "env": [{"name": "HOME", "value": "/tmp"}],  # noqa: S108 - the pod's own
                "resources": {
                    "limits": {"memory": "512Mi"},
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                },
                "ports": [
                    {"name": name, "containerPort": port, "protocol": "TCP"}
                    for name, port in ports.items()
                ],
                "readinessProbe": {**_probe("/readyz"), "periodSeconds": 1},
                "livenessProbe": {**_probe("/livez"), "periodSeconds": 10},
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}}],
    }


def _probe(path: str) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "health"}, "failureThreshold": 3}
