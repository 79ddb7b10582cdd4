"""Role definitions: the built-in ones from this room's data, custom ones from the database."""

import json
from dataclasses import asdict, replace

import sqlalchemy as sa

from silo import core

from .decisions import Permission, RoleDefinition
from .errors import DefinitionBuiltIn, DefinitionHasAssignments, DefinitionNameTaken
from .roles import BUILT_IN_ROLES
from .tables import assignments, definitions

CUSTOM_ROLE = "CustomRole"
"""The ``type`` of roles that are not built in."""


def list_definitions(conn: core.Connection) -> list[RoleDefinition]:
    """Return every role, the built-in ones first."""
    query = sa.select(definitions.c.body).order_by(definitions.c.id)
    return [*BUILT_IN_ROLES.values(), *(_parse(body) for body in conn.scalars(query))]


def find_definition(conn: core.Connection, definition_id: str) -> RoleDefinition | None:
    """Return the role of this GUID, or None."""
    key = definition_id.lower()
    if built_in := BUILT_IN_ROLES.get(key):
        return built_in
    body = conn.scalar(sa.select(definitions.c.body).where(definitions.c.id == key))
    return _parse(body) if body else None


def put_definition(conn: core.Connection, definition: RoleDefinition) -> RoleDefinition:
    """Store a custom role, new or changed, and return it as stored.

    Raises:
        DefinitionBuiltIn: the GUID is a built-in role's.
        DefinitionNameTaken: another role has this name, in whatever case.

    """
    stored = replace(definition, id=definition.id.lower(), type=CUSTOM_ROLE)
    if stored.id in BUILT_IN_ROLES:
        raise DefinitionBuiltIn(BUILT_IN_ROLES[stored.id])
    name = stored.role_name.casefold()
    for other in list_definitions(conn):
        if other.role_name.casefold() == name and other.id != stored.id:
            raise DefinitionNameTaken(other)
    conn.execute(definitions.delete().where(definitions.c.id == stored.id))
    conn.execute(definitions.insert().values(id=stored.id, body=_render(stored)))
    core.bump_generation(conn)
    return stored


def delete_definition(conn: core.Connection, definition_id: str) -> RoleDefinition | None:
    """Remove a custom role and return it; None when there was none.

    Raises:
        DefinitionBuiltIn: built-in roles stay.
        DefinitionHasAssignments: somebody still has this role.

    """
    existing = find_definition(conn, definition_id)
    if existing is None:
        return None
    if existing.id in BUILT_IN_ROLES:
        raise DefinitionBuiltIn(existing)
    used = sa.select(assignments.c.name).where(assignments.c.role_definition_id == existing.id)
    if conn.execute(used.limit(1)).first():
        raise DefinitionHasAssignments(existing)
    conn.execute(definitions.delete().where(definitions.c.id == existing.id))
    core.bump_generation(conn)
    return existing


def _render(definition: RoleDefinition) -> str:
    return json.dumps(asdict(definition), sort_keys=True, separators=(",", ":"))


def _parse(body: str) -> RoleDefinition:
    document = json.loads(body)
    permissions = tuple(
        Permission(**{key: tuple(values) for key, values in permission.items()})
        for permission in document.pop("permissions")
    )
    scopes = tuple(document.pop("assignable_scopes"))
    return RoleDefinition(**document, permissions=permissions, assignable_scopes=scopes)
