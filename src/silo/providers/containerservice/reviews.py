"""What an API server asks (SubjectAccessReview), and Azure's names for it. Pure.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization and
https://learn.microsoft.com/azure/aks/manage-azure-rbac; the names of data actions as AKS makes
them (github.com/kubeguard/guard).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from silo import kube

PREFIX = "Microsoft.ContainerService/managedClusters"
_VERBS = {
    "get": "read",
    "list": "read",
    "watch": "read",
    "create": "write",
    "update": "write",
    "patch": "write",
    "delete": "delete",
    "deletecollection": "delete",
    "bind": "bind/action",
    "escalate": "escalate/action",
    "use": "use/action",
    "impersonate": "impersonate/action",
}
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OWN = "system:"
"""What Kubernetes' own users and groups begin with."""


class ReviewUnreadable(ValueError):
    """It is no question about a person of the directory."""


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class _Resource(_Shape):
    namespace: str = ""
    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""


class _Path(_Shape):
    path: str = ""
    verb: str = ""


class _Spec(_Shape):
    resource_attributes: _Resource | None = None
    non_resource_attributes: _Path | None = None
    user: str = ""
    groups: list[str] = Field(default_factory=list)
    extra: dict[str, list[str]] = Field(default_factory=dict)


class _Review(_Shape):
    spec: _Spec


@dataclass(frozen=True, slots=True)
class Question:
    """Whether a person may do something."""

    user: str
    object_id: str
    issued: datetime
    """When the token was."""
    credential: str
    groups: frozenset[str]
    """As the token has them."""
    action: str
    """Azure's data action; nothing where there is no such."""
    namespace: str


def read_review(document: Any) -> Question:
    """Return what is asked.

    Raises:
        ReviewUnreadable: it is no such question.

    """
    try:
        spec = _Review.model_validate(document).spec
    except ValidationError:
        raise ReviewUnreadable("The body is no SubjectAccessReview.") from None
    asked = spec.resource_attributes
    if asked is not None:
        action = name_action(asked.verb, asked.group, asked.resource, asked.subresource)
    else:
        path = spec.non_resource_attributes or _Path()
        action = name_action(path.verb, "", path.path.strip("/"))
    return Question(
        user=spec.user,
        object_id=_find(spec.extra, kube.OBJECT_ID).lower(),
        issued=_read_time(_find(spec.extra, kube.ISSUED)),
        credential=_find(spec.extra, kube.CREDENTIAL, ""),
        groups=frozenset(one.lower() for one in spec.groups if not one.startswith(_OWN)),
        action=action,
        namespace=asked.namespace if asked is not None else "",
    )


def name_action(verb: str, group: str, resource: str, subresource: str = "") -> str:
    """Return Azure's name of what is done to a resource; nothing when it has none."""
    if resource == "pods" and subresource == "exec":
        return f"{PREFIX}/pods/exec/action"
    done = _VERBS.get(verb)
    if done is None or not resource:
        return ""
    return "/".join(part for part in (PREFIX, group, resource, done) if part)


def name_scope(cluster: str, namespace: str) -> str:
    """Return where it is done; nothing for a namespace that cannot be."""
    if not namespace:
        return cluster
    return f"{cluster}/namespaces/{namespace}" if _NAMESPACE.fullmatch(namespace) else ""


def _find(extra: Mapping[str, list[str]], name: str, otherwise: str | None = None) -> str:
    values = extra.get(name, [])
    if len(values) == 1:
        return values[0]
    if otherwise is None or values:
        raise ReviewUnreadable(f"The review does not say '{name}' once.")
    return otherwise


def _read_time(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise ReviewUnreadable("The time of issue is none.") from None
