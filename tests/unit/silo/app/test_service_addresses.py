"""Addresses of clusters' services, in a store."""

import pytest
from tests import databases

from silo import arm, core, engine, kube
from silo.app.service_addresses import ServiceAddresses
from silo.providers import network

ONE, TWO = "cluster.one", "cluster.two"


@pytest.fixture
def store(tmp_path):
    made = databases.open_store(tmp_path)
    yield made
    made.close()


@pytest.fixture
def addresses(store):
    pools = engine.split_pools("10.77.0.0/17", "10.77.128.0/30")
    table = arm.Resources(store, core.SystemClock())
    return ServiceAddresses(store, network.Placements(table, pools))


async def lease(addresses, owner, *, internal=False, asked=""):
    return await addresses.lease(owner, internal=internal, asked=asked)


async def test_service_has_the_same_address_every_time(addresses):
    first = await lease(addresses, ONE)

    assert await lease(addresses, ONE) == first
    assert await lease(addresses, TWO) != first
    assert await addresses.list_owners("cluster") == [ONE, TWO]
    assert await addresses.list_owners("clust") == []


async def test_full_pool_has_room_again_once_one_is_given_back(addresses):
    await lease(addresses, ONE)
    await lease(addresses, TWO)
    with pytest.raises(core.SiloError):
        await lease(addresses, "cluster.three")
    await addresses.release(ONE)

    assert await lease(addresses, "cluster.three")


async def test_internal_address_is_of_the_clusters_own_space(addresses):
    public = await lease(addresses, ONE)
    inner = await lease(addresses, ONE, internal=True)

    assert inner in {str(each) for each in kube.INNER_SPACE}
    # The public one went back.
    assert await lease(addresses, TWO) != public
    assert await lease(addresses, "other.one", internal=True) == inner
    assert await lease(addresses, ONE, internal=True, asked="10.224.230.7") == "10.224.230.7"
    with pytest.raises(engine.AddressTaken):
        await lease(addresses, TWO, internal=True, asked="10.224.230.7")


@pytest.mark.parametrize("asked", ["10.224.0.4", "192.0.2.1", "none"])
async def test_address_from_elsewhere_is_refused(addresses, asked):
    with pytest.raises(kube.ServiceRefused):
        await lease(addresses, ONE, internal=True, asked=asked)


async def test_name_leads_to_one_service_at_a_time(addresses, store):
    await addresses.name(ONE, "shop.test", "10.77.128.1")
    with pytest.raises(kube.ServiceRefused, match="taken"):
        await addresses.name(TWO, "shop.test", "10.77.128.2")
    assert store.read_now(lambda conn: engine.resolve_name(conn, "shop.test")) == "10.77.128.1"
    await addresses.name(ONE, "", "10.77.128.1")
    await addresses.name(TWO, "shop.test", "10.77.128.2")

    assert store.read_now(lambda conn: engine.resolve_name(conn, "shop.test")) == "10.77.128.2"


async def test_with_the_cluster_everything_of_its_services_goes(addresses, store):
    await lease(addresses, ONE)
    await lease(addresses, TWO, internal=True)
    await addresses.name(ONE, "shop.test", "10.77.128.1")

    def delete(conn):
        engine.release_names(conn, "cluster")
        engine.release_addresses(conn, "cluster")

    await store.write(delete)

    assert await addresses.list_owners("cluster") == []
    assert store.read_now(lambda conn: engine.resolve_name(conn, "shop.test")) == ""
