"""Groups and who is in them. Groups nest, and a ring of groups is allowed: every walk ends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from silo import core

from .directory import Group, ObjectType, find_group, find_type
from .directory_errors import ObjectConflict, ObjectNotFound, PropertyInvalid
from .objects import delete_object, insert_object, update_object
from .tables import groups, memberships


def create_group(
    conn: core.Connection,
    *,
    display_name: str,
    mail_nickname: str,
    now: datetime,
    properties: Mapping[str, Any] | None = None,
) -> Group:
    """Make a security group; as in Entra, display names need not be unique."""
    object_id = insert_object(conn, ObjectType.GROUP, display_name, now, properties)
    conn.execute(
        groups.insert().values(
            object_id=object_id, mail_nickname=mail_nickname, security_enabled=True
        )
    )
    return get_group(conn, object_id)


def get_group(conn: core.Connection, object_id: str) -> Group:
    """Return a group.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    group = find_group(conn, object_id)
    if group is None:
        raise ObjectNotFound(f"Resource '{object_id}' was not found.")
    return group


def update_group(conn: core.Connection, group: Group) -> None:
    """Store changed names and properties."""
    update_object(conn, group.id, group.display_name, group.properties)
    conn.execute(
        groups.update()
        .where(groups.c.object_id == group.id)
        .values(mail_nickname=group.mail_nickname)
    )


def delete_group(conn: core.Connection, object_id: str) -> None:
    """Remove a group for good; its members stay.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    delete_object(conn, get_group(conn, object_id).id)


def add_member(conn: core.Connection, group_id: str, member_id: str) -> None:
    """Put a user, group or service principal into a group.

    Raises:
        ObjectNotFound: the member does not exist. ObjectConflict: it is a member already.
        PropertyInvalid: it cannot be a member.

    """
    kind = find_type(conn, member_id)
    if kind is None:
        raise ObjectNotFound(f"Resource '{member_id}' was not found.")
    if kind is ObjectType.APPLICATION or member_id == group_id:
        raise PropertyInvalid("The object cannot be added as a member of this group.")
    if member_id in list_members(conn, group_id):
        raise ObjectConflict(
            "One or more added object references already exist for the following modified"
            " properties: 'members'."
        )
    conn.execute(memberships.insert().values(group_id=group_id, member_id=member_id))
    core.bump_generation(conn)


def remove_member(conn: core.Connection, group_id: str, member_id: str) -> None:
    """Take a member out of a group.

    Raises:
        ObjectNotFound: it is no direct member.

    """
    table = memberships
    condition = sa.and_(table.c.group_id == group_id, table.c.member_id == member_id)
    if not conn.execute(table.delete().where(condition)).rowcount:
        raise ObjectNotFound(f"Resource '{member_id}' is not a member of group '{group_id}'.")
    core.bump_generation(conn)


def list_members(conn: core.Connection, group_id: str) -> tuple[str, ...]:
    """Return the ids of the direct members."""
    query = sa.select(memberships.c.member_id).where(memberships.c.group_id == group_id)
    return tuple(conn.scalars(query.order_by(memberships.c.member_id)))


def list_direct_groups(conn: core.Connection, member_id: str) -> tuple[str, ...]:
    """Return the ids of the groups an object is a direct member of."""
    query = sa.select(memberships.c.group_id).where(memberships.c.member_id == member_id)
    return tuple(conn.scalars(query.order_by(memberships.c.group_id)))
