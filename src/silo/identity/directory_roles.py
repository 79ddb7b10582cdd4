"""Directory roles: who may do what to the directory itself. Entra's roles, ids and action names.

They have nothing to do with Azure's roles on resources: a Global Administrator may read no
registry, and an Owner of the subscription may create no user.

Source: learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from silo import core

from .directory import ObjectType, find_type
from .directory_errors import ObjectConflict, ObjectNotFound, PropertyInvalid
from .tables import directory_role_assignments as assignments
from .tables import service_principals, users


@dataclass(frozen=True, slots=True)
class DirectoryRole:
    """A role and the actions it allows; a ``*`` stands for the rest of the action."""

    id: str
    """Entra's template id, the same in every tenant."""
    display_name: str
    description: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A directory role in somebody's hands."""

    id: str
    role_id: str
    principal_id: str


READ = (
    "users/standard/read",
    "groups/standard/read",
    "applications/standard/read",
    "servicePrincipals/standard/read",
    "oAuth2PermissionGrants/standard/read",
    "organization/standard/read",
    "domains/standard/read",
    "roleDefinitions/standard/read",
    "roleAssignments/standard/read",
)
"""What every member of an Entra tenant may read."""
_REPORTS = ("signInReports/allProperties/read", "auditLogs/allProperties/read")
_GROUPS = (
    "groups/create",
    "groups/basic/update",
    "groups/members/update",
    "groups/owners/update",
    "groups/delete",
)
_USERS = (
    "users/create",
    "users/basic/update",
    "users/userPrincipalName/update",
    "users/enable",
    "users/disable",
    "users/password/update",
    "users/invalidateAllRefreshTokens",
    "users/delete",
)
_APPLICATIONS = ("applications/*", "servicePrincipals/*")

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
PRIVILEGED_AUTHENTICATION_ADMINISTRATOR = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
APPLICATION_DEVELOPER = "cf1c38e5-3621-4004-a7cb-879624dced7c"

ROLES = {
    role.id: role
    for role in (
        DirectoryRole(
            GLOBAL_ADMINISTRATOR,
            "Global Administrator",
            "Can manage all aspects of the directory.",
            ("*",),
        ),
        DirectoryRole(
            PRIVILEGED_ROLE_ADMINISTRATOR,
            "Privileged Role Administrator",
            "Can manage role assignments in the directory.",
            (*READ, "roleAssignments/allProperties/allTasks"),
        ),
        DirectoryRole(
            PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
            "Privileged Authentication Administrator",
            "Can reset the password and end the sessions of any user, administrators included.",
            (*READ, "users/password/update", "users/invalidateAllRefreshTokens"),
        ),
        DirectoryRole(
            "fe930be7-5e62-47db-91af-98c3a49a38b1",
            "User Administrator",
            "Can manage all aspects of users and groups, except administrators.",
            (*READ, *_USERS, *_GROUPS),
        ),
        DirectoryRole(
            "729827e3-9c14-49f7-bb1b-9608f156bbb8",
            "Helpdesk Administrator",
            "Can reset passwords for non-administrators.",
            (*READ, "users/password/update", "users/invalidateAllRefreshTokens"),
        ),
        DirectoryRole(
            "fdd7a751-b60b-444a-984c-02652fe8fa1c",
            "Groups Administrator",
            "Can create and manage groups.",
            (*READ, *_GROUPS),
        ),
        DirectoryRole(
            "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
            "Application Administrator",
            "Can create and manage all aspects of applications and service principals.",
            (*READ, *_APPLICATIONS),
        ),
        DirectoryRole(
            "158c047a-c907-4556-b7ef-446551a6b5f7",
            "Cloud Application Administrator",
            "Can create and manage all aspects of applications and service principals.",
            (*READ, *_APPLICATIONS),
        ),
        DirectoryRole(
            APPLICATION_DEVELOPER,
            "Application Developer",
            "Can register applications and manage those it owns.",
            (*READ, "applications/createAsOwner"),
        ),
        DirectoryRole(
            "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
            "Directory Readers",
            "Can read basic directory information. Made for service principals.",
            READ,
        ),
        DirectoryRole(
            "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
            "Global Reader",
            "Can read everything that a Global Administrator can, and change nothing.",
            (*READ, *_REPORTS),
        ),
        DirectoryRole(
            "5d6b6bb7-de71-4623-b4af-96380a352509",
            "Security Reader",
            "Can read the directory, the sign-in log and the audit log.",
            (*READ, *_REPORTS),
        ),
        DirectoryRole(
            "4a5d8f65-41da-4de4-8968-e035b65339cf",
            "Reports Reader",
            "Can read the sign-in log and the audit log.",
            _REPORTS,
        ),
    )
}


def assign_directory_role(conn: core.Connection, role_id: str, principal_id: str) -> RoleAssignment:
    """Give a directory role to a user or service principal.

    Raises:
        ObjectNotFound: the role or the principal does not exist.
        PropertyInvalid: a group or an application cannot hold it.
        ObjectConflict: the principal has it already.

    """
    if role_id not in ROLES:
        raise ObjectNotFound(f"Role definition '{role_id}' was not found.")
    kind = find_type(conn, principal_id)
    if kind is None:
        raise ObjectNotFound(f"Resource '{principal_id}' was not found.")
    if kind not in {ObjectType.USER, ObjectType.SERVICE_PRINCIPAL}:
        raise PropertyInvalid("Directory roles are given to users and service principals only.")
    if role_id in list_directory_roles(conn, principal_id):
        raise ObjectConflict(
            "A conflicting object with one or more of the specified property values is present in"
            " the directory."
        )
    assignment = RoleAssignment(str(uuid.uuid4()), role_id, principal_id)
    conn.execute(
        assignments.insert().values(id=assignment.id, role_id=role_id, object_id=principal_id)
    )
    core.bump_generation(conn)
    return assignment


def remove_directory_role(conn: core.Connection, assignment_id: str) -> None:
    """Take a directory role away.

    Raises:
        ObjectNotFound: there is no such assignment.

    """
    condition = assignments.c.id == assignment_id.casefold()
    if not conn.execute(assignments.delete().where(condition)).rowcount:
        raise ObjectNotFound(f"Role assignment '{assignment_id}' was not found.")
    core.bump_generation(conn)


def keep_an_administrator(conn: core.Connection) -> None:
    """Refuse a change after which nobody could give directory roles any more.

    Raises:
        PropertyInvalid: no enabled account is a Global Administrator.

    """
    enabled = sa.union(
        sa.select(users.c.object_id).where(users.c.account_enabled),
        sa.select(service_principals.c.object_id).where(service_principals.c.account_enabled),
    )
    condition = sa.and_(
        assignments.c.role_id == GLOBAL_ADMINISTRATOR, assignments.c.object_id.in_(enabled)
    )
    if conn.execute(sa.select(assignments.c.id).where(condition)).first() is None:
        raise PropertyInvalid("At least one enabled Global Administrator must remain.")


def list_directory_roles(conn: core.Connection, principal_id: str) -> frozenset[str]:
    """Return the template ids of the roles a principal holds."""
    condition = assignments.c.object_id == principal_id
    return frozenset(conn.scalars(sa.select(assignments.c.role_id).where(condition)))


def list_role_assignments(conn: core.Connection) -> tuple[RoleAssignment, ...]:
    """Return every directory role in anybody's hands."""
    rows = conn.execute(sa.select(assignments).order_by(assignments.c.id))
    return tuple(RoleAssignment(row.id, row.role_id, row.object_id) for row in rows)
