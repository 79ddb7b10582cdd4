"""The codes that subscriptions, groups, tags, locks, deployments and management groups answer with.

400 what is not supported or malformed · 404 what is not there · 409 what stands in the way
"""

from silo import arm


class NotSupported(arm.ArmError):
    """Azure does this; this instance does not, and says so."""

    code = "NotSupported"


class DeploymentsNotSupported(NotSupported):
    """Templates are not read at all."""

    code = "DeploymentsNotSupported"

    def __init__(self) -> None:
        super().__init__(
            "Template deployments are not supported yet. Nothing was deployed. "
            "Create the resources one by one instead."
        )


class DeploymentNotFound(arm.ArmError):
    """No deployment was ever made here."""

    status = 404
    code = "DeploymentNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"Deployment '{name[:100]}' could not be found.")


class ProviderNotFound(arm.ArmError):
    """No provider has this namespace."""

    status = 404
    code = "InvalidResourceNamespace"

    def __init__(self, namespace: str) -> None:
        super().__init__(f"The resource namespace '{namespace[:100]}' is invalid.")


class ScopeNotSupported(arm.ArmError):
    """Locks and tags hang on subscriptions, groups and resources alone."""

    code = "InvalidScope"

    def __init__(self, what: str, scope: str) -> None:
        super().__init__(f"The scope '{scope[:300]}' cannot have {what}.")


class LockNotFound(arm.ArmError):
    """There is no such lock at this scope."""

    status = 404
    code = "LockNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The lock '{name[:100]}' could not be found.")


class ManagementGroupNotFound(arm.ArmError):
    """There is no such management group, or the subscription is not in it."""

    status = 404
    code = "NotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The management group '{name[:100]}' cannot be found.")


class SubscriptionNotInGroup(arm.ArmError):
    """The subscription is under another group."""

    status = 404
    code = "NotFound"

    def __init__(self, subscription: str, group: str) -> None:
        super().__init__(
            f"The subscription '{subscription[:100]}' is not under the management group "
            f"'{group[:100]}'."
        )


class InvalidManagementGroup(arm.ArmError):
    """The tree of management groups cannot have this place."""

    code = "BadRequest"


class ManagementGroupNotEmpty(arm.Conflict):
    """What is in a group must leave first."""

    code = "ManagementGroupNotEmpty"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The management group '{name}' cannot be deleted: it has management groups or "
            "subscriptions in it. Move them first."
        )


class RootManagementGroupFixed(arm.Conflict):
    """The root of the tree stays where it is."""

    code = "RootManagementGroupCannotBeChanged"

    def __init__(self) -> None:
        super().__init__("The tenant root management group can be neither moved nor deleted.")


class HierarchyChanged(arm.Conflict):
    """Somebody moved it between the check and the write."""

    code = "HierarchyChanged"

    def __init__(self) -> None:
        super().__init__("The management group hierarchy was changed meanwhile. Try again.")
