"""The codes that only Microsoft.ManagedIdentity answers with."""

from silo import arm


class FederatedCredentialConflict(arm.Conflict):
    """The pair of issuer and subject is taken on this identity."""

    code = "FederatedIdentityCredentialConflict"


class FederatedCredentialLimit(arm.ArmError):
    """An identity has at most 20 federated credentials."""

    code = "FederatedIdentityCredentialLimitExceeded"


class IdentityNotFound(arm.ArmError):
    """The resource has no identity of its own."""

    status = 404
    code = "NotFound"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The resource '{scope}' has no system-assigned identity.")
