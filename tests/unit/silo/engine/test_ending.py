from pathlib import Path

import pytest

from silo import engine


@pytest.fixture
def paths(tmp_path: Path) -> engine.Paths:
    found = engine.Paths(tmp_path / "state", tmp_path / "run")
    (found.run / "containerd").mkdir(parents=True)
    (found.run / "clusters").mkdir()
    return found


def test_an_engine_without_groups_and_clusters_is_idle(paths: engine.Paths) -> None:
    assert engine.is_idle(paths)


@pytest.mark.parametrize("kept", ["network.json", "clusters/one"])
def test_what_goes_on_without_silo_is_found_again(paths: engine.Paths, kept: str) -> None:
    (paths.run / kept).touch()

    assert not engine.is_idle(paths)
