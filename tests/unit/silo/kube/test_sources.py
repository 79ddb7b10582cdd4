from dataclasses import replace

from tests.unit.silo.kube import kube_world as world

from silo.kube.sources import render_rules

MACHINE = "100.64.0.1"


def find_sources(*given):
    """Return who may ask the API, as the router looks it up."""
    rules = render_rules(replace(world.PLAN, api_sources=given), MACHINE)
    found = rules.find_subnet(world.PLAN.address)
    return None if found.inbound is None else {s for rule in found.inbound for s in rule.sources}


def test_api_may_be_asked_from_everywhere_unless_it_is_said_from_where():
    assert find_sources() is None


def test_only_the_cluster_and_those_named_may_ask():
    inside = {"10.224.0.0/16", "10.244.0.0/16"}

    assert find_sources("203.0.113.0/24") == {*inside, "203.0.113.0/24"}
    # Azure's way to say nobody else.
    assert find_sources("0.0.0.0/32") == {*inside, "0.0.0.0/32"}


def test_loopback_is_whoever_is_on_this_machine():
    assert f"{MACHINE}/32" in find_sources("127.0.0.1/32")
    assert f"{MACHINE}/32" in find_sources("0.0.0.0/0")


def test_nodes_are_asked_by_everybody_inside():
    rules = render_rules(replace(world.PLAN, api_sources=("203.0.113.0/24",)), MACHINE)

    assert rules.find_subnet(world.NODE.address).inbound is None
