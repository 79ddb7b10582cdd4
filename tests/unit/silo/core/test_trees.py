import contextlib

import pytest
from tests.unit.silo.deep_folders import DEEP, nest

from silo import core


def test_everything_is_walked_and_goes_however_deep(tmp_path):
    nest(tmp_path / "top")
    (tmp_path / "top" / "other" / "more").mkdir(parents=True)
    (tmp_path / "top" / "link").symlink_to(tmp_path)

    found = [sorted(names) for _, names in core.walk_tree(tmp_path / "top")]
    assert len(found) == DEEP + 3
    assert found[0] == ["d", "link", "other"]
    assert found.count(["more"]) == found.count(["file"]) == 1
    core.remove_tree(tmp_path / "top")
    core.remove_tree(tmp_path / "top")

    assert not list(tmp_path.iterdir())


def test_what_a_link_points_to_stays(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    (tmp_path / "top" / "in").mkdir(parents=True)
    (tmp_path / "top" / "in" / "link").symlink_to(kept)
    (tmp_path / "link").symlink_to(kept)
    core.remove_tree(tmp_path / "top")
    with contextlib.suppress(OSError):
        core.remove_tree(tmp_path / "link")

    assert (kept / "file").exists()
    assert not (tmp_path / "top").exists()


def test_what_does_not_go_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="Not a directory"):
        core.remove_tree(tmp_path / "file")


def test_a_walk_through_folders_that_are_moved_ends(tmp_path):
    (tmp_path / "top" / "one" / "two").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    walk = core.walk_tree(tmp_path / "top")
    for _ in range(3):
        next(walk)
    (tmp_path / "top" / "one" / "two").rename(tmp_path / "elsewhere" / "two")

    with pytest.raises(OSError, match="moved"):
        list(walk)
