"""The codes that ARM answers with when a resource cannot have the identities it asks for."""

from collections.abc import Sequence

from silo import arm, core


class FailedIdentityOperation(arm.ArmError):
    """An identity that is to be assigned does not exist."""

    code = "FailedIdentityOperation"

    def __init__(self, resource_id: str, identity_id: str) -> None:
        super().__init__(
            f"Identity operation for resource '{resource_id}' failed with error 'Failed to "
            "perform resource identity operation. Status: 'BadRequest'. Response: "
            f"'Resource '{identity_id}' was not found.''."
        )


class MissingIdentityIds(arm.ArmError):
    """The type says UserAssigned, and no identity is named."""

    code = "MissingIdentityIds"

    def __init__(self) -> None:
        super().__init__(
            "The identity ids must not be null or empty for 'UserAssigned' identity type."
        )


class InvalidIdentityValues(arm.ArmError):
    """Identities are named that the type does not take, or a resource uses one it has not."""

    code = "InvalidIdentityValues"

    def __init__(self, reason: str, identity_ids: Sequence[str]) -> None:
        super().__init__(f"{reason}: {', '.join(identity_ids)}.")


class TicketRefused(core.SiloError):
    """A websocket came with no ticket that opens it."""
