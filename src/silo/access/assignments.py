"""Role assignments in the database: plain functions inside the caller's transaction."""

from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from silo import core

from .decisions import RoleAssignment
from .errors import AssignmentExists, AssignmentNameTaken
from .scopes import get_scope_key
from .tables import assignments, parents


def insert_assignment(conn: core.Connection, assignment: RoleAssignment) -> RoleAssignment:
    """Store a new assignment, ids in lower case, and return it as stored.

    Raises:
        AssignmentExists: the principal has this role at this very scope already.
        AssignmentNameTaken: the name belongs to another assignment, at whatever scope.
        ValueError: the scope is none.

    """
    stored = replace(
        assignment,
        name=assignment.name.lower(),
        principal_id=assignment.principal_id.lower(),
        role_definition_id=assignment.role_definition_id.lower(),
    )
    key = get_scope_key(stored.scope)
    same = sa.select(assignments).where(
        assignments.c.principal_id == stored.principal_id,
        assignments.c.role_definition_id == stored.role_definition_id,
        assignments.c.scope_key == key,
    )
    if row := conn.execute(same).first():
        raise AssignmentExists(_read(row))
    if existing := find_assignment(conn, stored.name):
        raise AssignmentNameTaken(existing)
    conn.execute(assignments.insert().values(scope_key=key, **asdict(stored)))
    core.bump_generation(conn)
    return stored


def update_assignment(conn: core.Connection, assignment: RoleAssignment) -> None:
    """Store what may change of an assignment: description, condition and who changed it when."""
    conn.execute(
        assignments.update()
        .where(assignments.c.name == assignment.name.lower())
        .values(
            description=assignment.description,
            condition=assignment.condition,
            condition_version=assignment.condition_version,
            updated_on=assignment.updated_on,
            updated_by=assignment.updated_by,
        )
    )
    core.bump_generation(conn)


def find_assignment(conn: core.Connection, name: str) -> RoleAssignment | None:
    """Return the assignment of this name, or None."""
    query = sa.select(assignments).where(assignments.c.name == name.lower())
    row = conn.execute(query).first()
    return _read(row) if row else None


def list_assignments(conn: core.Connection) -> list[RoleAssignment]:
    """Return every assignment, the oldest first."""
    query = sa.select(assignments).order_by(assignments.c.created_on, assignments.c.name)
    return [_read(row) for row in conn.execute(query)]


def delete_assignment(conn: core.Connection, name: str) -> RoleAssignment | None:
    """Remove an assignment and return it; None when there was none."""
    existing = find_assignment(conn, name)
    if existing:
        conn.execute(assignments.delete().where(assignments.c.name == existing.name))
        core.bump_generation(conn)
    return existing


def delete_assignments_within(conn: core.Connection, scope: str) -> int:
    """Remove the assignments at a scope and below it, as when its resource is deleted.

    Otherwise a resource made later under the same name would inherit the rights of the old one.
    """
    key = get_scope_key(scope)
    below = assignments.c.scope_key.startswith(f"{key}/", autoescape=True)
    gone = conn.execute(
        assignments.delete().where(sa.or_(assignments.c.scope_key == key, below))
    ).rowcount
    if gone:
        core.bump_generation(conn)
    return gone


def set_parent(conn: core.Connection, child_scope: str, parent_scope: str) -> None:
    """Put a subscription or management group below a management group."""
    child, parent = get_scope_key(child_scope), get_scope_key(parent_scope)
    conn.execute(parents.delete().where(parents.c.child == child))
    conn.execute(parents.insert().values(child=child, parent=parent))
    core.bump_generation(conn)


def delete_parent(conn: core.Connection, child_scope: str) -> None:
    """Take a subscription or management group out of the tree; only the root is above it then."""
    conn.execute(parents.delete().where(parents.c.child == get_scope_key(child_scope)))
    core.bump_generation(conn)


def list_parents(conn: core.Connection) -> dict[str, str]:
    """Return the scope key above every subscription and management group that has one."""
    return {row.child: row.parent for row in conn.execute(sa.select(parents))}


def _read(row: sa.Row[Any]) -> RoleAssignment:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    del values["scope_key"]
    return RoleAssignment(**values)
