import tracemalloc
from ipaddress import IPv4Address, IPv4Network

import pytest
from tests.databases import open_store

from silo import engine
from silo.engine import addresses

SUBNET = IPv4Network("10.0.0.0/29")
KEPT = range(4)


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path)
    yield made
    made.close()


def lease(store, owner, pool="subnet"):
    return store.write_now(
        lambda conn: addresses.lease_address(conn, pool, SUBNET, owner, reserved=KEPT)
    )


def test_an_owner_keeps_its_address(store):
    assert lease(store, "one") == lease(store, "one") == IPv4Address("10.0.0.4")
    assert lease(store, "two") == IPv4Address("10.0.0.5")


def test_an_address_given_back_is_the_last_to_be_given_out_again(store):
    lease(store, "one")
    store.write_now(lambda conn: addresses.release_addresses(conn, "one"))

    assert [str(lease(store, name)) for name in "abc"] == [
        "10.0.0.5",
        "10.0.0.6",
        "10.0.0.4",
    ]


def test_a_full_subnet_has_none(store):
    for name in "abc":
        lease(store, name)

    with pytest.raises(engine.PoolExhausted):
        lease(store, "e")
    assert lease(store, "e", "another")


def test_an_address_has_one_holder(store):
    wanted = IPv4Address("10.0.0.6")
    store.write_now(lambda conn: addresses.take_address(conn, "subnet", wanted, "one"))
    store.write_now(lambda conn: addresses.take_address(conn, "subnet", wanted, "one"))

    with pytest.raises(engine.AddressTaken):
        store.write_now(lambda conn: addresses.take_address(conn, "subnet", wanted, "two"))


def test_the_largest_subnet_costs_no_more_than_the_smallest(store):
    large = IPv4Network("10.0.0.0/8")
    tracemalloc.start()
    try:
        given = store.write_now(
            lambda conn: addresses.lease_address(conn, "large", large, "one", reserved=KEPT)
        )
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert str(given) == "10.0.0.4"
    assert most < 4_000_000
