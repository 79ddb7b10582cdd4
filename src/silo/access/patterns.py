"""Action patterns such as ``Microsoft.ContainerRegistry/*/read``; ``*`` stands for any text.

Matched by searching for the fixed parts in turn, never by a regular expression: custom roles come
from strangers, and a pattern of many stars must not cost more than its length.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class ActionPatterns:
    """Patterns made ready for matching, without regard to case."""

    exact: frozenset[str]
    globs: tuple[tuple[str, ...], ...]
    """The fixed texts between the stars."""

    def matches(self, action: str) -> bool:
        """Tell whether any pattern covers an action given in lower case."""
        return action in self.exact or any(_matches(parts, action) for parts in self.globs)


def compile_patterns(patterns: Iterable[str]) -> ActionPatterns:
    """Make patterns ready for matching; the same ones are compiled once."""
    return _compile(tuple(patterns))


@functools.lru_cache(maxsize=4_096)
def _compile(patterns: tuple[str, ...]) -> ActionPatterns:
    lowered = [pattern.casefold() for pattern in patterns]
    # Azure's ``x/*/read`` covers ``x/read`` too: Managed Identity Operator reads and assigns by
    # ``userAssignedIdentities/*/read`` and ``…/*/assign/action``.
    lowered += [pattern.replace("/*/", "/") for pattern in lowered if "/*/" in pattern]
    return ActionPatterns(
        exact=frozenset(pattern for pattern in lowered if WILDCARD not in pattern),
        globs=tuple(tuple(p.split(WILDCARD)) for p in lowered if WILDCARD in p),
    )


def _matches(parts: tuple[str, ...], action: str) -> bool:
    first, *middle, last = parts
    if len(action) < len(first) + len(last):
        return False
    if not action.startswith(first) or not action.endswith(last):
        return False
    position, end = len(first), len(action) - len(last)
    for part in middle:
        found = action.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
