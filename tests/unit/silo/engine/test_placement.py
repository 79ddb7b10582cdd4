import pytest

from silo import engine
from silo.engine import placement
from silo.engine.network_state import State
from silo.engine.routers import Member, Router

POOLS = engine.split_pools("10.77.0.0/17", "10.77.128.0/17")
TAKEN = Member("other", "10.77.64.2", str(POOLS.groups), "10.77.128.9")
STATE = State({"default": Router("default", 2, "10.77.0.2", (TAKEN,))})


def plan(uid="one", **parts):
    return placement.plan_member(STATE, POOLS, uid, engine.NetworkPlan(**parts))


def test_a_group_without_wishes_gets_the_next_free_address():
    assert plan().address == "10.77.64.3"


def test_a_group_keeps_its_address():
    assert plan("other").address == "10.77.64.2"


@pytest.mark.parametrize(
    "parts",
    [
        {"address": "10.77.64.2"},
        {"address": "10.0.0.4"},
        {"router": "vnet", "address": "10.0.0.4"},
        {"router": "vnet", "subnet": "10.0.0.0/24"},
        {"router": "vnet", "subnet": "10.0.0.0/24", "address": "10.0.1.4"},
        {"public_address": "10.77.128.9"},
        {"ipv6": "fd00::4"},
        {"public_address": "8.8.8.8"},
    ],
)
def test_a_plan_that_contradicts_something_is_refused(parts):
    with pytest.raises(engine.NetworkRefused):
        plan(**parts)


def test_virtual_networks_have_addresses_of_their_own():
    found = plan(router="vnet", subnet="10.77.64.0/24", address="10.77.64.2")

    assert found.address == TAKEN.address
