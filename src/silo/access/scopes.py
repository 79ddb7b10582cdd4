"""Scopes: ARM ids as places in a tree that runs from the root ``/`` down to one resource."""

from collections.abc import Iterator, Mapping

ROOT = "/"
MANAGEMENT_GROUP_PREFIX = "/providers/microsoft.management/managementgroups/"
"""How the key of a management group's scope starts."""


def get_scope_key(scope: str) -> str:
    """Return the form in which scopes are compared: case folded, no slash at the end.

    Raises:
        ValueError: it is no scope: empty, relative, or with empty or dotted segments.

    """
    if scope == ROOT:
        return ROOT
    key = scope.casefold().removesuffix("/")
    first, *segments = key.split("/")
    if first or not segments or any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError(f"'{scope}' is not a scope.")
    return key


def list_ancestors(parents: Mapping[str, str], scope: str) -> tuple[str, ...]:
    """Return the keys of a scope and of everything above it, the nearest first, the root last.

    ``/subscriptions/a`` is no ancestor of ``/subscriptions/ab``: only whole segments count.

    Raises:
        ValueError: it is no scope.

    """
    return tuple(dict.fromkeys([*_climb(parents, get_scope_key(scope)), ROOT]))


def is_within(parents: Mapping[str, str], scope: str, ancestor: str) -> bool:
    """Tell whether a scope is ``ancestor`` itself or lies below it."""
    return get_scope_key(ancestor) in list_ancestors(parents, scope)


def _climb(parents: Mapping[str, str], key: str) -> Iterator[str]:
    seen: set[str] = set()
    while key and key != ROOT and key not in seen:
        seen.add(key)
        yield key
        # A subscription or management group goes on at its parent; all else at the segment above.
        key = parents.get(key) or key.rpartition("/")[0]
