"""The decision: principal x action x scope -> yes or no, and why. Pure; no clock, no store."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .principals import Principal


@dataclass(frozen=True, slots=True)
class Permission:
    """One entry of a role definition's ``permissions``; patterns with ``*`` wildcards."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role: what it allows, and where it may be assigned."""

    id: str
    """The GUID alone, lower case."""
    role_name: str
    type: str
    """``BuiltInRole`` or ``CustomRole``."""
    description: str
    permissions: tuple[Permission, ...]
    assignable_scopes: tuple[str, ...] = ("/",)


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    """A role given to a principal at a scope and everything below it."""

    name: str
    """The assignment's GUID."""
    scope: str
    principal_id: str
    principal_type: str
    role_definition_id: str
    """The definition's GUID alone."""
    created_on: str = ""
    created_by: str = ""
    updated_on: str = ""
    updated_by: str = ""
    description: str = ""
    condition: str = ""
    """Kept and shown; a condition that is not understood never allows anything."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A snapshot of everything a decision reads."""

    definitions: Mapping[str, RoleDefinition] = field(default_factory=dict)
    assignments: Mapping[str, tuple[RoleAssignment, ...]] = field(default_factory=dict)
    """By principal object id."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """Management group above a subscription or management group id (lower case), up to the root."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the assignment that gave it or a sentence that says what is missing."""

    allowed: bool
    reason: str
    assignment: RoleAssignment | None = None
    definition: RoleDefinition | None = None


def decide(
    policy: Policy, principal: Principal, action: str, scope: str, *, data: bool = False
) -> Decision:
    """Decide one request; nothing is allowed that no assignment allows."""
    raise NotImplementedError
