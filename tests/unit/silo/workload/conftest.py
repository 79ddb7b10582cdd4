"""One container group with identities, and an issuer that knows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.silo.workload.site_world import FakeClock, Site, no_nodes, open_site

from silo import core, workload


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    core.KeyRing(folder)
    return folder


@pytest.fixture
def site(tmp_path: Path, key_folder: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, key_folder, FakeClock())


@pytest.fixture
def service(site: Site) -> workload.MetadataService:
    return workload.MetadataService(site.issuer, site.resources, b"k" * 32, no_nodes)
