from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import open_store

from silo import access, core

ROLE = access.RoleDefinition(
    "AAAA",
    "Puller",
    "CustomRole",
    "pulls",
    (access.Permission(("x/read",), ("x/y/read",)),),
    ("/s",),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = open_store(tmp_path)
    yield store
    store.close()


def test_a_custom_role_is_kept_as_given(store: core.Store) -> None:
    stored = store.write_now(lambda conn: access.put_definition(conn, ROLE))

    assert stored.id == "aaaa"
    assert store.read_now(lambda conn: access.find_definition(conn, "AAAA")) == stored
    assert stored in store.read_now(access.list_definitions)


def test_built_in_roles_can_be_neither_changed_nor_removed(store: core.Store) -> None:
    owner = access.BUILT_IN_ROLES[access.ROLE_IDS["Owner"]]

    with pytest.raises(access.DefinitionBuiltIn):
        store.write_now(lambda conn: access.put_definition(conn, owner))
    with pytest.raises(access.DefinitionBuiltIn):
        store.write_now(lambda conn: access.delete_definition(conn, owner.id))


def test_a_name_belongs_to_one_role(store: core.Store) -> None:
    from dataclasses import replace

    with pytest.raises(access.DefinitionNameTaken):
        store.write_now(
            lambda conn: access.put_definition(conn, replace(ROLE, role_name="acrpull"))
        )


def test_a_role_that_somebody_has_stays(store: core.Store) -> None:
    def use(conn: core.Connection) -> None:
        access.put_definition(conn, ROLE)
        access.insert_assignment(conn, access.RoleAssignment("a", "/s", "p", "User", "aaaa"))

    store.write_now(use)

    with pytest.raises(access.DefinitionHasAssignments):
        store.write_now(lambda conn: access.delete_definition(conn, "aaaa"))
    store.write_now(lambda conn: access.delete_assignment(conn, "a"))
    assert store.write_now(lambda conn: access.delete_definition(conn, "aaaa"))
    assert store.read_now(lambda conn: access.find_definition(conn, "aaaa")) is None
    assert store.write_now(lambda conn: access.delete_definition(conn, "aaaa")) is None
