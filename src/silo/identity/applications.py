"""Applications: what a developer registers; the service principal is what may then sign in."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from silo import core

from .directory import ObjectType, find_service_principal, select_objects
from .directory_errors import ObjectConflict, ObjectNotFound
from .objects import delete_object, insert_object, update_object
from .tables import applications, directory_objects, identifier_uris, service_principals


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application."""

    id: str
    display_name: str
    created: datetime
    app_id: str
    identifier_uris: tuple[str, ...]
    properties: Mapping[str, Any]


APPLICATION_QUERY = select_objects(applications)


def _read_application(row: Any, uris: tuple[str, ...]) -> Application:
    return Application(
        id=row.id,
        display_name=row.display_name,
        created=row.created,
        app_id=row.app_id,
        identifier_uris=uris,
        properties=row.properties,
    )


def create_application(
    conn: core.Connection,
    *,
    display_name: str,
    now: datetime,
    identifier_uris: tuple[str, ...] = (),
    properties: Mapping[str, Any] | None = None,
) -> Application:
    """Register an application.

    Raises:
        ObjectConflict: an identifier URI belongs to another application.

    """
    object_id = insert_object(conn, ObjectType.APPLICATION, display_name, now, properties)
    conn.execute(applications.insert().values(object_id=object_id, app_id=str(uuid.uuid4())))
    _put_identifier_uris(conn, object_id, identifier_uris)
    return get_application(conn, object_id)


def find_application(conn: core.Connection, app_id_or_oid: str) -> Application | None:
    """Return the application with this application id or object id, or None."""
    key = app_id_or_oid.casefold()
    condition = sa.or_(applications.c.app_id == key, applications.c.object_id == key)
    row = conn.execute(APPLICATION_QUERY.where(condition)).first()
    return _read_application(row, list_identifier_uris(conn, row.id)) if row else None


def list_applications(conn: core.Connection) -> tuple[Application, ...]:
    """Return every application, in two queries."""
    uris: dict[str, list[str]] = {}
    for row in conn.execute(sa.select(identifier_uris).order_by(identifier_uris.c.uri)):
        uris.setdefault(row.object_id, []).append(row.uri)
    rows = conn.execute(APPLICATION_QUERY)
    return tuple(_read_application(row, tuple(uris.get(row.id, ()))) for row in rows)


def get_application(conn: core.Connection, app_id_or_oid: str) -> Application:
    """Return an application.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    application = find_application(conn, app_id_or_oid)
    if application is None:
        raise ObjectNotFound(f"Resource '{app_id_or_oid}' was not found.")
    return application


def find_application_by_uri(conn: core.Connection, uri: str) -> Application | None:
    """Return the application that is identified by a URI (an audience), or None."""
    query = sa.select(identifier_uris.c.object_id)
    object_id = conn.scalar(query.where(identifier_uris.c.uri_key == uri.casefold()))
    return find_application(conn, object_id) if object_id else None


def update_application(conn: core.Connection, application: Application) -> None:
    """Store changed names, identifier URIs and properties; the principal's name follows.

    Raises:
        ObjectConflict: an identifier URI belongs to another application.

    """
    update_object(conn, application.id, application.display_name, application.properties)
    _put_identifier_uris(conn, application.id, application.identifier_uris)
    principal = find_service_principal(conn, application.app_id)
    if principal is not None:
        conn.execute(
            directory_objects.update()
            .where(directory_objects.c.id == principal.id)
            .values(display_name=application.display_name)
        )


def delete_application(conn: core.Connection, object_id: str) -> None:
    """Remove an application for good, and its service principal with it.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    application = get_application(conn, object_id)
    condition = service_principals.c.app_id == application.app_id
    principal = conn.scalar(sa.select(service_principals.c.object_id).where(condition))
    if principal is not None:
        delete_object(conn, principal)
    delete_object(conn, application.id)


def list_identifier_uris(conn: core.Connection, object_id: str) -> tuple[str, ...]:
    """Return the URIs that identify an application."""
    query = sa.select(identifier_uris.c.uri).where(identifier_uris.c.object_id == object_id)
    return tuple(conn.scalars(query.order_by(identifier_uris.c.uri)))


def _put_identifier_uris(conn: core.Connection, object_id: str, uris: tuple[str, ...]) -> None:
    table = identifier_uris
    conn.execute(table.delete().where(table.c.object_id == object_id))
    for key, uri in {uri.casefold(): uri for uri in uris}.items():
        if conn.execute(sa.select(table).where(table.c.uri_key == key)).first():
            raise ObjectConflict(
                "Another object with the same value for property identifierUris already exists."
            )
        conn.execute(table.insert().values(uri_key=key, uri=uri, object_id=object_id))
