"""Who decides what the people of a directory may do in a cluster: Silo, asked with every request.

Silo is asked first, and about people of the directory alone. What it refuses no role binding
allows: that is how somebody disabled is out at once. Where it has no opinion Kubernetes' own roles
decide.
"""

import json
from typing import Any

from silo import core

from .authentication import OBJECT_ID, Directory
from .paths import ClusterPaths
from .plans import ClusterPlan

_CACHE, _ANSWER = "10s", "5s"
"""How long a decision is remembered, and waited for; who is disabled is out within a minute."""


def write_files(plan: ClusterPlan, paths: ClusterPaths, directory: Directory | None) -> None:
    """Write what the API server reads about who decides."""
    if plan.sign_in is None or directory is None:
        return
    documents = {
        "authorization.json": _describe(paths),
        "authorizer.kubeconfig": _describe_authorizer(directory, plan.uid),
    }
    for name, document in documents.items():
        core.write_private(paths.config / name, json.dumps(document, indent=1).encode())


def flag_api_server(plan: ClusterPlan, paths: ClusterPaths) -> dict[str, str]:
    """Return the API server's flags about who decides."""
    if plan.sign_in is None:
        return {"authorization-mode": "Node,RBAC"}
    return {"authorization-config": str(paths.config / "authorization.json")}


def _describe(paths: ClusterPaths) -> dict[str, Any]:
    kubeconfig = str(paths.config / "authorizer.kubeconfig")
    webhook = {
        "authorizedTTL": _CACHE,
        "unauthorizedTTL": _CACHE,
        "timeout": _ANSWER,
        "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1",
        "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": kubeconfig},
        "matchConditions": [
            {"expression": f"has(request.extra) && '{OBJECT_ID}' in request.extra"}
        ],
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [
            {"type": "Webhook", "name": "silo", "webhook": webhook},
            {"type": "Node", "name": "node"},
            {"type": "RBAC", "name": "rbac"},
        ],
    }


def _describe_authorizer(directory: Directory, uid: str) -> dict[str, Any]:
    cluster = {
        "server": directory.authorizer.format(uid),
        "certificate-authority": str(directory.authority),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "silo", "cluster": cluster}],
        "users": [{"name": "cluster", "user": {"token": directory.make_token(uid)}}],
        "contexts": [{"name": "silo", "context": {"cluster": "silo", "user": "cluster"}}],
        "current-context": "silo",
    }
