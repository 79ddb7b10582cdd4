"""Objects of Kubernetes as the tests of networks in clusters describe them."""

from collections.abc import Mapping
from typing import Any

from tools.containers import Image

BETA = "service.beta.kubernetes.io"


def describe_web(image: Image, name: str, namespace: str = "default") -> dict[str, Any]:
    """Return a pod that answers every request with what it sees of it."""
    return _describe_pod(image, name, namespace, "http", "8080")


def describe_client(image: Image, name: str, namespace: str = "default") -> dict[str, Any]:
    """Return a pod to look out of."""
    return _describe_pod(image, name, namespace, "sleep")


def describe_service(
    name: str,
    notes: Mapping[str, str] | None = None,
    *,
    app: str = "web",
    namespace: str = "default",
    kind: str = "LoadBalancer",
    **spec: Any,
) -> dict[str, Any]:
    """Return a service before the pods of an app; the names in notes are those after the slash."""
    annotations = {f"{BETA}/{key}": value for key, value in (notes or {}).items()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "type": kind,
            "selector": {"app": app},
            "ports": [{"port": 80, "targetPort": 8080}],
            **spec,
        },
    }


def describe_ingress(
    name: str, host: str, paths: Mapping[str, str], notes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what leads each path of a host to a service, and its certificate of the same name."""
    backends = [
        {"path": path, "pathType": "Prefix", "backend": _describe_backend(service)}
        for path, service in paths.items()
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "annotations": dict(notes or {})},
        "spec": {
            "ingressClassName": "webapprouting.kubernetes.azure.com",
            "tls": [{"hosts": [host], "secretName": name}],
            "rules": [{"host": host, "http": {"paths": backends}}],
        },
    }


def _describe_backend(service: str) -> dict[str, Any]:
    return {"service": {"name": service, "port": {"number": 80}}}


def _describe_pod(image: Image, name: str, namespace: str, *words: str) -> dict[str, Any]:
    container = {"name": name, "image": image.reference, "command": ["/bin/probe", *words]}
    ready = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{**container, **({"readinessProbe": ready} if "http" in words else {})}],
        },
    }
