from ipaddress import IPv4Address, IPv4Network

import pytest

from silo import engine
from silo.engine import pools


def test_the_group_pool_has_room_for_the_host_routers_and_groups():
    found = engine.split_pools("10.77.0.0/17", "10.77.128.0/17")

    assert found.host == IPv4Address("10.77.0.1")
    assert found.host in found.uplinks
    assert not found.uplinks.overlaps(found.groups)
    assert found.groups == IPv4Network("10.77.64.0/18")
    assert found.everything == ("10.77.0.0/17", "10.77.128.0/17")


@pytest.mark.parametrize(
    ("group", "public"),
    [
        ("10.0.0.0/25", "10.1.0.0/24"),
        ("10.0.0.0/16", "10.0.1.0/24"),
        ("nonsense", "10.1.0.0/24"),
        ("10.0.0.1/16", "10.1.0.0/24"),
        ("fd00::/64", "10.1.0.0/24"),
    ],
)
def test_pools_that_cannot_be_used_are_refused(group, public):
    with pytest.raises(engine.PoolInvalid):
        engine.split_pools(group, public)


def test_chosen_pools_avoid_what_the_machine_uses(tmp_path, monkeypatch):
    free = IPv4Network("10.99.0.0/16")
    monkeypatch.setattr(pools, "CLAIMS", tmp_path / "claims")
    everything = list(IPv4Network("10.0.0.0/8").subnets(new_prefix=16))
    monkeypatch.setattr(pools, "list_taken", lambda: [each for each in everything if each != free])

    assert engine.choose_pools("one", tmp_path / "a") == ("10.99.0.0/17", "10.99.128.0/17")


def test_two_instances_of_one_machine_choose_different_pools(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "CLAIMS", tmp_path / "claims")
    monkeypatch.setattr(pools, "list_taken", list)
    for name in ("a", "b"):
        (tmp_path / name / "public").mkdir(parents=True)
        (tmp_path / name / "public" / "instance.json").touch()

    one = engine.choose_pools("same", tmp_path / "a")
    assert engine.choose_pools("same", tmp_path / "a") == one
    assert engine.choose_pools("same", tmp_path / "b") != one


def test_the_pool_of_an_instance_that_is_gone_is_free_again(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "CLAIMS", tmp_path / "claims")
    monkeypatch.setattr(pools, "list_taken", list)

    one = engine.choose_pools("same", tmp_path / "gone")
    assert engine.choose_pools("same", tmp_path / "b") == one
