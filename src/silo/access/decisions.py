"""The decision: principal x action x scope -> yes or no, and why. Pure; no clock, no store.

Rights add up over a caller's own assignments and those of its groups; nothing subtracts but the
NotActions of the very permission that allows (Source: Azure RBAC, "How Azure RBAC works").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from .patterns import WILDCARD, compile_patterns
from .principals import Principal
from .scopes import get_scope_key, list_ancestors


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
    condition_version: str = ""


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


class _Verdict(IntEnum):
    """How one assignment answers, from furthest to closest to a yes."""

    OUT_OF_REACH = 0
    LACKS_ACTION = 1
    OTHER_PLANE = 2
    OTHER_SCOPE = 3
    EXCLUDES_ACTION = 4
    CONDITION = 5
    ALLOWS = 6


@dataclass(frozen=True, slots=True)
class _Question:
    action: str
    scope: str
    data: bool
    ancestors: tuple[str, ...]


def decide(
    policy: Policy, principal: Principal, action: str, scope: str, *, data: bool = False
) -> Decision:
    """Decide one request; nothing is allowed that no assignment allows."""
    try:
        ancestors = list_ancestors(policy.parents, scope)
    except ValueError as error:
        return Decision(False, f"Refused: {error}")
    if not action or WILDCARD in action:
        return Decision(False, f"Refused: '{action}' is not the name of one action.")
    question = _Question(action.casefold(), scope, data, ancestors)
    best: tuple[_Verdict, RoleAssignment] | None = None
    for assignment in _list_assignments(policy, principal):
        verdict = _judge(policy, assignment, question)
        if best is None or verdict > best[0]:
            best = (verdict, assignment)
        if verdict is _Verdict.ALLOWS:
            break
    if best is None:
        return Decision(
            False,
            f"'{principal.name}' ({principal.object_id}) has no role assignment, "
            "neither itself nor through a group.",
        )
    verdict, assignment = best
    return Decision(
        allowed=verdict is _Verdict.ALLOWS,
        reason=_explain(policy, principal, verdict, assignment, question),
        assignment=assignment,
        definition=policy.definitions.get(assignment.role_definition_id),
    )


def _list_assignments(policy: Policy, principal: Principal) -> Iterator[RoleAssignment]:
    yield from policy.assignments.get(principal.object_id, ())
    for group in sorted(principal.groups):
        yield from policy.assignments.get(group, ())


def _judge(policy: Policy, assignment: RoleAssignment, question: _Question) -> _Verdict:
    definition = policy.definitions.get(assignment.role_definition_id)
    if definition is None:
        return _Verdict.OUT_OF_REACH
    verdict = _judge_definition(definition, question.action, data=question.data)
    at_scope = get_scope_key(assignment.scope) in question.ancestors
    if verdict is not _Verdict.ALLOWS:
        # The nearest miss among equals is a role that does reach the scope.
        return verdict if at_scope else _Verdict.OUT_OF_REACH
    if not at_scope:
        return _Verdict.OTHER_SCOPE
    return _Verdict.CONDITION if assignment.condition.strip() else _Verdict.ALLOWS


def _judge_definition(definition: RoleDefinition, action: str, *, data: bool) -> _Verdict:
    best = _Verdict.LACKS_ACTION
    for permission in definition.permissions:
        control = (permission.actions, permission.not_actions)
        plane = (permission.data_actions, permission.not_data_actions)
        (given, taken), (other, _) = (plane, control) if data else (control, plane)
        if compile_patterns(given).matches(action):
            if not compile_patterns(taken).matches(action):
                return _Verdict.ALLOWS
            best = max(best, _Verdict.EXCLUDES_ACTION)
        elif compile_patterns(other).matches(action):
            best = max(best, _Verdict.OTHER_PLANE)
    return best


def _explain(
    policy: Policy,
    principal: Principal,
    verdict: _Verdict,
    assignment: RoleAssignment,
    question: _Question,
) -> str:
    definition = policy.definitions.get(assignment.role_definition_id)
    role = f"'{definition.role_name}'" if definition else assignment.role_definition_id
    through = (
        f"to '{principal.name}'"
        if assignment.principal_id == principal.object_id
        else f"to the group {assignment.principal_id}, of which '{principal.name}' is a member,"
    )
    given = f"The role {role}, assigned {through} at '{assignment.scope}'"
    kind = "data action" if question.data else "action"
    lists = ("DataActions", "NotDataActions") if question.data else ("Actions", "NotActions")
    sentences = {
        _Verdict.ALLOWS: f"{given}, allows the {kind} (assignment {assignment.name}).",
        _Verdict.CONDITION: (
            f"{given}, has the {kind} only under a condition that is not supported here, "
            f"so it allows nothing (assignment {assignment.name})."
        ),
        _Verdict.EXCLUDES_ACTION: f"{given}, excludes the {kind} by its {lists[1]}.",
        _Verdict.OTHER_SCOPE: (
            f"{given}, has the {kind}, but that scope does not cover '{question.scope}'."
        ),
        _Verdict.OTHER_PLANE: (
            f"{given}, has it on the other plane only, not among its {lists[0]}."
        ),
        _Verdict.LACKS_ACTION: f"{given}, does not include the {kind}.",
        _Verdict.OUT_OF_REACH: (
            f"No role assigned to '{principal.name}' or its groups reaches '{question.scope}'."
        ),
    }
    return sentences[verdict]
