"""The codes that only Microsoft.Authorization answers with.

Source: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting, and what az and
Terraform report of the live service.
"""

from silo import arm


class InvalidRoleAssignmentId(arm.ArmError):
    """The name of an assignment is a GUID."""

    code = "InvalidRoleAssignmentId"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The role assignment ID '{name[:100]}' is not valid. "
            "The role assignment ID must be a GUID."
        )


class RoleAssignmentNotFound(arm.ArmError):
    """There is no such assignment at this scope."""

    status = 404
    code = "RoleAssignmentNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The role assignment '{name[:100]}' is not found.")


class RoleAssignmentExists(arm.Conflict):
    """The principal has this role at this scope already; az then looks the old one up."""

    code = "RoleAssignmentExists"

    def __init__(self, name: str) -> None:
        super().__init__(
            "The role assignment already exists. "
            f"The ID of the existing role assignment is {name.replace('-', '')}."
        )


class RoleAssignmentUpdateNotPermitted(arm.ArmError):
    """An assignment does not become another one."""

    code = "RoleAssignmentUpdateNotPermitted"

    def __init__(self) -> None:
        super().__init__(
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        )


class CannotDeleteLastRbacAdminAssignment(arm.ArmError):
    """Nobody would be left who could give access to the subscription."""

    status = 412
    code = "CannotDeleteLastRbacAdminAssignment"

    def __init__(self) -> None:
        super().__init__("Cannot delete the last RBAC admin assignment.")


class PrincipalNotFound(arm.ArmError):
    """The directory has no such principal."""

    code = "PrincipalNotFound"

    def __init__(self, object_id: str, tenant: str) -> None:
        super().__init__(
            f"Principal {object_id[:100]} does not exist in the directory {tenant}. "
            "Check that you have the correct principal ID."
        )


class InvalidPrincipalType(arm.ArmError):
    """The principal is of a kind that cannot be given a role."""

    code = "InvalidPrincipalType"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The principal type '{kind[:100]}' is not supported: it is none of User, Group and "
            "ServicePrincipal."
        )


class UnmatchedPrincipalType(arm.ArmError):
    """The principal is of another kind than the request says."""

    code = "UnmatchedPrincipalType"

    def __init__(self, object_id: str, actual: str, wanted: str) -> None:
        super().__init__(
            f"The PrincipalId '{object_id}' has type '{actual}', "
            f"which is different from specified PrincipalType '{wanted}'."
        )


class RoleDefinitionDoesNotExist(arm.ArmError):
    """The role that a request names is not there, or may not be assigned at this scope."""

    code = "RoleDefinitionDoesNotExist"

    def __init__(self, definition_id: str) -> None:
        super().__init__(
            f"The specified role definition with ID '{definition_id[:100]}' does not exist."
        )


class RoleDefinitionNotFound(RoleDefinitionDoesNotExist):
    """The role that was asked for is not there."""

    status = 404


class InvalidRoleDefinitionId(arm.ArmError):
    """The name of a role definition is a GUID."""

    code = "InvalidRoleDefinitionId"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The role definition ID '{name[:100]}' is not valid. "
            "The role definition ID must be a GUID."
        )


class RoleDefinitionNotCustom(arm.ArmError):
    """Built-in roles can be neither changed nor removed."""

    code = "RoleDefinitionNotCustom"


class RoleDefinitionWithSameNameExists(arm.Conflict):
    """Names of roles are unique in the tenant."""

    code = "RoleDefinitionWithSameNameExists"

    def __init__(self) -> None:
        super().__init__(
            "A custom role with the same name already exists in this directory. "
            "Use a different name."
        )


class RoleDefinitionHasAssignments(arm.ArmError):
    """A role that somebody has cannot be removed."""

    code = "RoleDefinitionHasAssignments"

    def __init__(self, definition_id: str) -> None:
        super().__init__(
            f"There are existing role assignments referencing role (code: {definition_id})."
        )


class InvalidAssignableScope(arm.ArmError):
    """A custom role may not be assigned there."""

    code = "InvalidAssignableScope"


class InvalidActionOrNotAction(arm.ArmError):
    """A pattern is not the shape of an action."""

    code = "InvalidActionOrNotAction"

    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"'{pattern[:200]}' does not match any of the actions supported by the providers."
        )
