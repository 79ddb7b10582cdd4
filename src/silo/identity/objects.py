"""What every directory object has: its row, its name, its owners, its end."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import core

from .directory import ObjectType, find_type
from .directory_errors import ObjectConflict, ObjectNotFound
from .tables import directory_objects, owners


def insert_object(
    conn: core.Connection,
    kind: ObjectType,
    display_name: str,
    now: datetime,
    properties: Mapping[str, Any] | None = None,
) -> str:
    """Make the row that a user, group, application or service principal hangs on; return its id."""
    object_id = str(uuid.uuid4())
    conn.execute(
        directory_objects.insert().values(
            id=object_id,
            type=kind.value,
            display_name=display_name,
            created=now,
            properties=dict(properties or {}),
        )
    )
    core.bump_generation(conn)
    return object_id


def update_object(
    conn: core.Connection, object_id: str, display_name: str, properties: Mapping[str, Any]
) -> None:
    """Change what all kinds have."""
    conn.execute(
        directory_objects.update()
        .where(directory_objects.c.id == object_id)
        .values(display_name=display_name, properties=dict(properties))
    )
    core.bump_generation(conn)


def delete_object(conn: core.Connection, object_id: str) -> None:
    """Remove an object with its credentials, memberships, owners and roles, for good."""
    conn.execute(directory_objects.delete().where(directory_objects.c.id == object_id))
    core.bump_generation(conn)


def round_session_start(now: datetime, before: datetime) -> datetime:
    """Return the time from which tokens count after a revocation at ``now``.

    A token's ``iat`` has whole seconds, so this is the next one: everything issued before the
    revocation is void, even in the same second. Whoever issues a token within that second writes
    this time as ``iat``; therefore a second revocation in it must come later than the one before.
    """
    second = timedelta(seconds=1)
    return max(now.replace(microsecond=0), before) + second


def add_owner(conn: core.Connection, object_id: str, owner_id: str) -> None:
    """Make a user or service principal an owner of a group, application or service principal.

    Raises:
        ObjectNotFound: the owner is no user or service principal.
        ObjectConflict: it is an owner already.

    """
    if find_type(conn, owner_id) not in {ObjectType.USER, ObjectType.SERVICE_PRINCIPAL}:
        raise ObjectNotFound(f"Resource '{owner_id}' cannot be an owner or was not found.")
    if is_owner(conn, object_id, owner_id):
        raise ObjectConflict(
            "One or more added object references already exist for the following modified"
            " properties: 'owners'."
        )
    conn.execute(owners.insert().values(object_id=object_id, owner_id=owner_id))
    core.bump_generation(conn)


def remove_owner(conn: core.Connection, object_id: str, owner_id: str) -> None:
    """Take ownership away.

    Raises:
        ObjectNotFound: it is no owner.

    """
    condition = sa.and_(owners.c.object_id == object_id, owners.c.owner_id == owner_id)
    if not conn.execute(owners.delete().where(condition)).rowcount:
        raise ObjectNotFound(f"Resource '{owner_id}' is not an owner of '{object_id}'.")
    core.bump_generation(conn)


def is_owner(conn: core.Connection, object_id: str, owner_id: str) -> bool:
    """Tell whether one object owns another."""
    condition = sa.and_(owners.c.object_id == object_id, owners.c.owner_id == owner_id)
    return conn.execute(sa.select(owners).where(condition)).first() is not None


def list_owners(conn: core.Connection, object_id: str) -> tuple[str, ...]:
    """Return the ids of an object's owners."""
    query = sa.select(owners.c.owner_id).where(owners.c.object_id == object_id)
    return tuple(conn.scalars(query.order_by(owners.c.owner_id)))


def list_owned_objects(conn: core.Connection, owner_id: str) -> tuple[str, ...]:
    """Return the ids of what an account owns."""
    query = sa.select(owners.c.object_id).where(owners.c.owner_id == owner_id)
    return tuple(conn.scalars(query.order_by(owners.c.object_id)))
