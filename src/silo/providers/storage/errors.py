"""The codes that only Microsoft.Storage answers with."""

from silo import arm, storage


class StorageAccountAlreadyTaken(arm.ArmError):
    """Another account of this instance has the name."""

    status = 409
    code = "StorageAccountAlreadyTaken"

    def __init__(self, name: str) -> None:
        super().__init__(f"The storage account named {name} is already taken.")


class InvalidSku(arm.ArmError):
    """The sku is none of Azure's, or not one of this kind."""

    code = "InvalidSku"


class FeatureNotSupported(arm.ArmError):
    """Azure has it, this instance does not yet; nothing was stored."""

    code = "FeatureNotSupported"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not supported by this instance yet; nothing was changed.")


class ShareFault(arm.ArmError):
    """What the file service says of a share, in ARM's shape."""

    def __init__(self, error: storage.StorageError) -> None:
        super().__init__(str(error))
        # One class for all of them: the codes are the data plane's own.
        self.status = error.status  # type: ignore[misc]
        self.code = error.code  # type: ignore[misc]
