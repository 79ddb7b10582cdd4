"""What the directory knows of those who sign in: look-ups for the issuer and for decisions.

Functions of a connection, so they see the transaction they run in: what was disabled or removed
a moment ago is disabled or gone here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from silo import access, core

from .directory_errors import ObjectNotFound, PrincipalDisabled
from .tables import (
    directory_objects,
    groups,
    memberships,
    service_principals,
    tenants,
    users,
)


class ObjectType(StrEnum):
    """Kinds of directory objects, as in Graph's ``#microsoft.graph.user``."""

    USER = "user"
    GROUP = "group"
    APPLICATION = "application"
    SERVICE_PRINCIPAL = "servicePrincipal"


class ServicePrincipalType(StrEnum):
    """Graph's ``servicePrincipalType``."""

    APPLICATION = "Application"
    MANAGED_IDENTITY = "ManagedIdentity"


@dataclass(frozen=True, slots=True)
class User:
    """A person's account."""

    id: str
    display_name: str
    created: datetime
    user_principal_name: str
    account_enabled: bool
    password_hash: str
    """argon2id; check it with ``verify_password``, in a thread."""
    last_password_change: datetime
    force_change_password: bool
    """The next sign-in with the password must change it first."""
    sign_in_sessions_valid_from: datetime
    """Tokens and refresh tokens issued before this time are void."""
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """What an application or a managed identity is in this tenant."""

    id: str
    display_name: str
    created: datetime
    app_id: str
    account_enabled: bool
    type: ServicePrincipalType
    resource_id: str
    """The ARM id of the managed identity; empty for an application."""
    sign_in_sessions_valid_from: datetime
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """A set of principals, other groups included."""

    id: str
    display_name: str
    created: datetime
    mail_nickname: str
    security_enabled: bool
    properties: Mapping[str, Any]


def select_objects(table: sa.Table) -> sa.Select[Any]:
    """Return a query over one kind of object: what all have, then what this kind has."""
    shared = (directory_objects.c[name] for name in ("id", "display_name", "created", "properties"))
    own = (column for column in table.c if column.name != "object_id")
    return sa.select(*shared, *own).select_from(directory_objects.join(table))


USER_QUERY = select_objects(users)
SERVICE_PRINCIPAL_QUERY = select_objects(service_principals)
GROUP_QUERY = select_objects(groups)


def read_user(row: Any) -> User:
    """Return the user in a row of ``USER_QUERY``."""
    return User(
        id=row.id,
        display_name=row.display_name,
        created=row.created,
        user_principal_name=row.user_principal_name,
        account_enabled=row.account_enabled,
        password_hash=row.password_hash,
        last_password_change=row.last_password_change,
        force_change_password=row.force_change_password,
        sign_in_sessions_valid_from=row.sign_in_sessions_valid_from,
        properties=row.properties,
    )


def read_service_principal(row: Any) -> ServicePrincipal:
    """Return the service principal in a row of ``SERVICE_PRINCIPAL_QUERY``."""
    return ServicePrincipal(
        id=row.id,
        display_name=row.display_name,
        created=row.created,
        app_id=row.app_id,
        account_enabled=row.account_enabled,
        type=ServicePrincipalType(row.type),
        resource_id=row.resource_id,
        sign_in_sessions_valid_from=row.sign_in_sessions_valid_from,
        properties=row.properties,
    )


def read_group(row: Any) -> Group:
    """Return the group in a row of ``GROUP_QUERY``."""
    return Group(
        id=row.id,
        display_name=row.display_name,
        created=row.created,
        mail_nickname=row.mail_nickname,
        security_enabled=row.security_enabled,
        properties=row.properties,
    )


def find_user(conn: core.Connection, upn_or_oid: str) -> User | None:
    """Return the user with this ``userPrincipalName`` or object id, or None."""
    key = upn_or_oid.casefold()
    column = users.c.upn_key if "@" in key else users.c.object_id
    row = conn.execute(USER_QUERY.where(column == key)).first()
    return read_user(row) if row else None


def find_service_principal(conn: core.Connection, app_id_or_oid: str) -> ServicePrincipal | None:
    """Return the service principal with this application id or object id, or None."""
    key = app_id_or_oid.casefold()
    condition = sa.or_(service_principals.c.app_id == key, service_principals.c.object_id == key)
    row = conn.execute(SERVICE_PRINCIPAL_QUERY.where(condition)).first()
    return read_service_principal(row) if row else None


def find_group(conn: core.Connection, object_id: str) -> Group | None:
    """Return the group with this object id, or None."""
    condition = groups.c.object_id == object_id.casefold()
    row = conn.execute(GROUP_QUERY.where(condition)).first()
    return read_group(row) if row else None


def find_type(conn: core.Connection, object_id: str) -> ObjectType | None:
    """Return what kind of object an id is, or None."""
    condition = directory_objects.c.id == object_id.casefold()
    text = conn.scalar(sa.select(directory_objects.c.type).where(condition))
    return ObjectType(text) if text else None


def get_principal(conn: core.Connection, object_id: str) -> access.Principal:
    """Return a user or service principal as it stands now, with all its groups.

    Raises:
        ObjectNotFound: it does not exist, or cannot sign in (a group, an application).
        PrincipalDisabled: its account is disabled.

    """
    found: User | ServicePrincipal | None = None
    match find_type(conn, object_id):
        case ObjectType.USER:
            found = find_user(conn, object_id)
        case ObjectType.SERVICE_PRINCIPAL:
            found = find_service_principal(conn, object_id)
    if found is None:
        raise ObjectNotFound(f"The account '{object_id}' does not exist in this directory.")
    if not found.account_enabled:
        raise PrincipalDisabled("The account is disabled.")
    is_user = isinstance(found, User)
    return access.Principal(
        object_id=found.id,
        tenant_id=conn.execute(sa.select(tenants.c.id)).scalar_one(),
        type=access.PrincipalType.USER if is_user else access.PrincipalType.SERVICE_PRINCIPAL,
        name=found.user_principal_name if isinstance(found, User) else found.app_id,
        groups=list_transitive_groups(conn, found.id),
        app_id="" if isinstance(found, User) else found.app_id,
    )


def list_transitive_groups(conn: core.Connection, object_id: str) -> frozenset[str]:
    """Return the ids of every group an object is in, directly or through groups; ends on cycles."""
    start = sa.select(memberships.c.group_id).where(memberships.c.member_id == object_id)
    found = start.cte("found", recursive=True)
    # UNION, not UNION ALL: a group met twice is not followed again.
    found = found.union(
        sa.select(memberships.c.group_id).where(memberships.c.member_id == found.c.group_id)
    )
    return frozenset(conn.scalars(sa.select(found.c.group_id)))


def list_transitive_members(conn: core.Connection, group_id: str) -> frozenset[str]:
    """Return the ids of everything inside a group, nested groups and their members included."""
    start = sa.select(memberships.c.member_id).where(memberships.c.group_id == group_id)
    found = start.cte("found", recursive=True)
    found = found.union(
        sa.select(memberships.c.member_id).where(memberships.c.group_id == found.c.member_id)
    )
    return frozenset(conn.scalars(sa.select(found.c.member_id)))


def list_types(conn: core.Connection, object_ids: Iterable[str]) -> dict[str, ObjectType]:
    """Return the kind of each of these objects that exists."""
    condition = directory_objects.c.id.in_([each.casefold() for each in object_ids])
    rows = conn.execute(
        sa.select(directory_objects.c.id, directory_objects.c.type).where(condition)
    )
    return {row.id: ObjectType(row.type) for row in rows}
