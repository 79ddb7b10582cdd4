"""Wire documents held to what is known of them; whatever is not known is refused. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import errors

ANY = None
"""Whatever is said of it; it is looked at elsewhere, or only shown."""
_EMPTY: tuple[Any, ...] = (None, "", False, 0, [], {})


def check_parts(
    path: str, given: Mapping[str, Any], known: Mapping[str, Sequence[Any] | None]
) -> None:
    """Refuse what is not among the known values; what asks for nothing is none of them.

    Raises:
        PropertyNotSupported: with the path to it.

    """
    for name, value in given.items():
        if is_empty(value):
            continue
        if name not in known:
            raise errors.PropertyNotSupported(f"{path}.{name}", _show(value))
        allowed = known[name]
        if allowed is not None and not any(is_same(value, one) for one in allowed):
            raise errors.PropertyNotSupported(f"{path}.{name}", _show(value))


def is_empty(value: Any) -> bool:
    """Tell whether a value asks for nothing, whatever is nested in it."""
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return value in _EMPTY


def is_same(value: Any, known: Any) -> bool:
    """Tell whether two values mean the same on the wire, where casing does not count."""
    if isinstance(value, str) and isinstance(known, str):
        return value.casefold() == known.casefold()
    return type(value) is type(known) and bool(value == known)


def _show(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
