"""What people reach a cluster with."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from . import authentication, certificates, kubeconfigs
from .certificates import Pair, Subject
from .paths import ClusterPaths
from .plans import API_PORT


def render_admin(
    paths: ClusterPaths, fqdn: str, cluster: str, user: str, now: datetime
) -> str | None:
    """Return the kubeconfig of an administrator, its certificate issued now and kept nowhere.

    None before the cluster has an authority.
    """
    own, people = Pair(paths.pki, "ca"), Pair(paths.pki, authentication.LOCAL_ACCOUNTS)
    if not (own.certificate.exists() and people.certificate.exists()):
        return None
    subject = Subject(user, ("system:masters",))
    certificate, key = certificates.issue(people, subject, now)
    return kubeconfigs.render_for_client(
        f"https://{fqdn}:{API_PORT}",
        own.certificate.read_bytes(),
        cluster=cluster,
        user=user,
        certificate=certificate,
        key=key,
    )


def render_person(
    paths: ClusterPaths, fqdn: str, cluster: str, user: str, program: Mapping[str, Any]
) -> str | None:
    """Return a kubeconfig without a secret: a program signs its user in.

    None before the cluster has an authority.
    """
    own = Pair(paths.pki, "ca")
    if not own.certificate.exists():
        return None
    server, authority = f"https://{fqdn}:{API_PORT}", own.certificate.read_bytes()
    return kubeconfigs.render_for_person(
        server, authority, cluster=cluster, user=user, program=program
    )


def render_token(
    paths: ClusterPaths, within: str, cluster: str, user: str, token: str
) -> str | None:
    """Return the kubeconfig of a pod that speaks for whom the token is about.

    It finds the API server where it is ``within`` the cluster. None before there is an authority.
    """
    own = Pair(paths.pki, "ca")
    if not own.certificate.exists():
        return None
    return kubeconfigs.render_for_token(
        _name_server(within), own.certificate.read_bytes(), cluster=cluster, user=user, token=token
    )


def render_brief_admin(
    paths: ClusterPaths, within: str, cluster: str, user: str, *, now: datetime, life: timedelta
) -> str | None:
    """Return the kubeconfig of a pod that is an administrator for a short while.

    It finds the API server where it is ``within`` the cluster. None before there is an authority.
    """
    own, people = Pair(paths.pki, "ca"), Pair(paths.pki, authentication.LOCAL_ACCOUNTS)
    if not (own.certificate.exists() and people.certificate.exists()):
        return None
    subject = Subject(user, ("system:masters",))
    certificate, key = certificates.issue(people, subject, now, life)
    return kubeconfigs.render_for_client(
        _name_server(within),
        own.certificate.read_bytes(),
        cluster=cluster,
        user=user,
        certificate=certificate,
        key=key,
    )


def _name_server(address: str) -> str:
    # By its address: pods find it that come before the cluster's names, too.
    return f"https://{address}:{API_PORT}"
