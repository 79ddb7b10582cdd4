"""What the provider is given by the rest of the house."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from silo import arm, core, kube


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process has; the doors run no clusters."""

    resources: arm.Resources
    domain: str
    tenant: str
    """Whose people may sign in to clusters."""
    issuers: str
    """Below which address the public issuers of clusters' tokens are."""
    unavailable: Callable[[], str]
    """Why no cluster can be run here; nothing when one can."""
    machine: kube.Size
    kits: Mapping[str, kube.Kit]
    """The versions that are here."""
    locate: Callable[[str], kube.ClusterPaths]
    lease_public: Callable[[core.Connection, str], str]
    release: Callable[[core.Connection, str], None]
    """Takes back every address of a cluster."""
    reserved: Sequence[IPv4Network] = ()
    """What pods and services cannot have: pods reach others by it."""
    clusters: Callable[[], kube.Clusters] | None = None
    """In the control process alone."""
