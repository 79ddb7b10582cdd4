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
    free = IPv4Network("100.99.64.0/18")
    monkeypatch.setattr(pools, "CLAIMS", tmp_path / "claims")
    everything = list(pools.SHARED.subnets(new_prefix=18))
    monkeypatch.setattr(pools, "list_taken", lambda: [each for each in everything if each != free])

    assert engine.choose_pools("one", tmp_path / "a") == ("100.99.64.0/19", "100.99.96.0/19")


def test_the_resolver_of_the_machine_is_taken(tmp_path, monkeypatch):
    (tmp_path / "resolv.conf").write_text("# a comment\nnameserver 100.64.0.53\nnameserver ::1\n")
    monkeypatch.setattr(pools, "_RESOLVERS", tmp_path / "resolv.conf")
    monkeypatch.setattr(pools, "_list_routes", lambda _netlink: [])

    assert pools.list_taken() == [IPv4Network("100.64.0.53/32")]


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
