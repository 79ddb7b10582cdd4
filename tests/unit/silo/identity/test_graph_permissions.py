"""Promises of silo.identity.graph_permissions."""

import pytest
from tests.unit.silo.identity.graph_client import find_role

from silo import access
from silo.identity.directory_roles import ROLES
from silo.identity.graph_permissions import DELEGATION, Caller, Target, decide_graph
from silo.identity.graph_routing import ROUTES

ME = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
GLOBAL = find_role("Global Administrator")


def make_caller(*roles: str, app: bool = False, scopes: frozenset[str] | None = None) -> Caller:
    kind = access.PrincipalType.SERVICE_PRINCIPAL if app else access.PrincipalType.USER
    granted = frozenset({DELEGATION}) if scopes is None else scopes
    principal = access.Principal(ME, "tenant", kind, "me", token_scopes=granted)
    return Caller(principal, frozenset(find_role(role) for role in roles))


ACTIONS = sorted({route.action for route in ROUTES})
WRITES = sorted({route.action for route in ROUTES if route.operation} - {"me/changePassword"})


@pytest.mark.parametrize("action", ACTIONS)
def test_a_service_principal_without_a_role_may_do_nothing(action: str) -> None:
    for target in (None, Target(OTHER), Target(OTHER, owners=frozenset({ME}))):
        assert not decide_graph(make_caller(app=True), action, target).allowed


@pytest.mark.parametrize("action", [each for each in WRITES if not each.endswith("read")])
def test_a_member_may_change_nothing(action: str) -> None:
    assert not decide_graph(make_caller(), action, Target(OTHER)).allowed


@pytest.mark.parametrize("action", ACTIONS)
def test_a_global_administrator_may_do_everything(action: str) -> None:
    target = Target(OTHER, roles=frozenset({GLOBAL}))

    assert decide_graph(make_caller("Global Administrator"), action, target).allowed


@pytest.mark.parametrize("action", [each for each in ACTIONS if each != "me/read"])
def test_a_token_without_the_permission_may_read_me_alone(action: str) -> None:
    caller = make_caller("Global Administrator", scopes=frozenset({"User.Read"}))

    assert not decide_graph(caller, action, Target(ME)).allowed
    assert decide_graph(caller, "me/read", Target(ME)).allowed


def test_an_owner_may_manage_what_it_owns() -> None:
    mine = Target(OTHER, owners=frozenset({ME}))

    assert decide_graph(make_caller(), "applications/credentials/update", mine).allowed
    assert decide_graph(make_caller(), "servicePrincipals/delete", mine).allowed
    assert not decide_graph(make_caller(), "users/delete", mine).allowed
    developer = make_caller("Application Developer", app=True)
    assert decide_graph(developer, "applications/delete", mine).allowed
    assert not decide_graph(developer, "applications/delete", Target(OTHER)).allowed


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("User Administrator", "users/password/update"),
        ("User Administrator", "users/delete"),
        ("Helpdesk Administrator", "users/password/update"),
        ("Application Administrator", "applications/credentials/update"),
        ("Application Administrator", "servicePrincipals/owners/update"),
        ("Cloud Application Administrator", "servicePrincipals/credentials/update"),
    ],
)
def test_nobody_climbs_through_an_administrators_credentials(role: str, action: str) -> None:
    plain = Target(OTHER, owners=frozenset({ME}))
    holder = Target(OTHER, owners=frozenset({ME}), roles=frozenset({GLOBAL}))

    assert decide_graph(make_caller(role), action, plain).allowed
    assert not decide_graph(make_caller(role), action, holder).allowed


def test_directory_roles_are_given_by_two_roles_only() -> None:
    givers = {
        role.display_name
        for role in ROLES.values()
        if decide_graph(
            make_caller(role.display_name), "roleAssignments/allProperties/allTasks"
        ).allowed
    }

    assert givers == {"Global Administrator", "Privileged Role Administrator"}


def test_everybody_may_change_their_own_password_and_nobody_elses() -> None:
    assert decide_graph(make_caller(), "me/changePassword", Target(ME)).allowed
    assert not decide_graph(make_caller(), "users/password/update", Target(ME)).allowed
    assert not decide_graph(make_caller(), "me/changePassword", Target(OTHER)).allowed
