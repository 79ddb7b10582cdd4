"""Microsoft.Authorization: roles, who has them where, and what that allows.

Locks belong to the same namespace and are declared by the room that enforces them.
"""

from collections.abc import Callable, Sequence

from silo import access, arm

from .check_access import AccessChecks
from .provider_operations import EMPTY_LISTS, ProviderOperations
from .role_assignments import RoleAssignments
from .role_definitions import RoleDefinitions


def provider(
    resources: arm.Resources,
    authorizer: access.Authorizer,
    list_declared: Callable[[], Sequence[arm.Operation]],
) -> arm.Provider:
    """Return the declaration; ``list_declared`` says what the whole application serves."""
    return arm.Provider(
        namespace="Microsoft.Authorization",
        operations=(
            *RoleAssignments(resources).list_operations(),
            *RoleDefinitions(resources).list_operations(),
            *AccessChecks(resources, authorizer).list_operations(),
            *ProviderOperations(authorizer, list_declared).list_operations(),
            *EMPTY_LISTS,
        ),
    )
