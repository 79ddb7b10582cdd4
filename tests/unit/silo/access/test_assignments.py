from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import open_store

from silo import access, core

SUB = "/subscriptions/s"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = open_store(tmp_path)
    yield store
    store.close()


def make(
    name: str, scope: str = SUB, principal: str = "P", role: str = "R"
) -> access.RoleAssignment:
    return access.RoleAssignment(name, scope, principal, "User", role)


def test_an_assignment_is_kept_with_lower_case_ids(store: core.Store) -> None:
    stored = store.write_now(lambda conn: access.insert_assignment(conn, make("A1")))

    assert (stored.name, stored.principal_id, stored.role_definition_id) == ("a1", "p", "r")
    assert store.read_now(lambda conn: access.find_assignment(conn, "A1")) == stored


def test_the_same_role_at_the_same_scope_is_refused_in_any_case(store: core.Store) -> None:
    store.write_now(lambda conn: access.insert_assignment(conn, make("a1")))

    with pytest.raises(access.AssignmentExists) as caught:
        store.write_now(lambda conn: access.insert_assignment(conn, make("a2", SUB.upper())))

    assert caught.value.existing.name == "a1"


def test_a_name_is_used_once_at_whatever_scope(store: core.Store) -> None:
    store.write_now(lambda conn: access.insert_assignment(conn, make("a1")))

    with pytest.raises(access.AssignmentNameTaken):
        store.write_now(lambda conn: access.insert_assignment(conn, make("a1", "/")))


def test_every_change_makes_remembered_answers_stale(store: core.Store) -> None:
    seen = [store.get_generation()]
    for change in (
        lambda conn: access.insert_assignment(conn, make("a1")),
        lambda conn: access.update_assignment(conn, make("a1")),
        lambda conn: access.delete_assignment(conn, "a1"),
        lambda conn: access.set_parent(conn, SUB, "/providers/x/y/z"),
        lambda conn: access.delete_parent(conn, SUB),
    ):
        store.write_now(change)
        seen.append(store.get_generation())

    assert sorted(set(seen)) == seen


def test_deleting_what_is_not_there_changes_nothing(store: core.Store) -> None:
    before = store.get_generation()

    assert store.write_now(lambda conn: access.delete_assignment(conn, "none")) is None
    assert store.get_generation() == before


def test_assignments_go_with_their_resource_and_no_others(store: core.Store) -> None:
    def fill(conn: core.Connection) -> None:
        for name, scope in (("a", f"{SUB}/g"), ("b", f"{SUB}/g/x"), ("c", f"{SUB}/g_"), ("d", SUB)):
            access.insert_assignment(conn, make(name, scope))

    store.write_now(fill)

    assert store.write_now(lambda conn: access.delete_assignments_within(conn, f"{SUB}/G")) == 2
    left = store.read_now(access.list_assignments)
    assert [item.name for item in left] == ["c", "d"]


def test_a_broken_scope_is_not_stored(store: core.Store) -> None:
    with pytest.raises(ValueError, match="is not a scope"):
        store.write_now(lambda conn: access.insert_assignment(conn, make("a", "nowhere")))
