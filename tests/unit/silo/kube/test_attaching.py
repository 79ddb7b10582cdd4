import os

from silo.kube import attaching


def test_nodes_are_known_by_the_notes_of_their_first_processes(tmp_path):
    for name in ("init-a.json", "kubelet-a.json", "init-b.part", "init-b.json", "etcd.json"):
        (tmp_path / name).touch()

    assert list(attaching.list_nodes(tmp_path)) == ["a", "b"]


def test_volume_is_where_a_node_has_it_mounted(monkeypatch):
    monkeypatch.setattr(attaching, "IN_NODE", attaching.Path("/"))
    found = attaching.list_attached({"here": os.getpid(), "ended": 0})

    assert found["proc"] == {"here"}
    assert all(nodes == {"here"} for nodes in found.values())
