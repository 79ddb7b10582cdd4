"""What people reach a cluster with."""

from datetime import datetime

from . import certificates, kubeconfigs
from .certificates import Pair, Subject
from .paths import ClusterPaths
from .plans import API_PORT


def render_admin(
    paths: ClusterPaths, fqdn: str, cluster: str, user: str, now: datetime
) -> str | None:
    """Return the kubeconfig of an administrator, its certificate issued now and kept nowhere.

    None before the cluster has an authority.
    """
    authority = Pair(paths.pki, "ca")
    if not authority.certificate.exists():
        return None
    subject = Subject(user, ("system:masters",))
    certificate, key = certificates.issue(authority, subject, now)
    return kubeconfigs.render_for_client(
        f"https://{fqdn}:{API_PORT}",
        authority.certificate.read_bytes(),
        cluster=cluster,
        user=user,
        certificate=certificate,
        key=key,
    )
