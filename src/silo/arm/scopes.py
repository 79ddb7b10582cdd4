"""What stands above a resource: whether it exists, is on its way out, is locked."""

import json
from collections.abc import Sequence

from silo import core

from .errors import (
    ArmError,
    ParentResourceNotFound,
    ResourceBeingDeleted,
    ResourceGroupBeingDeleted,
    ResourceGroupNotFound,
    ScopeLocked,
    SubscriptionNotFound,
)
from .resource_id import ResourceId, parse_resource_id
from .resources import missing

LOCKS = "microsoft.authorization/locks"
"""The type whose rows forbid writing or deleting at their scope and below."""
_READ_ONLY = "readonly"


def check_scope(
    conn: core.Connection, scope: ResourceId, *, child: bool = False, writing: bool = False
) -> ResourceId:
    """Return the scope in its stored casing; every scope from the subscription down must exist.

    Args:
        conn: the transaction.
        scope: where something is asked for.
        child: a nested resource asks for its parent.
        writing: refuse a scope that is being deleted.

    Raises:
        SubscriptionNotFound, ResourceGroupNotFound, ParentResourceNotFound, ResourceNotFound,
        ResourceGroupBeingDeleted, ResourceBeingDeleted.

    """
    chain = [step for step in scope.iterate_scopes() if step.segments]
    if not chain:
        return scope
    marks = ",".join("?" * len(chain))
    query = f"SELECT key, id, deleting FROM arm_resources WHERE key IN ({marks})"  # noqa: S608
    found = {
        key: (id_, deleting)
        for key, id_, deleting in conn.exec_driver_sql(query, tuple(s.key for s in chain))
    }
    for step in reversed(chain):
        if step.key not in found:
            raise _absent(step, child=child)
        if writing and found[step.key][1]:
            raise _leaving(step)
    return parse_resource_id(found[scope.key][0])


def check_locks(conn: core.Connection, id_: ResourceId, *, deleting: bool) -> None:
    """Refuse what a management lock forbids.

    ``ReadOnly`` forbids writing and deleting at its scope and below, ``CanNotDelete`` deleting;
    what holds a locked resource cannot be deleted either.

    Raises:
        ScopeLocked: with every scope whose lock forbids it.

    """
    places = [scope.key for scope in id_.iterate_scopes()]
    marks = ",".join("?" * len(places))
    where, values = f"parent IN ({marks})", tuple(places)
    if deleting:
        where, values = f"({where} OR key > ? AND key < ?)", (*places, f"{id_.key}/", f"{id_.key}0")
    query = f"SELECT id, document FROM arm_resources WHERE type = ? AND {where}"  # noqa: S608
    locked = []
    for text, document in conn.exec_driver_sql(query, (LOCKS, *values)):
        level = str(json.loads(document)["properties"].get("level", "")).casefold()
        scope = parse_resource_id(text).parent
        if scope is not None and (deleting or level == _READ_ONLY):
            locked.append(scope.text)
    if locked:
        raise ScopeLocked(id_.text, "delete" if deleting else "write", _unique(locked))


def _absent(scope: ResourceId, *, child: bool) -> ArmError:
    if scope.type == "subscriptions":
        return SubscriptionNotFound(scope.name)
    if scope.type == "subscriptions/resourceGroups":
        return ResourceGroupNotFound(scope.name)
    return ParentResourceNotFound(scope.name) if child else missing(scope)


def _leaving(scope: ResourceId) -> ArmError:
    if scope.type == "subscriptions/resourceGroups":
        return ResourceGroupBeingDeleted(scope.name)
    return ResourceBeingDeleted(scope.name)


def _unique(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))
