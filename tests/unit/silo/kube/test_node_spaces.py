from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import engine, kube
from silo.kube import control_groups, node_files, node_spaces


@pytest.fixture
def made(monkeypatch):
    """Return the user namespaces that are made: by path, and whose they are."""
    found = {}
    monkeypatch.setattr(node_spaces, "_allow_keys", lambda: None)
    monkeypatch.setattr(engine, "is_namespace", lambda path: path in found)
    monkeypatch.setattr(
        engine, "make_users", lambda path, first, count: found.update({path: (first, count)})
    )
    return found


def ensure(folder, cluster, name="n", number=4):
    """Return who root of a cluster's node is, and the node's paths."""
    paths = kube.ClusterPaths.of_cluster(folder, folder / "run", cluster)
    node = paths.node(name, number)
    return node_spaces.ensure_users(folder, paths, node), node


def test_every_cluster_has_users_of_its_own_and_keeps_them(tmp_path, made):
    first, one = ensure(tmp_path, "one")
    second, other = ensure(tmp_path, "other")

    assert first >= 1 << 30
    assert second == first + node_spaces.IDS
    assert made == {one.users: (first, node_spaces.IDS), other.users: (second, node_spaces.IDS)}
    made.clear()
    assert ensure(tmp_path, "other")[0] == second
    assert list(made) == [other.users]


def test_clusters_may_have_a_keyring_for_each_container(tmp_path):
    (tmp_path / "maxkeys").write_text("200\n")
    (tmp_path / "maxbytes").write_text("30000000\n")

    node_spaces._allow_keys(tmp_path)

    assert int((tmp_path / "maxkeys").read_text()) == 1_000_000
    assert int((tmp_path / "maxbytes").read_text()) == 30_000_000


def test_nodes_of_a_cluster_have_the_same_users(tmp_path, made):
    first, one = ensure(tmp_path, "one", "a", 4)
    second, other = ensure(tmp_path, "one", "b", 5)

    assert first == second
    assert one.users != other.users


def test_no_two_clusters_share_users_when_there_are_no_more(tmp_path, made, monkeypatch):
    monkeypatch.setattr(node_spaces, "CLUSTERS", 1)
    ensure(tmp_path, "one")

    with pytest.raises(kube.StepFailed, match="clusters already"):
        ensure(tmp_path, "other")


def test_node_sees_nothing_of_silo_but_its_own_two_folders(tmp_path):
    node = world.written_node_in(tmp_path)
    init = node_spaces.describe_init(node, world.KIT, world.BINARIES)
    binds = {target: (how, source) for how, source, target in init.place.binds}

    ours = {target for target, (_, source) in binds.items() if source.startswith(str(tmp_path))}
    assert ours == {"/etc", "/var"}
    assert binds["/var"][1] == str(node.paths.files)
    writable = [target for target, (how, _) in binds.items() if "ro" not in how.split(",")]
    assert [each for each in writable if not each.startswith("/dev/")] == ["/var"]
    devices = {target for target in binds if target.startswith("/dev/")}
    assert devices == {
        f"/dev/{name}" for name in (["null", "zero", "full", "random", "urandom", "tty"])
    }


def test_node_of_another_size_of_the_cluster_is_the_same_node(tmp_path):
    node = world.written_node_in(tmp_path)
    larger = replace(node.cluster, nodes=(world.NODE, replace(world.NODE, name="n", place=5)))
    labelled = replace(node.plan, labels=(("a", "b"),))
    other = replace(node, cluster=larger, plan=labelled)

    digests = {
        node_spaces.describe_init(each, world.KIT, world.BINARIES).digest for each in (node, other)
    }
    assert len(digests) == 1


def test_node_begins_in_a_group_that_nobody_is_in(tmp_path, monkeypatch):
    node = world.node_in(tmp_path)
    done = []
    for name in ("kill", "make", "limit", "hand_over"):
        monkeypatch.setattr(
            control_groups, name, lambda *given, name=name: done.append((name, *given))
        )

    node_spaces.describe_init(node, world.KIT, world.BINARIES).prepare()

    group = node.group
    limit = ("limit", group, node.plan.size)
    assert done == [("kill", group), ("make", group), limit, ("hand_over", group, node.first_id)]


def test_brought_network_is_put_where_the_node_can_write_and_not_link(tmp_path):
    node = world.written_node_in(tmp_path)
    node = replace(node, cluster=replace(node.cluster, networked=False))
    node_files.write_files(node, world.KIT, world.NOW)
    binds = list(node_spaces._list_binds(node, world.KIT, world.BINARIES))
    given = {where: (how, Path(what)) for how, what, where in binds}

    for where in ("/etc/cni/net.d", "/opt/cni/bin"):
        how, source = given[where]
        assert how.startswith("rw,")
        assert source.is_dir()
        assert not source.is_relative_to(node.paths.files)
    assert list(given).index("/etc") < list(given).index("/etc/cni/net.d")
    assert (node.paths.settings / "cni/net.d").is_dir()
