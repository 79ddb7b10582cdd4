"""The resource table: every wish that ARM has stored, and how far the world has caught up.

What a client sees as provisioning state or operation status is derived from a row; no job table.
All functions run in a transaction of the caller, who adds the audit record to the same one.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from silo import access, core

from .errors import ResourceNotFound
from .resource_id import ResourceId, parse_resource_id

rows = sa.Table(
    "arm_resources",
    core.metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("parent", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False, unique=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("settled_generation", sa.Integer, nullable=False),
    sa.Column("deleting", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("stamps", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("arm_resources_type", "type", "key"),
    sa.Index("arm_resources_parent", "parent", "type"),
)
sa.Index(
    "arm_resources_unsettled",
    rows.c.key,
    sqlite_where=rows.c.generation != rows.c.settled_generation,
)

_COLUMNS = "id, uid, generation, settled_generation, deleting, outcome, stamps, document"
_SELECT = f"SELECT {_COLUMNS} FROM arm_resources"  # noqa: S608 - constants alone
_BATCH = 500
"""Rows fetched at once while listing with a filter."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the last attempt to make the world match ended."""

    state: str = "Succeeded"
    """``Succeeded``, ``Failed`` or ``Canceled``."""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who touched a resource, and when."""

    at: str
    """As ``core.render_time`` writes it."""
    by: str = ""
    by_type: str = "User"
    """``User``, ``Application`` or ``ManagedIdentity``."""
    by_id: str = ""
    """The object id."""
    correlation_id: str = ""
    """Of the request; what follows from it is logged under the same."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One stored wish."""

    id: ResourceId
    document: Mapping[str, Any]
    """``location``, ``tags``, ``properties``, ``identity``, ``sku``, … as they are rendered."""
    uid: str
    """This incarnation: a resource made again under the same id has another one."""
    created: Stamp
    changed: Stamp
    generation: int = 1
    """Counts the wishes."""
    settled_generation: int = 0
    """The wish that ``outcome`` is about."""
    outcome: Outcome = field(default_factory=Outcome)
    deleting: bool = False

    @property
    def properties(self) -> Mapping[str, Any]:
        """The ``properties`` of the document."""
        properties: Mapping[str, Any] = self.document.get("properties") or {}
        return properties

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags by name."""
        tags: Mapping[str, str] = self.document.get("tags") or {}
        return tags

    @property
    def location(self) -> str:
        """The location, or nothing for a resource that has none."""
        return str(self.document.get("location") or "")

    @property
    def etag(self) -> str:
        """The entity tag, with its quotes (RFC 9110 section 8.8.3)."""
        return f'"{self.uid[:8]}-{self.generation:x}-{self.settled_generation:x}"'

    @property
    def is_settled(self) -> bool:
        """Whether the world has caught up with the newest wish, well or badly."""
        return self.settled_generation >= self.generation

    @property
    def state(self) -> str:
        """Azure's ``provisioningState``, derived."""
        if self.is_settled:
            return self.outcome.state
        if self.deleting:
            return "Deleting"
        return "Updating" if self.settled_generation else "Creating"

    def with_document(self, **parts: Any) -> "Resource":
        """Return the resource with parts of its document replaced; None takes a part away."""
        document = {**self.document, **parts}
        return replace(self, document={k: v for k, v in document.items() if v is not None})

    def with_properties(self, **parts: Any) -> "Resource":
        """Return the resource with some of its properties replaced."""
        return self.with_document(properties={**self.properties, **parts})


class Resources:
    """The table, as functions of a connection."""

    def __init__(self, store: core.Store, clock: core.Clock) -> None:
        self.store = store
        self.clock = clock

    def find(self, conn: core.Connection, id_: ResourceId) -> Resource | None:
        """Return the resource, or None."""
        row = conn.exec_driver_sql(f"{_SELECT} WHERE key = ?", (id_.key,)).first()
        return _read(row) if row else None

    def get(self, conn: core.Connection, id_: ResourceId) -> Resource:
        """Return the resource, or raise ResourceNotFound."""
        found = self.find(conn, id_)
        if found is None:
            raise missing(id_)
        return found

    def find_by_uid(self, conn: core.Connection, uid: str) -> Resource | None:
        """Return the incarnation of that uid, or None when it is gone."""
        row = conn.exec_driver_sql(f"{_SELECT} WHERE uid = ?", (uid,)).first()
        return _read(row) if row else None

    def list(
        self,
        conn: core.Connection,
        scope: ResourceId,
        type_: str = "",
        *,
        after: str = "",
        limit: int = -1,
    ) -> Sequence[Resource]:
        """Return what lies below a scope, of one full type if given, in order of key."""
        low, high = _range(scope)
        where = "key > ? AND key < ?" + (" AND type = ?" if type_ else "")
        values: tuple[Any, ...] = (max(low, after), high)
        if type_:
            values = (*values, type_.casefold())
        query = f"{_SELECT} WHERE {where} ORDER BY key LIMIT ?"
        found = conn.exec_driver_sql(query, (*values, limit))
        return [_read(row) for row in found]

    def list_children(
        self, conn: core.Connection, parent: ResourceId, type_: str = ""
    ) -> Sequence[Resource]:
        """Return what hangs directly on a scope, of one full type if given."""
        where = "parent = ?" + (" AND type = ?" if type_ else "")
        values = (parent.key, type_.casefold()) if type_ else (parent.key,)
        found = conn.exec_driver_sql(f"{_SELECT} WHERE {where} ORDER BY key", values)
        return [_read(row) for row in found]

    def list_unsettled(self, conn: core.Connection) -> Sequence[Resource]:
        """Return the resources that the world has not caught up with."""
        where = "generation != settled_generation"
        return [_read(row) for row in conn.exec_driver_sql(f"{_SELECT} WHERE {where}")]

    def put(self, conn: core.Connection, resource: Resource) -> Resource:
        """Store a resource as it is given; return it."""
        values = {
            "key": resource.id.key,
            "id": resource.id.text,
            "type": resource.id.full_type.casefold(),
            "parent": parent.key if (parent := resource.id.parent) else "",
            "uid": resource.uid,
            "generation": resource.generation,
            "settled_generation": resource.settled_generation,
            "deleting": resource.deleting,
            "outcome": _dump(_outcome_document(resource.outcome)),
            "stamps": _dump([_stamp_list(resource.created), _stamp_list(resource.changed)]),
            "document": _dump(resource.document),
        }
        conn.execute(rows.insert().prefix_with("OR REPLACE").values(values))
        return resource

    def delete(self, conn: core.Connection, id_: ResourceId) -> None:
        """Forget a resource; what hangs on it is the caller's business."""
        conn.exec_driver_sql("DELETE FROM arm_resources WHERE key = ?", (id_.key,))

    def make(self, id_: ResourceId, document: Mapping[str, Any], stamp: Stamp) -> Resource:
        """Return a first wish, settled by nobody yet."""
        return Resource(id_, document, uuid.uuid4().hex, created=stamp, changed=stamp)

    def settle(self, conn: core.Connection, seen: Resource, outcome: Outcome) -> bool:
        """Record how a wish ended, unless it was changed meanwhile; tell whether it was recorded.

        A failed deletion leaves the resource as it is, free to be deleted again.
        """
        done = conn.exec_driver_sql(
            "UPDATE arm_resources SET settled_generation = generation, outcome = ?, deleting = 0"
            " WHERE uid = ? AND generation = ? AND settled_generation != generation",
            (_dump(_outcome_document(outcome)), seen.uid, seen.generation),
        )
        return done.rowcount == 1


def missing(id_: ResourceId) -> ResourceNotFound:
    """Return the error that says in Azure's words that a resource is not there."""
    where = f" under resource group '{id_.group}'" if id_.group else ""
    chain = "/".join(
        part for pair in zip(id_.type.split("/"), id_.names, strict=False) for part in pair
    )
    return ResourceNotFound(
        f"The Resource '{id_.namespace}/{chain}'{where} was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    )


def _range(scope: ResourceId) -> tuple[str, str]:
    """Return the keys between which everything below a scope lies (``0`` follows ``/``)."""
    stem = scope.key.rstrip("/")
    return f"{stem}/", f"{stem}0"


def _read(row: Any) -> Resource:
    id_, uid, generation, settled, deleting, outcome, stamps, document = row
    created, changed = json.loads(stamps)
    return Resource(
        parse_resource_id(id_),
        json.loads(document),
        uid,
        Stamp(*created),
        Stamp(*changed),
        generation,
        settled,
        Outcome(**json.loads(outcome)),
        bool(deleting),
    )


def _outcome_document(outcome: Outcome) -> dict[str, str]:
    return {"state": outcome.state, "code": outcome.code, "message": outcome.message}


def _stamp_list(stamp: Stamp) -> list[str]:
    return [stamp.at, stamp.by, stamp.by_type, stamp.by_id, stamp.correlation_id]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def make_stamp(at: datetime, by: access.Principal | None = None, correlation_id: str = "") -> Stamp:
    """Return a stamp of that time and person; of Silo itself when nobody asked."""
    if by is None:
        return Stamp(core.render_time(at), "Silo", "Application")
    kind = "User" if by.type is access.PrincipalType.USER else "Application"
    return Stamp(core.render_time(at), by.name, kind, by.object_id, correlation_id)
