from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from silo import access

ME = access.Principal(
    "me", "t", access.PrincipalType.USER, "kim@silo.local", groups=frozenset({"g1", "g2"})
)
SUB = "/subscriptions/s"
RG = f"{SUB}/resourceGroups/rg"
REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/r"
PULL = "Microsoft.ContainerRegistry/registries/pull/read"
PUSH = "Microsoft.ContainerRegistry/registries/push/write"


def assign(role: str, scope: str, principal: str = "me", **more: str) -> access.RoleAssignment:
    return access.RoleAssignment(
        name=f"{role}-{principal}",
        scope=scope,
        principal_id=principal,
        principal_type="User",
        role_definition_id=access.ROLE_IDS.get(role, role),
        **more,
    )


def policy(*assignments: access.RoleAssignment, **more: object) -> access.Policy:
    by_principal: dict[str, tuple[access.RoleAssignment, ...]] = {}
    for item in assignments:
        by_principal[item.principal_id] = (*by_principal.get(item.principal_id, ()), item)
    return replace(access.Policy(access.BUILT_IN_ROLES, by_principal), **more)  # type: ignore[arg-type]


def custom(**permission: tuple[str, ...]) -> access.RoleDefinition:
    return access.RoleDefinition("c", "C", "CustomRole", "", (access.Permission(**permission),))


def test_nothing_is_allowed_by_default() -> None:
    decision = access.decide(policy(), ME, PULL, REGISTRY)

    assert not decision.allowed
    assert decision.reason == (
        "'kim@silo.local' (me) has no role assignment, neither itself nor through a group."
    )


def test_a_role_allows_at_its_scope_and_below_and_names_the_assignment() -> None:
    decision = access.decide(policy(assign("AcrPull", RG)), ME, PULL.upper(), REGISTRY)

    assert decision.allowed
    assert decision.assignment == assign("AcrPull", RG)
    assert decision.reason == (
        f"The role 'AcrPull', assigned to 'kim@silo.local' at '{RG}', allows the action "
        "(assignment AcrPull-me)."
    )


def test_a_role_does_not_reach_above_or_beside_its_scope() -> None:
    facts = policy(assign("Owner", RG))

    assert not access.decide(facts, ME, "a/read", SUB).allowed
    assert not access.decide(facts, ME, "a/read", f"{RG}2").allowed
    assert access.decide(facts, ME, PULL, f"{SUB}/resourceGroups/other").reason == (
        f"The role 'Owner', assigned to 'kim@silo.local' at '{RG}', has the action, but that "
        f"scope does not cover '{SUB}/resourceGroups/other'."
    )


def test_groups_count_and_are_named() -> None:
    decision = access.decide(policy(assign("AcrPush", "/", "g2")), ME, PUSH, REGISTRY)

    assert decision.allowed
    assert "to the group g2, of which 'kim@silo.local' is a member" in decision.reason


def test_the_role_of_somebody_else_does_not_count() -> None:
    assert not access.decide(policy(assign("Owner", "/", "you")), ME, PULL, REGISTRY).allowed


def test_management_groups_pass_roles_down() -> None:
    group = "/providers/Microsoft.Management/managementGroups/m"
    facts = policy(assign("Reader", group), parents={SUB: access.get_scope_key(group)})

    assert access.decide(facts, ME, "Microsoft.X/y/read", RG).allowed
    assert not access.decide(facts, ME, "Microsoft.X/y/read", "/subscriptions/other").allowed


def test_a_role_without_the_action_says_so() -> None:
    decision = access.decide(policy(assign("AcrPull", RG)), ME, PUSH, REGISTRY)

    assert not decision.allowed
    assert decision.reason == (
        f"The role 'AcrPull', assigned to 'kim@silo.local' at '{RG}', does not include the action."
    )


def test_not_actions_take_away_and_are_named() -> None:
    write = "Microsoft.Authorization/roleAssignments/write"
    decision = access.decide(policy(assign("Contributor", SUB)), ME, write, RG)

    assert not decision.allowed
    assert "excludes the action by its NotActions" in decision.reason


def test_not_actions_of_one_role_do_not_bind_another() -> None:
    write = "Microsoft.Authorization/roleAssignments/write"
    facts = policy(assign("Contributor", SUB), assign("User Access Administrator", SUB))

    assert access.decide(facts, ME, write, RG).allowed


def test_actions_do_not_give_data_actions_nor_the_other_way_round() -> None:
    read = "Microsoft.ContainerRegistry/registries/repositories/content/read"
    decision = access.decide(policy(assign("Owner", "/")), ME, read, REGISTRY, data=True)

    assert not decision.allowed
    assert "not among its DataActions" in decision.reason
    reader = policy(assign("Container Registry Repository Reader", "/"))
    assert access.decide(reader, ME, read, REGISTRY, data=True).allowed
    assert not access.decide(reader, ME, read, REGISTRY).allowed


def test_a_condition_that_is_not_understood_never_allows() -> None:
    decision = access.decide(policy(assign("Owner", "/", condition="(1 == 1)")), ME, PULL, RG)

    assert not decision.allowed
    assert "only under a condition" in decision.reason


def test_an_assignment_of_a_role_that_is_gone_allows_nothing() -> None:
    assert not access.decide(policy(assign("gone", "/")), ME, PULL, RG).allowed


def test_wildcards_and_broken_scopes_cannot_be_asked_for() -> None:
    facts = policy(assign("Owner", "/"))

    assert not access.decide(facts, ME, "*", RG).allowed
    assert not access.decide(facts, ME, "Microsoft.X/*/read", RG).allowed
    assert not access.decide(facts, ME, "", RG).allowed
    assert not access.decide(facts, ME, PULL, f"{RG}/../x").allowed
    assert not access.decide(facts, ME, PULL, "").allowed


PATTERNS = st.lists(st.sampled_from(["*", "a/*", "*/read", "a/b/read", "a/*/write"]), max_size=3)
ACTIONS = st.sampled_from(["a/b/read", "a/b/write", "a/c/write", "z/read"])
SCOPES = st.lists(st.sampled_from(["x", "xy", "y"]), max_size=4).map(lambda s: "/" + "/".join(s))


@given(PATTERNS, PATTERNS, PATTERNS, ACTIONS)
def test_one_more_not_action_never_widens(
    given_: list[str], taken: list[str], more: list[str], action: str
) -> None:
    narrow = custom(actions=tuple(given_), not_actions=(*taken, *more))
    wide = custom(actions=tuple(given_), not_actions=tuple(taken))
    facts = [policy(assign("c", "/"), definitions={"c": role}) for role in (narrow, wide)]

    if access.decide(facts[0], ME, action, "/").allowed:
        assert access.decide(facts[1], ME, action, "/").allowed


@given(SCOPES, SCOPES, SCOPES, ACTIONS)
def test_what_is_allowed_at_a_scope_is_allowed_below(
    assigned: str, scope: str, below: str, action: str
) -> None:
    facts = policy(assign("Reader", assigned), assign("Contributor", assigned, "g1"))
    child = (scope.rstrip("/") + below).rstrip("/") or "/"

    if access.decide(facts, ME, action, scope).allowed:
        assert access.decide(facts, ME, action, child).allowed


@given(st.lists(st.tuples(st.sampled_from(sorted(access.ROLE_IDS)), SCOPES)), SCOPES, ACTIONS)
def test_one_more_assignment_never_narrows(
    pairs: list[tuple[str, str]], scope: str, action: str
) -> None:
    items = [assign(role, at) for role, at in pairs]

    if access.decide(policy(*items[:-1]), ME, action, scope).allowed:
        assert access.decide(policy(*items), ME, action, scope).allowed


@given(SCOPES, ACTIONS)
def test_a_decision_that_allows_names_an_assignment_of_the_caller(scope: str, action: str) -> None:
    facts = policy(assign("Reader", "/x"), assign("Contributor", "/y", "g1"))
    decision = access.decide(facts, ME, action, scope)

    assert decision.reason.endswith(".")
    if decision.allowed:
        assert decision.assignment is not None
        assert decision.assignment.principal_id in ME.object_ids
