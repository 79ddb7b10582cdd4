"""The built-in roles, by GUID and by name.

The facts (GUID, name, description, patterns) are Azure's own, as its API answered on 2026-08-22 and
as documented at https://learn.microsoft.com/azure/role-based-access-control/built-in-roles. A role
whose facts could not be seen there is left out, never made up.
"""

from collections.abc import Mapping
from types import MappingProxyType

from .decisions import RoleDefinition
from .roles_general import GENERAL_ROLES
from .roles_kubernetes import KUBERNETES_ROLES
from .roles_monitoring import MONITORING_ROLES
from .roles_platform import PLATFORM_ROLES
from .roles_registry import REGISTRY_ROLES
from .roles_storage import STORAGE_ROLES

BUILT_IN_ROLES: Mapping[str, RoleDefinition] = MappingProxyType(
    {
        role.id: role
        for role in (
            *GENERAL_ROLES,
            *REGISTRY_ROLES,
            *KUBERNETES_ROLES,
            *PLATFORM_ROLES,
            *STORAGE_ROLES,
            *MONITORING_ROLES,
        )
    }
)
"""By GUID in lower case."""

ROLE_IDS: Mapping[str, str] = MappingProxyType(
    {role.role_name: role.id for role in BUILT_IN_ROLES.values()}
)
"""GUIDs by role name, for code that has to name a role."""
