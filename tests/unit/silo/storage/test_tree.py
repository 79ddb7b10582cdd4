"""A share's folder, and what a hostile container may have put into it."""

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.silo.deep_folders import nest

from silo import core, engine, storage
from silo.storage import errors
from silo.storage.attributes import Attributes
from silo.storage.images import Images
from silo.storage.shares import GIB
from silo.storage.tree import Tree

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)

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


def test_usage_is_counted_however_deep_folders_are(tree: Tree, folder: Path) -> None:
    make(tree, "a", size=10)
    nest(folder / "deep")
    try:
        assert tree.measure(SHARE) == 10
    finally:
        core.remove_tree(folder / "deep")


def test_folders_of_shares_that_are_no_more_are_swept(tree: Tree, folder: Path) -> None:
    make(tree, "a")

    assert tree.sweep(lambda: {"uid"}, NOW) == 0
    assert tree.sweep(set, NOW) == 1
    assert not folder.exists()


def test_what_a_killed_process_had_begun_is_swept_and_was_never_in_the_share(
    tree: Tree, folder: Path
) -> None:
    make(tree, "old")
    parts = folder.parents[1] / ".parts"
    (parts / "begun").write_text("half")
    old = NOW.timestamp() - 3600
    os.utime(parts / "begun", (old, old))
    (parts / "beginning").write_text("half")
    os.utime(parts / "beginning", (NOW.timestamp(), NOW.timestamp()))

    for name in (".uid.img.begun", ".uid.begun"):
        (folder.parent / name).touch()
        os.utime(folder.parent / name, (old, old))

    assert tree.sweep(lambda: {"uid"}, NOW) == 0
    assert [path.name for path in folder.parent.iterdir()] == ["uid"]
    assert [path.name for path in parts.iterdir()] == ["beginning"]
    assert [entry.name for entry in tree.list_entries(SHARE, ())] == ["old"]


class FakeKernel:
    """Mounts by links: what an image holds lies in a folder beside it."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.sizes: dict[str, int] = {}
        self.elsewhere: set[Path] = set()

    def make_image(self, image: Path, size: int) -> None:
        with image.open("xb") as file:
            file.truncate(size)

    def mount_image(self, image: Path, path: Path) -> None:
        if self.refuses:
            raise engine.MountFailed("no loop devices")
        inside = image.with_name("inside")
        inside.mkdir(exist_ok=True)
        path.rmdir()
        path.symlink_to(inside)

    def grow_image(self, image: Path, path: Path, size: int) -> bool:
        os.truncate(image, size)
        return True

    def unmount(self, path: Path) -> None:
        if path.is_symlink():
            path.unlink()
            path.mkdir()

    def is_mounted_elsewhere(self, path: Path) -> bool:
        return path in self.elsewhere


def test_a_share_smaller_than_the_disk_is_a_file_system_of_its_own(tmp_path: Path) -> None:
    kernel = FakeKernel()
    tree = Tree(tmp_path / "shares", Images(kernel))
    folder = tree.ensure(SHARE)
    make(tree, "kept")
    (image,) = tmp_path.glob("shares/account/.uid.img")

    assert tree.open_for_group(SHARE, read_only=False) == folder
    assert SHARE.quota_gib * GIB < image.stat().st_size < 1.2 * GIB
    assert (folder / "kept").exists()
    tree.release()
    with pytest.raises(errors.ServerBusy):
        Tree(tmp_path / "shares").ensure(SHARE)  # not the empty folder below the mount
    assert (tree.ensure(SHARE) / "kept").exists()
    tree.resize(replace(SHARE, quota_gib=2))
    assert image.stat().st_size > 2 * GIB
    tree.discard(SHARE)
    assert list((tmp_path / "shares" / "account").glob("*uid*")) == []


def test_a_share_that_a_group_has_stays_mounted(tmp_path: Path) -> None:
    kernel = FakeKernel()
    tree = Tree(tmp_path / "shares", Images(kernel))
    folder = tree.ensure(SHARE)
    kernel.elsewhere = {folder.parent}
    tree.release()

    assert folder.is_dir()


def test_a_group_that_would_not_be_held_to_a_quota_does_not_write(tmp_path: Path) -> None:
    large = replace(SHARE, uid="large", quota_gib=100_000)
    tree = Tree(tmp_path / "shares", Images(FakeKernel(refuses=True)))
    made = [tree.ensure(share) for share in (SHARE, large)]

    with pytest.raises(errors.QuotaNotBinding):
        tree.open_for_group(SHARE, read_only=False)
    assert tree.open_for_group(SHARE, read_only=True) == made[0]
    assert tree.open_for_group(large, read_only=False) == made[1]  # the disk is smaller


def test_a_share_is_located_without_making_it(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "shares", Images(FakeKernel()))
    place = tree.locate_for_group(SHARE, read_only=False)

    assert not (tmp_path / "shares").exists()
    assert tree.open_for_group(SHARE, read_only=False).is_relative_to(place)


def test_a_quota_that_is_known_to_bind_nobody_is_told_at_once(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "shares", Images(FakeKernel(refuses=True)))
    folder = tree.ensure(SHARE)

    with pytest.raises(errors.QuotaNotBinding):
        tree.locate_for_group(SHARE, read_only=False)
    assert tree.locate_for_group(SHARE, read_only=True) == folder


def test_a_share_that_another_worker_makes_meanwhile_is_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = FakeKernel()
    tree, other = (Tree(tmp_path / "shares", Images(kernel)) for _ in range(2))
    content = tree.ensure(SHARE)
    tree.discard(SHARE)
    looks = []

    def is_dir(path: Path) -> bool:
        if path == content.parent and not looks:
            looks.append(path)  # this worker has just seen that there is no image
            other.ensure(SHARE)
        return os.path.isdir(path)  # noqa: PTH112 - what is replaced

    monkeypatch.setattr(Path, "is_dir", is_dir)

    assert tree.ensure(SHARE) == content
    assert looks


def test_a_share_that_is_deleted_while_it_grows_is_let_be(tmp_path: Path) -> None:
    images = Images(FakeKernel())
    tree = Tree(tmp_path / "shares", images)
    folder = tree.ensure(SHARE).parent
    tree.discard(SHARE)

    images.grow(folder, 2 * GIB)
    assert list(folder.parent.glob("*uid*")) == []
