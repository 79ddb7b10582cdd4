"""What is kept of a group beside what the client said: sealed secrets, and how it is to run."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from silo import arm, core, engine

from .properties import ContainerGroup
from .sealing import HIDDEN, join_secrets, open_secrets


@dataclass(frozen=True, slots=True)
class Wish:
    """How one group is to run."""

    revision: int = 1
    """Counts what makes the containers start afresh; other writes leave them alone."""
    wanted: engine.Wanted = "running"
    level: str = engine.Level.SANDBOX.value
    sealed: str = ""
    public_address: str = ""
    router: str = "default"
    subnet: str = ""
    address: str = ""
    """Wanted in the subnet."""
    ipv6: str = ""
    """That of version 6 there: of groups that came when the subnet had such a prefix."""
    dns_servers: Sequence[str] = ()
    """Of the virtual network, where the group has no ``dnsConfig``; as of its last write."""
    fqdn: str = ""
    shares: Mapping[str, str] = field(default_factory=dict)
    """By name of the volume: the share's folder. Keys are checked when the group is written; what
    is mounted stays so when they are made anew, as in Azure."""

    def store(self) -> dict[str, Any]:
        """Return it as it is kept in the document."""
        return asdict(self)


def read_wish(resource: arm.Resource) -> Wish:
    """Return what is kept beside a stored group."""
    kept: Mapping[str, Any] = resource.properties.get(HIDDEN) or {}
    return Wish(**kept)


def read_group(resource: arm.Resource, vault: core.Vault) -> ContainerGroup:
    """Return a stored group as it was asked for, secrets included."""
    shown = ContainerGroup.model_validate(
        {name: value for name, value in resource.properties.items() if name != HIDDEN}
    )
    return join_secrets(shown, open_secrets(vault, read_wish(resource).sealed, resource.uid))
