"""What stands above a resource: missing, leaving or locked scopes say so."""

from dataclasses import replace

import pytest
from tests.databases import open_store

from silo import arm, core
from silo.arm.scopes import check_locks, check_scope

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/Group"
THING = f"{GROUP}/providers/Silo.Test/things/one"
PART = f"{THING}/parts/p"


@pytest.fixture
def table(tmp_path):
    store = open_store(tmp_path)
    return arm.Resources(store, core.SystemClock())


@pytest.fixture
def run(table):
    return table.store.write_now


def put(table, text, *, deleting=False, **properties):
    id_ = arm.parse_resource_id(text)
    stamp = arm.make_stamp(table.clock.now())
    made = table.make(id_, {"properties": properties}, stamp)
    table.store.write_now(lambda conn: table.put(conn, replace(made, deleting=deleting)))


def check(table, text, **options):
    id_ = arm.parse_resource_id(text)
    return table.store.read_now(lambda conn: check_scope(conn, id_, **options))


def lock(table, scope, level):
    put(table, f"{scope}/providers/Microsoft.Authorization/locks/l", level=level)


def check_lock(table, text, *, deleting):
    id_ = arm.parse_resource_id(text)
    table.store.read_now(lambda conn: check_locks(conn, id_, deleting=deleting))


def test_a_scope_comes_back_in_its_stored_casing(table):
    put(table, SUBSCRIPTION)
    put(table, GROUP)

    assert str(check(table, GROUP.lower())) == GROUP
    assert str(check(table, "/")) == "/"


def test_the_outermost_missing_scope_is_named(table):
    with pytest.raises(arm.SubscriptionNotFound):
        check(table, PART)
    put(table, SUBSCRIPTION)
    with pytest.raises(arm.ResourceGroupNotFound, match="'Group'"):
        check(table, PART)
    put(table, GROUP)
    with pytest.raises(arm.ResourceNotFound, match=r"Silo\.Test/things/one"):
        check(table, THING)
    with pytest.raises(arm.ParentResourceNotFound, match="'one'"):
        check(table, THING, child=True)


def test_nothing_new_is_made_in_what_is_leaving(table):
    put(table, SUBSCRIPTION)
    put(table, GROUP, deleting=True)

    assert check(table, GROUP)
    with pytest.raises(arm.ResourceGroupBeingDeleted):
        check(table, GROUP, writing=True)


@pytest.mark.parametrize("scope", [SUBSCRIPTION, GROUP, THING])
def test_a_lock_holds_at_its_scope_and_below(table, scope):
    lock(table, scope, "CanNotDelete")

    check_lock(table, PART, deleting=False)
    with pytest.raises(arm.ScopeLocked, match=f"locked: '{scope}'"):
        check_lock(table, PART, deleting=True)


def test_a_read_only_lock_forbids_writing_too(table):
    lock(table, GROUP, "ReadOnly")

    with pytest.raises(arm.ScopeLocked, match="cannot perform write operation"):
        check_lock(table, THING, deleting=False)
    check_lock(table, SUBSCRIPTION, deleting=False)


def test_what_holds_something_locked_cannot_be_deleted(table):
    lock(table, THING, "CanNotDelete")

    with pytest.raises(arm.ScopeLocked):
        check_lock(table, GROUP, deleting=True)
    check_lock(table, f"{GROUP}2", deleting=True)
    check_lock(table, f"{THING}2", deleting=True)
