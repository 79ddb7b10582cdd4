"""The public issuer of a cluster's tokens, and pods that act as identities by them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from silo import arm, core, kube

from . import errors
from .properties import ManagedCluster, OidcIssuerProfile, SecurityProfile, WorkloadIdentity
from .wish import Wish, read_cluster, read_wish

_TYPE = "Microsoft.ContainerService/managedClusters"


def settle_issuer(
    cluster: ManagedCluster, before: arm.Resource | None, wish: Wish, address: str
) -> tuple[str, Mapping[str, Any]]:
    """Return the issuer, if there is to be one, and what is shown of it and of pods' identities.

    What nothing is said of stays as it is. An issuer keeps the address that it was given first:
    others have written it down.

    Raises:
        ArmError: the issuer shall go, or pods have identities without it.

    """
    had = read_cluster(before).security_profile if before is not None else None
    enabled, identity = _read_enabled(cluster), _read_identity(cluster.security_profile)
    if wish.issuer and enabled is False:
        raise errors.IssuerNotDisabled
    issuer = wish.issuer or (address if enabled else "")
    if identity is None:
        identity = bool(_read_identity(had))
    if identity and not issuer:
        raise errors.IssuerNeeded
    return issuer, {
        "oidc_issuer_profile": OidcIssuerProfile(enabled=bool(issuer), issuerURL=issuer or None),
        "security_profile": SecurityProfile(workload_identity=WorkloadIdentity(enabled=True))
        if identity
        else SecurityProfile(),
    }


@dataclass(frozen=True, slots=True)
class TokenIssuers:
    """The issuers of all clusters, for those who check tokens."""

    resources: arm.Resources
    tenant: str
    address: str
    """Below which all of them are."""
    locate: Callable[[str], kube.ClusterPaths]

    def find_keys(self, issuer: str) -> list[dict[str, Any]] | None:
        """Return the keys of an issuer, none when its cluster is not there; None if not ours."""
        found = self._find(issuer.rstrip("/").rpartition("/")[2])
        # An issuer is older than the address where it is served now, if that has changed.
        if found is not None and read_wish(found).issuer == issuer:
            return kube.read_keys(self.locate(found.uid))
        return [] if issuer.startswith(f"{self.address}/") else None

    def describe(self, tenant: str, uid: str, document: str) -> Mapping[str, Any] | None:
        """Return a public document of a cluster's issuer; None where there is none."""
        found = self._find(uid) if tenant == self.tenant else None
        issuer = read_wish(found).issuer if found is not None else ""
        if found is None or not issuer:
            return None
        keys = kube.read_keys(self.locate(found.uid))
        if not keys:
            return None
        return kube.describe_issuer(issuer) if document == kube.DISCOVERY else {"keys": keys}

    def _find(self, uid: str) -> arm.Resource | None:
        def read(conn: core.Connection) -> arm.Resource | None:
            return self.resources.find_by_uid(conn, uid)

        found = self.resources.store.read_now(read)
        is_cluster = found is not None and found.id.full_type == _TYPE and not found.deleting
        return found if is_cluster else None


def _read_enabled(cluster: ManagedCluster) -> bool | None:
    return cluster.oidc_issuer_profile.enabled if cluster.oidc_issuer_profile else None


def _read_identity(profile: SecurityProfile | None) -> bool | None:
    workload = profile.workload_identity if profile else None
    return workload.enabled if workload else None
