"""The table: what was put is found, only below its scope, and settled only as it was seen."""

from dataclasses import replace

import pytest
from tests.databases import open_store

from silo import access, arm, core

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/g"


@pytest.fixture
def table(tmp_path):
    store = open_store(tmp_path)
    return arm.Resources(store, core.SystemClock())


def put(table, text, **document):
    made = table.make(arm.parse_resource_id(text), document, arm.make_stamp(table.clock.now()))
    return table.store.write_now(lambda conn: table.put(conn, made))


def names(table, scope, type_="", **options):
    id_ = arm.parse_resource_id(scope)
    found = table.store.read_now(lambda conn: table.list(conn, id_, type_, **options))
    return [resource.id.name for resource in found]


def find(table, text):
    return table.store.read_now(lambda conn: table.find(conn, arm.parse_resource_id(text)))


def settle(table, seen, outcome):
    return table.store.write_now(lambda conn: table.settle(conn, seen, outcome))


def test_what_was_put_is_found_without_regard_to_case(table):
    made = put(table, f"{GROUP}/providers/A.B/things/One", location="eastus", tags={"a": "ü"})

    assert find(table, f"{GROUP}/providers/a.b/THINGS/ONE") == made
    assert made.location == "eastus"


def test_what_is_not_there_is_none_or_an_error(table):
    id_ = arm.parse_resource_id(f"{GROUP}/providers/A.B/things/x/parts/y")

    assert find(table, str(id_)) is None
    with pytest.raises(arm.ResourceNotFound, match=r"The Resource 'A\.B/things/x/parts/y' under"):
        table.store.read_now(lambda conn: table.get(conn, id_))


def test_a_list_holds_what_lies_below_and_nothing_beside_it(table):
    for text in (SUBSCRIPTION, GROUP, f"{GROUP}2", f"{GROUP}-a", f"{GROUP}0"):
        put(table, text)
    for name in ("b", "a", "c"):
        put(table, f"{GROUP}/providers/A.B/things/{name}")
    put(table, f"{GROUP}2/providers/A.B/things/other")
    put(table, f"{GROUP}/providers/A.B/things/a/parts/p")

    assert names(table, GROUP) == ["a", "p", "b", "c"]
    assert names(table, GROUP, "a.b/things") == ["a", "b", "c"]
    assert names(table, SUBSCRIPTION, "A.B/Things") == ["a", "b", "c", "other"]
    assert names(table, "/", "A.B/things", limit=1) == ["a"]
    assert names(
        table, GROUP, "A.B/things", after=f"{GROUP}/providers/A.B/things/a".casefold()
    ) == [
        "b",
        "c",
    ]


def test_a_wish_is_settled_only_as_it_was_seen(table):
    seen = put(table, f"{GROUP}/providers/A.B/things/one")
    newer = replace(seen, generation=2)
    table.store.write_now(lambda conn: table.put(conn, newer))

    assert not settle(table, seen, arm.Outcome())
    assert settle(table, newer, arm.Outcome())
    assert not settle(table, newer, arm.Outcome("Failed", "A", "B"))
    found = find(table, str(seen.id))
    assert found
    assert found.state == "Succeeded"


def test_states_are_derived_from_the_row(table):
    row = put(table, f"{GROUP}/providers/A.B/things/one")

    assert row.state == "Creating"
    assert replace(row, generation=2, settled_generation=1).state == "Updating"
    assert replace(row, generation=2, settled_generation=1, deleting=True).state == "Deleting"
    settled = replace(row, settled_generation=1)
    assert settled.state == "Succeeded"
    assert replace(settled, outcome=arm.Outcome("Failed", "A", "B")).state == "Failed"


def test_a_failed_deletion_leaves_a_resource_that_can_be_deleted_again(table):
    row = put(table, f"{GROUP}/providers/A.B/things/one")
    leaving = replace(row, generation=2, deleting=True)
    table.store.write_now(lambda conn: table.put(conn, leaving))
    settle(table, leaving, arm.Outcome("Failed", "A", "B"))

    found = find(table, str(row.id))

    assert found
    assert (found.state, found.deleting) == ("Failed", False)


def test_every_change_has_another_etag(table):
    row = put(table, f"{GROUP}/providers/A.B/things/one")
    again = put(table, f"{GROUP}/providers/A.B/things/one")

    tags = {row.etag, again.etag, replace(row, generation=2).etag}
    assert len(tags | {replace(row, settled_generation=1).etag}) == 4


def test_a_stamp_says_who_it_was():
    now = core.parse_time("2026-11-23T10:00:00Z")
    kind = access.PrincipalType.SERVICE_PRINCIPAL
    stamp = arm.make_stamp(now, access.Principal("oid", "tid", kind, "app"), "c-1")

    assert (stamp.by, stamp.by_type, stamp.by_id) == ("app", "Application", "oid")
    assert arm.make_stamp(now).by == "Silo"
