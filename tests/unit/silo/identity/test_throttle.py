from datetime import UTC, datetime, timedelta

from silo import core
from silo.identity.settings import IdentitySettings
from silo.identity.throttle import Throttle, clear_failures, find_lock, record_failure

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SETTINGS = IdentitySettings(
    account_failures=3, account_total_failures=5, address_failures=6, lockout_s=60
)


def fail(store: core.Store, throttle: Throttle, now: datetime = NOW) -> datetime | None:
    def write(conn: core.Connection) -> datetime | None:
        record_failure(conn, throttle, SETTINGS, now)
        return find_lock(conn, throttle, SETTINGS, now)

    return store.write_now(write)


def test_the_last_allowed_failure_locks(store: core.Store) -> None:
    here = Throttle("ada", "192.0.2.1")

    assert [fail(store, here) for _ in range(3)] == [None, None, NOW + timedelta(seconds=60)]


def test_each_lockout_doubles(store: core.Store) -> None:
    here = Throttle("ada", "192.0.2.1")
    for _ in range(3):
        fail(store, here)
    later = NOW + timedelta(seconds=61)

    assert fail(store, here, later) == later + timedelta(seconds=120)


def test_failures_are_forgotten(store: core.Store) -> None:
    here = Throttle("ada", "192.0.2.1")
    fail(store, here)
    fail(store, here)

    assert fail(store, here, NOW + timedelta(hours=1)) is None


def test_many_addresses_lock_the_account_everywhere(store: core.Store) -> None:
    for number in range(5):
        fail(store, Throttle("ada", f"192.0.2.{number}"))

    owner = Throttle("ADA", "198.51.100.1")
    assert store.read_now(lambda conn: find_lock(conn, owner, SETTINGS, NOW))


def test_many_accounts_lock_the_address(store: core.Store) -> None:
    for number in range(6):
        fail(store, Throttle(f"user{number}", "192.0.2.1"))

    other = Throttle("ada", "192.0.2.1")
    assert store.read_now(lambda conn: find_lock(conn, other, SETTINGS, NOW))


def test_success_forgives_only_the_account_at_its_address(store: core.Store) -> None:
    here = Throttle("ada", "192.0.2.1")
    fail(store, here)
    fail(store, here)
    store.write_now(lambda conn: clear_failures(conn, here, SETTINGS))

    assert fail(store, here) is None
    assert fail(store, Throttle("ada", "192.0.2.2")) is None
    assert fail(store, Throttle("ada", "192.0.2.3")) is not None
