"""Promises of silo.identity.bootstrap."""

from pathlib import Path

import pytest
from tests.unit.silo.identity.conftest import TENANT, FakeClock

from silo import audit, core, identity
from silo.identity import credentials, directory_roles


def test_the_first_start_makes_an_administrator_and_a_service_principal_that_can_sign_in(
    tmp_path: Path, clock: FakeClock
) -> None:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()

    made = identity.bootstrap(store, TENANT, clock)

    user = store.read_now(lambda conn: identity.find_user(conn, "ADMIN@silo.test"))
    assert user is not None
    assert user.id == made.administrator_object_id
    assert credentials.verify_password(user.password_hash, made.administrator_password)
    [secret] = store.read_now(lambda c: credentials.list_sign_in_passwords(c, made.client_id))
    assert credentials.matches_secret(secret, made.client_secret)
    for object_id in (made.administrator_object_id, made.service_principal_object_id):
        held = store.read_now(
            lambda conn, oid=object_id: directory_roles.list_directory_roles(conn, oid)
        )
        assert held == {directory_roles.GLOBAL_ADMINISTRATOR}
    assert store.read_now(audit.verify).count == 1
    assert made.client_secret not in repr(made)
    with pytest.raises(identity.ObjectConflict):
        identity.bootstrap(store, TENANT, clock)
    store.close()


def test_an_instance_without_a_tenant_is_not_bootstrapped(tmp_path: Path) -> None:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()

    assert not store.read_now(identity.is_bootstrapped)
    store.close()
