"""Taking resources out of the table, with all that hangs on them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from silo import access, core

from .errors import RemovalBlocked
from .provider import ResourceType
from .resource_id import ResourceId
from .resources import Resource, Resources, Stamp

FindType = Callable[[str], ResourceType[Any] | None]
"""Full type, in any case, to its declaration."""


def begin_removal(
    conn: core.Connection, resources: Resources, find_type: FindType, found: Resource, stamp: Stamp
) -> Resource | None:
    """Forget a resource at once when nothing in the world has to go first, else mark it.

    Returns the marked resource, which the reconcile loop removes; None when it is gone.
    """
    if not _is_in_world(find_type, found) and not _list_in_world(
        conn, resources, find_type, found.id
    ):
        forget(conn, resources, find_type, found)
        return None
    return _mark(conn, resources, found, stamp)


def mark_below(
    conn: core.Connection, resources: Resources, find_type: FindType, found: Resource
) -> bool:
    """Mark what below a leaving resource must leave the world first; tell whether there is any.

    Raises:
        RemovalBlocked: something below was marked for this before, and could not be removed.

    """
    below = _list_in_world(conn, resources, find_type, found.id)
    for resource in below:
        if resource.deleting:
            continue
        if resource.outcome.code and resource.changed == found.changed:
            raise RemovalBlocked(found.id.text, resource.id.text, resource.outcome.message)
        _mark(conn, resources, resource, found.changed)
    return bool(below)


def forget(
    conn: core.Connection, resources: Resources, find_type: FindType, found: Resource
) -> None:
    """Delete the row and every row below it, deepest first, with the effects of their types."""
    for resource in reversed(resources.list(conn, found.id)):
        _forget_one(conn, resources, find_type, resource)
    _forget_one(conn, resources, find_type, found)
    # A resource made later under the same name must not inherit the rights of this one.
    access.delete_assignments_within(conn, found.id.text)


def _forget_one(
    conn: core.Connection, resources: Resources, find_type: FindType, resource: Resource
) -> None:
    type_ = find_type(resource.id.full_type)
    if type_ is not None and type_.on_delete is not None:
        type_.on_delete(conn, resource)
    resources.delete(conn, resource.id)


def _mark(
    conn: core.Connection, resources: Resources, resource: Resource, stamp: Stamp
) -> Resource:
    marked = replace(resource, generation=resource.generation + 1, deleting=True, changed=stamp)
    return resources.put(conn, marked)


def _is_in_world(find_type: FindType, resource: Resource) -> bool:
    type_ = find_type(resource.id.full_type)
    return type_ is not None and type_.remove is not None


def _list_in_world(
    conn: core.Connection, resources: Resources, find_type: FindType, scope: ResourceId
) -> list[Resource]:
    return [
        resource for resource in resources.list(conn, scope) if _is_in_world(find_type, resource)
    ]
