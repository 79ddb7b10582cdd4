"""Who asks: the facts about a caller that a decision may use."""

from dataclasses import dataclass
from enum import StrEnum


class PrincipalType(StrEnum):
    """Azure's ``principalType`` of a role assignment."""

    USER = "User"
    GROUP = "Group"
    SERVICE_PRINCIPAL = "ServicePrincipal"
    """Also the principal behind a managed identity, as in Entra."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token or password has been checked, as it stands in the directory now."""

    object_id: str
    """Entra's ``oid``, lower case."""
    tenant_id: str
    type: PrincipalType
    name: str
    """``userPrincipalName`` of a user, application id of a service principal; for the log."""
    groups: frozenset[str] = frozenset()
    """Object ids of every group it is in, nested ones included."""
    app_id: str = ""
    """The client application the token was issued to (``appid``/``azp``)."""
    credential: str = ""
    """Id of the secret or certificate a client signed in with; what it got dies with it."""
    token_scopes: frozenset[str] = frozenset()
    """``scp`` of a delegated token."""

    @property
    def object_ids(self) -> frozenset[str]:
        """The ids an assignment may name to reach this caller."""
        return self.groups | {self.object_id}
