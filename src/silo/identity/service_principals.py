"""Service principals: applications and managed identities as they sign in here."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from silo import core

from .applications import find_application
from .directory import ObjectType, ServicePrincipal, ServicePrincipalType, find_service_principal
from .directory_errors import KeyConflict, ObjectNotFound
from .objects import delete_object, insert_object, round_session_start, update_object
from .tables import THE_BEGINNING, service_principals


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """The two ids of a managed identity."""

    object_id: str
    """ARM's ``principalId``."""
    client_id: str
    """Its application id."""


def create_service_principal(
    conn: core.Connection,
    app_id: str,
    now: datetime,
    *,
    account_enabled: bool = True,
    properties: Mapping[str, Any] | None = None,
) -> ServicePrincipal:
    """Let an application sign in.

    Raises:
        ObjectNotFound: no application has this id. KeyConflict: it can sign in already.

    """
    application = find_application(conn, app_id)
    if application is None or application.app_id != app_id.casefold():
        # Not Entra's words: az retries those for three minutes.
        raise ObjectNotFound(f"No application in this directory has the appId '{app_id}'.")
    if find_service_principal(conn, application.app_id) is not None:
        raise KeyConflict(
            f"The service principal cannot be created, updated, or restored because the service"
            f" principal name {application.app_id} is already in use."
        )
    return _insert(
        conn,
        display_name=application.display_name,
        app_id=application.app_id,
        now=now,
        kind=ServicePrincipalType.APPLICATION,
        account_enabled=account_enabled,
        properties=properties,
    )


def create_managed_identity(
    conn: core.Connection, display_name: str, resource_id: str, now: datetime
) -> ManagedIdentity:
    """Make the principal of a managed identity, for the resource of this ARM id."""
    principal = _insert(
        conn,
        display_name=display_name,
        app_id=str(uuid.uuid4()),
        now=now,
        kind=ServicePrincipalType.MANAGED_IDENTITY,
        resource_id=resource_id,
    )
    return ManagedIdentity(principal.id, principal.app_id)


def delete_managed_identity(conn: core.Connection, object_id: str) -> None:
    """Remove the principal of a managed identity; it can do nothing from here on.

    Raises:
        ObjectNotFound: the id is not a managed identity's.

    """
    principal = get_service_principal(conn, object_id)
    if principal.type is not ServicePrincipalType.MANAGED_IDENTITY:
        raise ObjectNotFound(f"Resource '{object_id}' is not a managed identity.")
    delete_object(conn, principal.id)


def find_managed_identity(conn: core.Connection, resource_id: str) -> ServicePrincipal | None:
    """Return the principal of the managed identity with this ARM id, or None."""
    condition = sa.func.lower(service_principals.c.resource_id) == resource_id.lower()
    query = sa.select(service_principals.c.object_id).where(condition)
    object_id = conn.scalar(query) if resource_id else None
    return find_service_principal(conn, object_id) if object_id else None


def get_service_principal(conn: core.Connection, app_id_or_oid: str) -> ServicePrincipal:
    """Return a service principal.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    principal = find_service_principal(conn, app_id_or_oid)
    if principal is None:
        raise ObjectNotFound(f"Resource '{app_id_or_oid}' was not found.")
    return principal


def update_service_principal(conn: core.Connection, principal: ServicePrincipal) -> None:
    """Store a changed state and properties."""
    update_object(conn, principal.id, principal.display_name, principal.properties)
    conn.execute(
        service_principals.update()
        .where(service_principals.c.object_id == principal.id)
        .values(account_enabled=principal.account_enabled)
    )


def revoke_service_principal_sessions(conn: core.Connection, object_id: str, now: datetime) -> None:
    """Make every token the service principal has void, at once."""
    before = get_service_principal(conn, object_id).sign_in_sessions_valid_from
    conn.execute(
        service_principals.update()
        .where(service_principals.c.object_id == object_id)
        .values(sign_in_sessions_valid_from=round_session_start(now, before))
    )
    core.bump_generation(conn)


def delete_service_principal(conn: core.Connection, object_id: str) -> None:
    """Remove a service principal for good; its application stays.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    delete_object(conn, get_service_principal(conn, object_id).id)


def _insert(
    conn: core.Connection,
    *,
    display_name: str,
    app_id: str,
    now: datetime,
    kind: ServicePrincipalType,
    account_enabled: bool = True,
    resource_id: str = "",
    properties: Mapping[str, Any] | None = None,
) -> ServicePrincipal:
    object_id = insert_object(conn, ObjectType.SERVICE_PRINCIPAL, display_name, now, properties)
    conn.execute(
        service_principals.insert().values(
            object_id=object_id,
            app_id=app_id,
            account_enabled=account_enabled,
            type=kind.value,
            resource_id=resource_id,
            sign_in_sessions_valid_from=THE_BEGINNING,
        )
    )
    return get_service_principal(conn, object_id)
