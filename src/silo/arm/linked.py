"""Using one resource for another: a subnet for a group, an identity for a registry."""

from .errors import ArmError
from .provider import Call


class LinkedAuthorizationFailed(ArmError):
    """The caller may write the resource, and may not use another one for it."""

    status = 403
    code = "LinkedAuthorizationFailed"

    def __init__(self, call: Call, scope: str, linked: str, action: str) -> None:
        super().__init__(
            f"The client '{call.principal.name}' with object id '{call.principal.object_id}' has "
            f"permission to perform action '{call.action}' on scope '{scope}'; however, it does "
            f"not have permission to perform action(s) '{action}' on the linked scope(s) "
            f"'{linked}' (respectively) or the linked scope(s) are invalid."
        )


def check_linked(call: Call, scope: str, linked: str, action: str) -> None:
    """Refuse to use ``linked`` for what is at ``scope`` when the caller may not.

    Raises:
        LinkedAuthorizationFailed: the action is not the caller's to do.

    """
    if not call.allows(action, linked):
        raise LinkedAuthorizationFailed(call, scope, linked, action)
