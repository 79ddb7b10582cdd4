from datetime import timedelta
from typing import Any

from tests.unit.silo.audit.entries import START, add

from silo import audit, core


def numbers(store: core.Store, **more: Any) -> list[int]:
    wanted = {"category": "Administrative", "since": START, "until": START + timedelta(days=1)}
    found = store.read_now(lambda conn: audit.list_records(conn, **{**wanted, **more}))
    return [number for number, _ in found]


def test_the_newest_come_first_and_pages_follow(store: core.Store) -> None:
    add(store, 5)

    assert numbers(store, limit=2) == [5, 4]
    assert numbers(store, limit=2, before=4) == [3, 2]


def test_times_and_categories_narrow(store: core.Store) -> None:
    add(store, 3)
    add(store, category="SignIn")

    assert numbers(store, since=START + timedelta(minutes=1)) == [3, 2]
    assert numbers(store, until=START + timedelta(minutes=1)) == [2, 1]
    assert numbers(store, category="SignIn") == [4]


def test_scopes_are_whole_segments_in_any_case(store: core.Store) -> None:
    for scope in ("/subscriptions/A", "/subscriptions/A/x", "/subscriptions/AB", "/"):
        add(store, scope=scope)

    assert numbers(store, within="/Subscriptions/a/") == [2, 1]
    assert numbers(store, within="/subscriptions/%") == []
    assert numbers(store) == [4, 3, 2, 1]


def test_one_correlation_id_can_be_asked_for(store: core.Store) -> None:
    add(store, correlation_id="one")
    add(store, correlation_id="two")

    assert numbers(store, correlation_id="two") == [2]
