"""The codes that only Microsoft.ContainerRegistry answers with."""

from silo import arm


class AlreadyInUse(arm.ArmError):
    """Another registry of this instance has the name."""

    status = 409
    code = "AlreadyInUse"

    def __init__(self, login_server: str) -> None:
        super().__init__(f"The registry DNS name {login_server} is already in use.")


class NotSupported(arm.ArmError):
    """Azure has it, this instance does not yet; nothing was stored."""

    code = "NotSupported"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by this instance yet; nothing was changed.")


class AnonymousPullNotAllowed(arm.ArmError):
    """Every pull has a caller."""

    code = "AnonymousPullNotAllowed"

    def __init__(self) -> None:
        super().__init__(
            "Anonymous pull cannot be enabled: every operation on a registry is authenticated, "
            "authorised and audited. Give AcrPull to an identity instead."
        )


class InvalidSku(arm.ArmError):
    """The tier is none of a registry's, or does not have this feature."""

    code = "InvalidSku"


class CredentialOperationRefused(arm.ArmError):
    """The admin user is off."""

    code = "UnauthorizedForCredentialOperations"

    def __init__(self, registry_id: str) -> None:
        super().__init__(
            f"Cannot perform credential operations for {registry_id} as admin user is disabled. "
            "Kindly enable the admin user as per docs: https://docs.microsoft.com/azure/"
            "container-registry/container-registry-authentication#admin-account"
        )
