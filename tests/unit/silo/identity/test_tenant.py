"""Promises of silo.identity.tenant."""

from pathlib import Path

import pytest

from silo import core, identity


def test_the_tenant_that_was_put_is_got(tmp_path: Path) -> None:
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    tenant = identity.Tenant("11111111-1111-4111-8111-111111111111", "silo.test", "Silo")

    with pytest.raises(LookupError):
        store.read_now(identity.get_tenant)
    store.write_now(lambda conn: identity.put_tenant(conn, tenant))

    assert store.read_now(identity.get_tenant) == tenant
    store.close()
