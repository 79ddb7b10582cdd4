"""The decision for every door of a process: the policy as it stands now, and answers remembered.

Both are of one generation of the database; any change of directory or policy makes them stale, in
whichever process it was made.
"""

from dataclasses import dataclass, field

from silo import core

from .assignments import list_assignments, list_parents
from .decisions import Decision, Policy, RoleAssignment, decide
from .definitions import list_definitions
from .principals import Principal

CACHE_SIZE = 65_536
"""Decisions kept; about 30 MB when full, and then all are dropped."""

_Key = tuple[str, str, str, bool, frozenset[str]]


def load_policy(conn: core.Connection) -> Policy:
    """Return a snapshot of everything a decision reads."""
    by_principal: dict[str, list[RoleAssignment]] = {}
    for assignment in list_assignments(conn):
        by_principal.setdefault(assignment.principal_id, []).append(assignment)
    return Policy(
        definitions={definition.id: definition for definition in list_definitions(conn)},
        assignments={principal: tuple(items) for principal, items in by_principal.items()},
        parents=list_parents(conn),
    )


@dataclass(frozen=True, slots=True)
class _Snapshot:
    generation: int
    policy: Policy
    decisions: dict[_Key, Decision] = field(default_factory=dict)


class Authorizer:
    """Answers who may do what, by the policy in one database."""

    def __init__(self, store: core.Store) -> None:
        self._store = store
        self._snapshot = _Snapshot(-1, Policy())

    def get_policy(self) -> Policy:
        """Return the policy as it stands now."""
        return self._refresh().policy

    def decide(
        self, principal: Principal, action: str, scope: str, *, data: bool = False
    ) -> Decision:
        """Decide one request by the policy as it stands now."""
        snapshot = self._refresh()
        key = (principal.object_id, action, scope, data, principal.groups)
        decision = snapshot.decisions.get(key)
        if decision is None:
            decision = decide(snapshot.policy, principal, action, scope, data=data)
            if len(snapshot.decisions) >= CACHE_SIZE:
                snapshot.decisions.clear()
            snapshot.decisions[key] = decision
        return decision

    def decide_anywhere(self, principal: Principal, action: str) -> Decision:
        """Decide whether any role of the caller allows an action at the place where it has it.

        For what is the same at every place, such as the list of operations.
        """
        policy = self._refresh().policy
        decision = Decision(False, f"No role of '{principal.name}' allows '{action}' anywhere.")
        for object_id in sorted(principal.object_ids):
            for assignment in policy.assignments.get(object_id, ()):
                decision = self.decide(principal, action, assignment.scope)
                if decision.allowed:
                    return decision
        return decision

    def _refresh(self) -> _Snapshot:
        # The generation is read first: a change between the two reads is then only read twice.
        generation = self._store.get_generation()
        if self._snapshot.generation != generation:
            self._snapshot = _Snapshot(generation, self._store.read_now(load_policy))
        return self._snapshot
