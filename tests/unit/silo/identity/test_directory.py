"""Promises of silo.identity.directory, and of the modules that write what it reads."""

from dataclasses import replace

import pytest
from tests.unit.silo.identity.conftest import TENANT, FakeClock
from tests.unit.silo.identity.graph_client import Graph

from silo import access, core, identity
from silo.identity import groups, objects, users
from silo.identity.service_principals import update_service_principal


def add_group(graph: Graph, name: str, *members: str) -> str:
    def write(conn: core.Connection) -> str:
        group = identity.create_group(
            conn, display_name=name, mail_nickname=name, now=graph.clock.now()
        )
        for member in members:
            identity.add_member(conn, group.id, member)
        return group.id

    return graph.store.write_now(write)


def get_principal(graph: Graph, object_id: str) -> access.Principal:
    return graph.store.read_now(lambda conn: identity.get_principal(conn, object_id))


def test_a_user_is_found_by_name_in_any_case_and_by_id(graph: Graph) -> None:
    object_id = graph.add_user("ada")

    by_name = graph.store.read_now(lambda conn: identity.find_user(conn, "ADA@Silo.Test"))
    by_id = graph.store.read_now(lambda conn: identity.find_user(conn, object_id.upper()))

    assert by_name == by_id
    assert by_id is not None
    assert by_id.user_principal_name == "ada@silo.test"


def test_a_principal_carries_its_nested_groups(graph: Graph) -> None:
    user = graph.add_user("ada")
    inner = add_group(graph, "inner", user)
    outer = add_group(graph, "outer", inner)
    add_group(graph, "other")

    principal = get_principal(graph, user)

    assert principal.groups == {inner, outer}
    assert principal.tenant_id == TENANT.id
    assert principal.type is access.PrincipalType.USER
    assert principal.name == "ada@silo.test"


def test_a_ring_of_groups_ends(graph: Graph) -> None:
    user = graph.add_user("ada")
    one = add_group(graph, "one", user)
    two = add_group(graph, "two", one)
    graph.store.write_now(lambda conn: identity.add_member(conn, one, two))

    up = graph.store.read_now(lambda conn: identity.list_transitive_groups(conn, user))
    down = graph.store.read_now(lambda conn: identity.list_transitive_members(conn, two))

    assert up == {one, two}
    assert down == {user, one, two}


def test_a_service_principal_is_known_by_its_application_id(graph: Graph) -> None:
    _, app_id, object_id = graph.add_application("app")

    principal = get_principal(graph, object_id)

    assert principal.type is access.PrincipalType.SERVICE_PRINCIPAL
    assert principal.name == principal.app_id == app_id


def test_a_disabled_user_is_refused(graph: Graph) -> None:
    object_id = graph.add_user("ada")

    def disable(conn: core.Connection) -> None:
        users.update_user(conn, replace(users.get_user(conn, object_id), account_enabled=False))

    graph.store.write_now(disable)

    with pytest.raises(identity.PrincipalDisabled):
        get_principal(graph, object_id)


def test_a_disabled_service_principal_is_refused(graph: Graph) -> None:
    _, _, object_id = graph.add_application("app")

    def disable(conn: core.Connection) -> None:
        found = identity.find_service_principal(conn, object_id)
        assert found
        update_service_principal(conn, replace(found, account_enabled=False))

    graph.store.write_now(disable)

    with pytest.raises(identity.PrincipalDisabled):
        get_principal(graph, object_id)


def test_groups_and_applications_cannot_sign_in(graph: Graph) -> None:
    application, _, _ = graph.add_application("app")
    for object_id in (add_group(graph, "group"), application, "nobody"):
        with pytest.raises(identity.ObjectNotFound):
            get_principal(graph, object_id)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ada",
        "@silo.test",
        "ada@",
        "ada@other.test",
        "a b@silo.test",
        "a..b@silo.test",
        ".a@silo.test",
        "a.@silo.test",
        "a@b@silo.test",
        "a\n@silo.test",
        "x" * 65 + "@silo.test",
        "ada@silo.test\n",
    ],
)
def test_a_name_that_is_not_of_this_tenant_is_refused(graph: Graph, name: str) -> None:
    with pytest.raises(identity.PropertyInvalid):
        graph.store.write_now(
            lambda conn: identity.create_user(
                conn,
                user_principal_name=name,
                display_name="x",
                password_hash="x",
                now=graph.clock.now(),
            )
        )


def test_a_change_of_who_is_who_makes_cached_answers_stale(graph: Graph) -> None:
    user = graph.add_user("ada")
    group = add_group(graph, "group")
    application, _, _ = graph.add_application("app")
    now = graph.clock.now()
    changes = [
        lambda conn: identity.add_member(conn, group, user),
        lambda conn: identity.remove_member(conn, group, user),
        lambda conn: users.set_password(conn, user, "x", now),
        lambda conn: users.revoke_sign_in_sessions(conn, user, now),
        lambda conn: users.update_user(conn, users.get_user(conn, user)),
        lambda conn: users.delete_user(conn, user),
        lambda conn: identity.add_password_credential(
            conn, application, display_name="", start=now, end=now.replace(year=2030)
        ),
        lambda conn: groups.delete_group(conn, group),
        lambda conn: identity.create_managed_identity(conn, "id", "/subscriptions/x", now),
    ]

    for change in changes:
        before = graph.store.get_generation()
        graph.store.write_now(change)
        assert graph.store.get_generation() > before


def test_a_revocation_voids_tokens_of_the_same_second(graph: Graph, clock: FakeClock) -> None:
    object_id = graph.add_user("ada")

    graph.store.write_now(lambda conn: users.revoke_sign_in_sessions(conn, object_id, clock.now()))

    def read() -> float:
        user = graph.store.read_now(lambda conn: identity.find_user(conn, object_id))
        assert user
        return user.sign_in_sessions_valid_from.timestamp()

    first = read()
    assert int(clock.now().timestamp()) < first
    graph.store.write_now(lambda conn: users.revoke_sign_in_sessions(conn, object_id, clock.now()))
    assert first < read()


def test_a_deleted_object_leaves_nothing_behind(graph: Graph) -> None:
    user = graph.add_user("ada", role="User Administrator")
    group = add_group(graph, "group", user)
    graph.store.write_now(lambda conn: objects.add_owner(conn, group, user))

    graph.store.write_now(lambda conn: users.delete_user(conn, user))

    assert graph.store.read_now(lambda conn: groups.list_members(conn, group)) == ()
    assert graph.store.read_now(lambda conn: objects.list_owners(conn, group)) == ()
    assert graph.store.read_now(lambda conn: identity.find_user(conn, "ada@silo.test")) is None


def test_a_managed_identity_is_found_by_its_resource_and_goes_for_good(graph: Graph) -> None:
    resource_id = "/subscriptions/S/resourceGroups/g/providers/Microsoft.X/y/z"
    made = graph.store.write_now(
        lambda conn: identity.create_managed_identity(conn, "z", resource_id, graph.clock.now())
    )

    found = graph.store.read_now(
        lambda conn: identity.find_managed_identity(conn, resource_id.lower())
    )
    assert found is not None
    assert (found.id, found.app_id) == (made.object_id, made.client_id)
    assert found.type is identity.ServicePrincipalType.MANAGED_IDENTITY
    graph.store.write_now(lambda conn: identity.delete_managed_identity(conn, made.object_id))
    with pytest.raises(identity.ObjectNotFound):
        get_principal(graph, made.object_id)


def test_an_application_is_no_managed_identity_to_delete(graph: Graph) -> None:
    _, _, object_id = graph.add_application("app")

    with pytest.raises(identity.ObjectNotFound):
        graph.store.write_now(lambda conn: identity.delete_managed_identity(conn, object_id))
