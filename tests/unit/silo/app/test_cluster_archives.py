import pytest
from tests.unit.silo.kube import kube_world as world

from silo import app, kube

ABOUT = {"format": 1, "uid": world.UID, "version": "1.36.3"}


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Return the archives of a cluster that has stored something."""
    paths = world.paths_in(tmp_path)
    paths.etcd.mkdir(parents=True)
    (paths.state / "version").write_text("1.36.3")
    made = app.ClusterArchives(None, "/subscriptions/s/k")
    monkeypatch.setattr(app.ClusterArchives, "_locate", lambda _: (world.UID, paths))
    return made


def test_archive_says_which_cluster_it_is_of(archives, monkeypatch):
    told = []
    monkeypatch.setattr(kube, "write_archive", lambda _paths, about, _target: told.append(about))
    archives.write(None)

    (about,) = told
    assert about.items() >= ABOUT.items()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "another version of Silo"),
        ({"uid": "other"}, "another cluster"),
        ({"version": "1.35.4"}, "1.36.3"),
    ],
)
def test_archive_of_something_else_is_not_put_back(archives, tmp_path, change, reason):
    target = tmp_path / "archive"
    paths = archives._locate()[1]
    kube.write_archive(paths, {**ABOUT, **change}, target)
    (paths.etcd / "newer").touch()

    for look in (archives.check, archives.read):
        with pytest.raises(kube.ArchiveRefused, match=reason):
            look(target)
    assert (paths.etcd / "newer").exists()


def test_archive_of_the_cluster_is_put_back(archives, tmp_path):
    archives.write(tmp_path / "archive")
    paths = archives._locate()[1]
    (paths.etcd / "newer").touch()
    archives.read(tmp_path / "archive")
    archives.forget_former()

    assert not (paths.etcd / "newer").exists()
    assert not (paths.state / "before-restore").exists()
