import pytest
import typer

from silo import kube
from silo.cli import clusters


class Archives:
    """Archives that are files with nothing in them."""

    def __init__(self, asked):
        self.asked = asked
        self.refused = set()

    def write(self, target):
        self._note("write")
        target.touch()

    def check(self, _source):
        self._note("check")

    def read(self, _source):
        self._note("read")

    def forget_former(self):
        self._note("forget")

    def _note(self, what):
        self.asked.append(what)
        if what in self.refused:
            raise kube.ArchiveRefused("no")


class Silo:
    """One cluster that stops and starts at once; what is asked of it is noted."""

    def __init__(self):
        self.asked, self.state, self.power = [], "Succeeded", "Running"
        self.archives = Archives(self.asked)

    def ask(self, method, action):
        if method == "POST":
            self.asked.append(action[1:])
            self.power = {"/stop": "Stopped", "/start": "Running"}[action]
        shown = {"provisioningState": self.state, "powerState": {"code": self.power}}
        return {"properties": shown}


@pytest.fixture
def silo(monkeypatch):
    made = Silo()

    def open_(cluster, *_):
        cluster.archives = made.archives

    monkeypatch.setattr(clusters._Cluster, "__init__", open_)
    monkeypatch.setattr(clusters._Cluster, "_ask", made.ask)
    return made


def test_cluster_stands_still_while_it_is_copied(silo, tmp_path):
    clusters.back_up("k", "g", tmp_path / "a")

    assert silo.asked == ["stop", "write", "start"]


def test_cluster_that_does_not_run_is_not_started(silo, tmp_path):
    silo.power = "Stopped"
    clusters.back_up("k", "g", tmp_path / "a")
    clusters.restore("k", "g", tmp_path / "a")

    assert silo.asked == ["write", "check", "read", "forget"]


def test_copy_of_a_cluster_that_somebody_started_is_not_kept(silo, tmp_path, monkeypatch):
    def write(target):
        target.touch()
        silo.power = "Running"

    monkeypatch.setattr(silo.archives, "write", write)
    with pytest.raises(typer.Exit):
        clusters.back_up("k", "g", tmp_path / "a")

    assert not (tmp_path / "a").exists()


def test_archive_that_is_not_its_own_stops_no_cluster(silo, tmp_path, capsys):
    silo.archives.refused = {"check"}
    with pytest.raises(typer.Exit) as ended:
        clusters.restore("k", "g", tmp_path / "a")

    assert (ended.value.exit_code, silo.asked) == (1, ["check"])
    assert capsys.readouterr().err == "silo: no\n"


def test_cluster_goes_on_after_an_archive_that_cannot_be_read(silo, tmp_path):
    silo.archives.refused = {"read"}
    with pytest.raises(typer.Exit):
        clusters.restore("k", "g", tmp_path / "a")

    assert silo.asked == ["check", "stop", "read", "start"]


def test_former_data_are_kept_when_the_cluster_does_not_come_up(silo, tmp_path, monkeypatch):
    def ask(method, action):
        answer = silo.ask(method, action)
        silo.state = "Failed" if action == "/start" else silo.state
        return answer

    monkeypatch.setattr(clusters._Cluster, "_ask", staticmethod(ask))
    with pytest.raises(typer.Exit):
        clusters.restore("k", "g", tmp_path / "a")

    assert silo.asked == ["check", "stop", "read", "start"]
