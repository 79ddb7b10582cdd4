"""Microsoft.ManagedIdentity: identities that need no secret, and the issuers they trust."""

from silo import arm

from .operations import (
    Identities,
    check_credential,
    check_identity,
    delete_identity,
    write_identity,
)
from .properties import FederatedIdentityCredential, UserAssignedIdentity

_NAMESPACE = "Microsoft.ManagedIdentity"
_VERSIONS = ("2025-05-31-preview", "2025-01-31-preview", "2024-11-30", "2023-01-31", "2018-11-30")


def provider(resources: arm.Resources) -> arm.Provider:
    """Return the declaration."""
    identities = Identities(resources)
    user_assigned: arm.ResourceType[UserAssignedIdentity] = arm.ResourceType(
        name="userAssignedIdentities",
        properties=UserAssignedIdentity,
        api_versions=_VERSIONS,
        check=check_identity,
        on_write=write_identity,
        on_delete=delete_identity,
        has_state=False,
        name_pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
        actions=(
            arm.Action(
                "listAssociatedResources",
                identities.list_associated,
                coverage="partly: no $filter, $orderby, $top, $skip",
            ),
        ),
    )
    credentials: arm.ResourceType[FederatedIdentityCredential] = arm.ResourceType(
        name="userAssignedIdentities/federatedIdentityCredentials",
        properties=FederatedIdentityCredential,
        api_versions=_VERSIONS,
        located=False,
        check=check_credential,
        on_write=identities.write_credential,
        on_delete=identities.delete_credential,
        tracked=False,
        has_state=False,
        patchable=False,
        name_pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}",
    )
    system_assigned = arm.Operation(
        f"{_NAMESPACE}/identities/read",
        "GET",
        f"{{scope}}/providers/{_NAMESPACE}/identities/default",
        identities.get_system_assigned,
    )
    return arm.Provider(_NAMESPACE, (user_assigned, credentials), (system_assigned,))
