import pytest
from tests.unit.silo.audit.entries import add, tamper

from silo import audit, core


def check(store: core.Store) -> audit.Verification:
    return store.read_now(audit.verify)


def test_an_empty_log_and_a_whole_one_hold(store: core.Store) -> None:
    assert check(store).broken is None
    add(store, 7)

    assert (check(store).count, check(store).broken) == (7, None)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_records SET body = replace(body, 'kim', 'eve') WHERE number = 3", 3),
        ("UPDATE audit_records SET body = 'x' WHERE number = 3", 3),
        ("UPDATE audit_records SET body = x'ff' WHERE number = 3", 3),
        ("UPDATE audit_records SET hash = 'x' WHERE number = 3", 3),
        ("UPDATE audit_records SET time = '2020' WHERE number = 3", 3),
        ("UPDATE audit_records SET category = 'SignIn' WHERE number = 3", 3),
        ("UPDATE audit_records SET scope = '/' WHERE number = 3", 3),
        ("UPDATE audit_records SET correlation_id = 'x' WHERE number = 3", 3),
        ("DELETE FROM audit_records WHERE number = 1", 1),
        ("DELETE FROM audit_records WHERE number = 4", 4),
        ("UPDATE audit_records SET number = 9 WHERE number = 4", 4),
    ],
)
def test_the_first_broken_record_is_named(store: core.Store, statement: str, broken: int) -> None:
    add(store, 6)

    tamper(store, statement)

    assert check(store).broken == broken
    assert f"ecord {broken}" in check(store).reason
