"""One container group with identities, and an issuer that knows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.providers.world import TENANT
from tests.unit.silo.workload.site_world import NAMES, TEXT, FakeClock, Site

from silo import arm, core, identity, workload


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    core.KeyRing(folder)
    return folder


@pytest.fixture
def site(tmp_path: Path, key_folder: Path) -> Iterator[Site]:
    clock = FakeClock()
    store = core.Store(tmp_path / "silo.db")
    store.create_tables()
    tenant = identity.Tenant(TENANT, "silo.test", "Silo")
    resources = arm.Resources(store, clock)

    def fill(conn: core.Connection) -> arm.Resource:
        identity.put_tenant(conn, tenant)
        stamp = arm.make_stamp(clock.now())
        return resources.put(conn, resources.make(arm.parse_resource_id(TEXT), {}, stamp))

    resource = store.write_now(fill)
    issuer = identity.Issuer(store, core.KeyRing(key_folder, clock), tenant, NAMES, clock)
    yield Site(store, clock, issuer, resources, resource)
    issuer.close()
    store.close()


@pytest.fixture
def service(site: Site) -> workload.MetadataService:
    return workload.MetadataService(site.issuer, site.resources, b"k" * 32)
