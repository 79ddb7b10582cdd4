"""A share's folder, and what a hostile container may have put into it."""

import os
import stat
from pathlib import Path

import pytest

from silo import storage
from silo.storage import errors
from silo.storage.attributes import Attributes
from silo.storage.tree import Tree

SHARE = storage.FileShare("uid", "account", "share", 1, "Hot", {}, "", "")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "secret").write_text("outside")
    (tmp_path / "elsewhere").mkdir()
    return Tree(tmp_path / "shares")


@pytest.fixture
def folder(tree: Tree) -> Path:
    return tree.ensure(SHARE)


def make(tree: Tree, *parts: str, size: int = 0) -> None:
    tree.create_file(SHARE, parts, size, Attributes())


def test_a_share_and_what_is_made_in_it_is_open_to_every_group(tree: Tree, folder: Path) -> None:
    old = os.umask(0o077)
    try:
        make(tree, "file")
        tree.create_folder(SHARE, ("folder",), Attributes())
        (folder / "theirs").touch()
    finally:
        os.umask(old)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
    assert stat.S_IMODE(folder.parents[1].stat().st_mode) == 0o700
    assert modes["file"] == 0o666
    assert modes["folder"] == 0o777
    assert modes["theirs"] in {0o666, 0o600}  # without ACLs, the umask holds


def test_no_link_leads_out_of_the_share(tree: Tree, folder: Path, tmp_path: Path) -> None:
    (folder / "file").symlink_to(tmp_path / "secret")
    (folder / "dir").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling").symlink_to(tmp_path / "made")

    for write in (False, True):
        for name in ("file", "dangling"):
            with (
                pytest.raises(errors.ResourceTypeMismatch),
                tree.open_file(SHARE, (name,), write=write),
            ):
                pass
    with pytest.raises(errors.ParentNotFound):
        make(tree, "dir", "new")
    with pytest.raises(errors.ParentNotFound):
        tree.create_folder(SHARE, ("dir", "new"), Attributes())
    with pytest.raises(errors.ResourceNotFound):
        tree.list_entries(SHARE, ("dir",))
    with pytest.raises(errors.ResourceTypeMismatch):
        tree.delete_folder(SHARE, ("dir",))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "made").exists()


def test_a_link_is_replaced_or_deleted_never_followed(
    tree: Tree, folder: Path, tmp_path: Path
) -> None:
    (folder / "one").symlink_to(tmp_path / "secret")
    (folder / "two").symlink_to(tmp_path / "secret")

    make(tree, "one", size=3)
    tree.delete_file(SHARE, ("two",))

    assert (tmp_path / "secret").read_text() == "outside"
    assert (folder / "one").is_file()
    assert not (folder / "one").is_symlink()


def test_a_pipe_blocks_nobody(tree: Tree, folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    for write in (False, True):
        with (
            pytest.raises(errors.ResourceTypeMismatch),
            tree.open_file(SHARE, ("pipe",), write=write),
        ):
            pass
    assert [entry.is_regular for entry in tree.list_entries(SHARE, ())] == [False]


def test_paths_that_are_not_there_are_told_apart(tree: Tree) -> None:
    make(tree, "file")

    with pytest.raises(errors.ParentNotFound):
        make(tree, "none", "file")
    with pytest.raises(errors.ParentNotFound):
        tree.delete_file(SHARE, ("none", "file"))
    with pytest.raises(errors.ResourceNotFound):
        tree.delete_file(SHARE, ("none",))
    with pytest.raises(errors.ResourceNotFound):
        tree.list_entries(SHARE, ("none",))
    with pytest.raises(errors.ParentNotFound):
        make(tree, "file", "below")


def test_a_directory_is_deleted_only_when_it_is_empty(tree: Tree) -> None:
    tree.create_folder(SHARE, ("d",), Attributes())
    make(tree, "d", "f")

    with pytest.raises(errors.DirectoryNotEmpty):
        tree.delete_folder(SHARE, ("d",))
    with pytest.raises(errors.ResourceTypeMismatch):
        tree.delete_file(SHARE, ("d",))
    with pytest.raises(errors.ResourceTypeMismatch):
        make(tree, "d")
    with pytest.raises(errors.ResourceAlreadyExists):
        tree.create_folder(SHARE, ("d",), Attributes())
    tree.delete_file(SHARE, ("d", "f"))
    tree.delete_folder(SHARE, ("d",))


def test_usage_counts_files_once_and_follows_nothing(
    tree: Tree, folder: Path, tmp_path: Path
) -> None:
    make(tree, "a", size=10)
    (folder / "b").hardlink_to(folder / "a")
    (folder / "c").symlink_to(tmp_path / "secret")

    assert tree.measure(SHARE) == 10


def test_folders_of_shares_that_are_no_more_are_swept(tree: Tree, folder: Path) -> None:
    make(tree, "a")

    assert tree.sweep(lambda: {"uid"}) == 0
    assert tree.sweep(set) == 1
    assert not folder.exists()
