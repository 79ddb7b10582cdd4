"""Shares that are file systems of their own: the kernel holds whoever writes to the quota."""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from silo import core, engine, storage

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
SHARE = storage.FileShare("u1", "acme", "data", 1, "Hot", {}, "", "")
MIB = 1 << 20


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    if shutil.disk_usage(tmp_path).free < 4 << 30:
        pytest.skip("a gibibyte is written, and a second one")
    yield tmp_path / "shares"
    open_tree(tmp_path / "shares").discard(SHARE)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def open_tree(root: Path) -> storage.Tree:
    return storage.Tree(root, storage.open_images())


def fill(path: Path) -> int:
    """Write until there is no room; return how many bytes there was room for."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(16 * MIB))
        except OSError as error:
            return file.tell() if error.errno == errno.ENOSPC else -1


async def test_a_group_cannot_write_more_than_the_quota_of_a_share(
    root: Path, tmp_path: Path
) -> None:
    tree = open_tree(root)
    folder = tree.ensure(SHARE)
    volumes = engine.Volumes(tmp_path / "disk", tmp_path / "memory", shares=root)
    plan = engine.VolumePlan("data", engine.Share(str(folder)))
    one, two = [await volumes.prepare(uid, plan) for uid in ("g1", "g2")]
    try:
        (one / "note").write_text("from one")
        assert (two / "note").read_text() == "from one"
        written = fill(two / "big")
        assert 1024 * MIB <= written < 1100 * MIB
        # Groups go on without Silo, and Silo that comes again sees what they see.
        tree.release()
        assert tree.ensure(SHARE).samefile(one)
        (two / "big").unlink()
        (one / "note").write_text("again")
        assert (open_tree(root).ensure(SHARE) / "note").read_text() == "again"
    finally:
        for uid in ("g1", "g2"):
            await volumes.remove(uid)


def test_a_share_outlives_its_mount_and_grows(root: Path) -> None:
    tree = open_tree(root)
    (tree.ensure(SHARE) / "note").write_text("kept")
    tree.release()
    assert not list((root / "acme" / "u1").iterdir())

    again = open_tree(root)
    again.attach()
    assert (root / "acme" / "u1" / "content" / "note").read_text() == "kept"
    larger = replace(SHARE, quota_gib=2)
    again.resize(larger)
    assert 2048 * MIB <= shutil.disk_usage(again.ensure(larger)).total < 2200 * MIB
    assert (again.ensure(larger) / "note").read_text() == "kept"


def test_a_share_that_is_no_more_leaves_nothing(root: Path) -> None:
    open_tree(root).ensure(SHARE)

    assert open_tree(root).sweep(set, core.SystemClock().now()) == 1
    assert list((root / "acme").iterdir()) == []
    assert str(root) not in Path("/proc/self/mountinfo").read_text()
