from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import open_store

from silo import access, core

ME = access.Principal("me", "t", access.PrincipalType.USER, "kim")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[core.Store]:
    store = open_store(tmp_path)
    yield store
    store.close()


def grant(conn: core.Connection) -> None:
    access.insert_assignment(
        conn,
        access.RoleAssignment("a", "/subscriptions/s", "me", "User", access.ROLE_IDS["Reader"]),
    )


def test_a_change_counts_at_once_also_when_another_process_made_it(
    store: core.Store, tmp_path: Path
) -> None:
    authorizer = access.Authorizer(store)
    other = core.Store(tmp_path / "silo.db")

    assert not authorizer.decide(ME, "x/read", "/subscriptions/s").allowed
    other.write_now(grant)
    assert authorizer.decide(ME, "x/read", "/subscriptions/s").allowed
    other.write_now(lambda conn: access.delete_assignment(conn, "a"))
    assert not authorizer.decide(ME, "x/read", "/subscriptions/s").allowed
    other.close()


def test_an_answer_is_remembered(store: core.Store) -> None:
    authorizer = access.Authorizer(store)
    store.write_now(grant)

    first = authorizer.decide(ME, "x/read", "/subscriptions/s")

    assert authorizer.decide(ME, "x/read", "/subscriptions/s") is first


def test_another_set_of_groups_is_another_question(store: core.Store) -> None:
    from dataclasses import replace

    authorizer = access.Authorizer(store)
    store.write_now(grant)
    stranger = replace(ME, object_id="you")

    assert not authorizer.decide(stranger, "x/read", "/subscriptions/s").allowed
    member = replace(stranger, groups=frozenset({"me"}))
    assert authorizer.decide(member, "x/read", "/subscriptions/s").allowed


def test_memory_is_bounded(store: core.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from silo.access import authorizer as module

    monkeypatch.setattr(module, "CACHE_SIZE", 3)
    authorizer = access.Authorizer(store)
    for number in range(10):
        authorizer.decide(ME, "x/read", f"/subscriptions/{number}")

    assert len(authorizer._snapshot.decisions) <= 3


def test_a_right_held_anywhere_is_found(store: core.Store) -> None:
    authorizer = access.Authorizer(store)

    assert not authorizer.decide_anywhere(ME, "x/read").allowed
    store.write_now(grant)
    assert authorizer.decide_anywhere(ME, "x/read").allowed
    assert not authorizer.decide_anywhere(ME, "x/write").allowed
