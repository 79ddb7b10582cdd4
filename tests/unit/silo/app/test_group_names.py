import pytest
from tests.databases import open_store

from silo import engine, front
from silo.app.group_names import GroupNames
from silo.engine import tables

WEB = "web.westeurope.azurecontainer.silo.test"


@pytest.fixture
def known(tmp_path):
    store = open_store(tmp_path)
    store.write_now(lambda conn: engine.claim_name(conn, WEB, "uid"))
    yield GroupNames(store, front.Names("silo.test", 8443), "10.77.0.1")
    store.close()


def test_a_group_on_the_network_is_found_by_its_name(known):
    known.store.write_now(lambda conn: tables.point_names(conn, "uid", "10.9.9.9"))

    assert known.find_group(f"{WEB.upper()}:80") == "10.9.9.9"
    assert known.list_addresses(WEB) == ["10.9.9.9"]


@pytest.mark.parametrize(
    "name",
    [
        WEB,
        "none.westeurope.azurecontainer.silo.test",
        "none-1234.hcp.westeurope.azmk8s.silo.test",
    ],
)
def test_a_group_that_is_not_there_has_no_address(known, name):
    assert known.find_group(name) == ""
    assert known.list_addresses(name) == []


def test_every_other_name_of_the_domain_leads_to_the_doors(known):
    assert known.find_group("one.azurecr.silo.test") is None
    assert known.list_addresses("one.azurecr.silo.test") == ["10.77.0.1"]
    assert known.list_addresses("example.com") is None
