"""How the built-in roles are written down: a role is a call, alike action names share a line."""

from .decisions import Permission, RoleDefinition

BUILT_IN_ROLE = "BuiltInRole"
"""The ``type`` of roles that come with Azure."""


def define_role(
    guid: str,
    role_name: str,
    description: str,
    *,
    actions: str = "",
    not_actions: str = "",
    data_actions: str = "",
    not_data_actions: str = "",
) -> RoleDefinition:
    """Return a built-in role; patterns stand apart by blanks, ``a/{b,c}`` is ``a/b a/c``."""
    permission = Permission(
        actions=expand_patterns(actions),
        not_actions=expand_patterns(not_actions),
        data_actions=expand_patterns(data_actions),
        not_data_actions=expand_patterns(not_data_actions),
    )
    return RoleDefinition(guid, role_name, BUILT_IN_ROLE, description, (permission,))


def expand_patterns(text: str) -> tuple[str, ...]:
    """Return the patterns in a text, braces spelled out as a shell does."""
    return tuple(pattern for word in text.split() for pattern in _expand(word))


def _expand(word: str) -> list[str]:
    head, brace, rest = word.partition("{")
    if not brace:
        return [word]
    choices, _, tail = rest.partition("}")
    return [head + choice + end for choice in choices.split(",") for end in _expand(tail)]
