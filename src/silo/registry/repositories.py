"""Repositories: their rows, their locks, and how they come and go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from silo import core

from .errors import Locked, NameUnknown
from .tables import links, manifests, references, repositories, tags

VERBS = ("delete", "write", "read", "list")
# Every push pays for this: written out, it skips the building of a statement.
_FIND = """
SELECT id, created, updated, delete_enabled, write_enabled, read_enabled, list_enabled
FROM registry_repositories WHERE registry_uid = ? AND name = ?
"""


@dataclass(frozen=True, slots=True)
class Attributes:
    """ACR's changeable attributes: what may still be done with something."""

    delete: bool = True
    write: bool = True
    read: bool = True
    list: bool = True

    def check_write(self, what: str) -> None:
        """Refuse changing what is locked against it."""
        if not self.write:
            raise Locked(what, "writeEnabled")

    def check_delete(self, what: str) -> None:
        """Refuse deleting what is locked against it; what cannot change cannot go either."""
        if not self.delete:
            raise Locked(what, "deleteEnabled")
        self.check_write(what)


def read_attributes(row: Any) -> Attributes:
    """Return the attributes of a row that has them."""
    return Attributes(row.delete_enabled, row.write_enabled, row.read_enabled, row.list_enabled)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of one registry."""

    id: int
    name: str
    created: str
    updated: str
    attributes: Attributes


def find_repository(conn: core.Connection, registry_uid: str, name: str) -> Repository | None:
    """Return a repository that something was pushed to, or None."""
    row = conn.exec_driver_sql(_FIND, (registry_uid, name)).first()
    if row is None:
        return None
    number, created, updated, *flags = row
    return Repository(number, name, created, updated, Attributes(*map(bool, flags)))


def get_repository(conn: core.Connection, registry_uid: str, name: str) -> Repository:
    """Return a repository.

    Raises:
        NameUnknown: nothing was ever pushed to it.

    """
    found = find_repository(conn, registry_uid, name)
    if found is None:
        raise NameUnknown("The repository name is not known to the registry.", {"name": name})
    return found


def ensure_repository(conn: core.Connection, registry_uid: str, name: str, now: str) -> Repository:
    """Return a repository that may be written to, made if it is new.

    Raises:
        Locked: it is locked against writing.

    """
    found = find_repository(conn, registry_uid, name)
    if found is None:
        conn.execute(
            repositories.insert().values(
                registry_uid=registry_uid, name=name, created=now, updated=now
            )
        )
        found = get_repository(conn, registry_uid, name)
    found.attributes.check_write(f"repository {name}")
    return found


def touch_repository(conn: core.Connection, repository_id: int, now: str) -> None:
    """Remember that something in a repository changed."""
    table = repositories
    conn.execute(table.update().where(table.c.id == repository_id).values(updated=now))


def list_repositories(
    conn: core.Connection, registry_uid: str, *, limit: int, last: str
) -> list[str]:
    """Return names after ``last`` in order: those that hold a manifest and may be listed."""
    table = repositories
    filled = sa.exists().where(manifests.c.repository_id == table.c.id)
    query = (
        sa.select(table.c.name)
        .where(table.c.registry_uid == registry_uid, table.c.name > last)
        .where(table.c.list_enabled, filled)
        .order_by(table.c.name)
        .limit(limit)
    )
    return list(conn.scalars(query))


def count_contents(conn: core.Connection, repository_id: int) -> tuple[int, int]:
    """Return how many manifests and how many tags a repository has."""
    numbers = [
        conn.scalars(
            sa.select(sa.func.count())
            .select_from(table)
            .where(table.c.repository_id == repository_id)
        ).one()
        for table in (manifests, tags)
    ]
    return numbers[0], numbers[1]


def delete_repository(conn: core.Connection, found: Repository) -> tuple[list[str], list[str]]:
    """Remove a repository with all it holds; return digests and tags that are gone.

    Raises:
        Locked: it, or one of its manifests or tags, is locked against deleting.

    """
    found.attributes.check_delete(f"repository {found.name}")
    gone: list[list[str]] = []
    for table, column in ((manifests, manifests.c.digest), (tags, tags.c.name)):
        rows = conn.execute(
            sa.select(column.label("label"), *[table.c[f"{verb}_enabled"] for verb in VERBS])
            .where(table.c.repository_id == found.id)
            .order_by(column)
        ).all()
        for row in rows:
            read_attributes(row).check_delete(row.label)
        gone.append([row.label for row in rows])
    drop_repository(conn, found.id)
    return gone[0], gone[1]


def drop_repository(conn: core.Connection, repository_id: int) -> None:
    """Remove a repository's rows, locked or not: its registry is gone."""
    for table in (tags, references, manifests, links):
        conn.execute(table.delete().where(table.c.repository_id == repository_id))
    conn.execute(repositories.delete().where(repositories.c.id == repository_id))


def set_attributes(
    conn: core.Connection,
    table: sa.Table,
    where: sa.ColumnElement[bool],
    wanted: Mapping[str, bool],
) -> None:
    """Change some attributes of one row: verb to yes or no."""
    values = {f"{verb}_enabled": value for verb, value in wanted.items()}
    if values:
        conn.execute(table.update().where(where).values(**values))
