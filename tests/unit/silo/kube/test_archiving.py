import io
import json
import os
import tarfile

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import archiving
from silo.kube.errors import ArchiveRefused

SIZE = 64 << 20


@pytest.fixture
def paths(tmp_path):
    """Return a cluster that has stored something."""
    made = world.paths_in(tmp_path)
    for folder in (made.etcd / "member", made.pki, made.config, made.disks, made.state / "nodes"):
        folder.mkdir(parents=True)
    (made.etcd / "member" / "db").write_text("objects")
    (made.pki / "ca.key").write_text("key")
    (made.state / "version").write_text("1.36.3")
    with (made.disks / "pvc-1.img").open("wb") as disk:
        disk.truncate(SIZE)
        disk.seek(SIZE // 2)
        disk.write(b"data")
    return made


def read(paths, source):
    archiving.read_archive(paths, source, lambda _: None)


def test_what_was_stored_comes_back_and_what_came_later_is_gone(paths, tmp_path):
    target = tmp_path / "archive"
    archiving.write_archive(paths, {"uid": "u"}, target)
    (paths.etcd / "member" / "db").write_text("other")
    (paths.disks / "pvc-2.img").touch()
    (paths.state / "nodes" / "kept").touch()
    seen = []

    archiving.read_archive(paths, target, seen.append)

    assert seen == [{"uid": "u"}]
    assert (paths.etcd / "member" / "db").read_text() == "objects"
    assert [one.name for one in paths.disks.iterdir()] == ["pvc-1.img"]
    assert (paths.state / "nodes" / "kept").exists()
    former = paths.state / "before-restore"
    assert (former / "etcd" / "member" / "db").read_text() == "other"
    archiving.forget_former(paths)
    assert not former.exists()


def test_archive_is_for_root_alone_and_no_larger_than_what_was_written(paths, tmp_path):
    target = tmp_path / "archive"
    archiving.write_archive(paths, {}, target)
    read(paths, target)

    assert target.stat().st_mode & 0o777 == 0o600
    assert target.stat().st_size < SIZE // 16
    disk = paths.disks / "pvc-1.img"
    assert (disk.stat().st_size, disk.stat().st_mode & 0o777) == (SIZE, 0o600)
    assert disk.stat().st_blocks * 512 < SIZE // 2
    assert disk.read_bytes()[SIZE // 2 :].startswith(b"data")


def test_nothing_is_overwritten_and_nothing_half_is_left(paths, tmp_path, monkeypatch):
    target = tmp_path / "archive"
    target.write_text("mine")
    with pytest.raises(ArchiveRefused, match="already"):
        archiving.write_archive(paths, {}, target)
    assert target.read_text() == "mine"

    monkeypatch.setattr(archiving, "_PARTS", ("etcd", "pki"))
    monkeypatch.setattr(archiving, "SYSTEM_PATH", str(tmp_path))
    with pytest.raises(OSError, match="tar"):
        archiving.write_archive(paths, {}, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_folder_of_before_there_were_images_is_told(paths, tmp_path):
    (paths.disks / "pvc-old").mkdir()

    with pytest.raises(ArchiveRefused, match="pvc-old"):
        archiving.write_archive(paths, {}, tmp_path / "archive")


def test_cluster_that_has_stored_nothing_is_told(tmp_path):
    with pytest.raises(ArchiveRefused, match="not here"):
        archiving.write_archive(world.paths_in(tmp_path), {}, tmp_path / "archive")


def test_archive_that_is_refused_changes_nothing(paths, tmp_path):
    target = tmp_path / "archive"
    archiving.write_archive(paths, {}, target)
    (paths.etcd / "member" / "db").write_text("other")

    def refuse(_about):
        raise ArchiveRefused("no")

    with pytest.raises(ArchiveRefused, match="no"):
        archiving.read_archive(paths, target, refuse)
    assert (paths.etcd / "member" / "db").read_text() == "other"
    assert not (paths.state / "restore.part").exists()


def describe(name, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        describe("../escaped"),
        describe("etcd/../../escaped"),
        describe("/escaped"),
        describe("nodes/escaped"),
        describe("first-id"),
        describe("etcd"),
        describe("etcd/link", tarfile.SYMTYPE, "/etc"),
        describe("etcd/link", tarfile.LNKTYPE, "/etc/passwd"),
        describe("etcd/null", tarfile.CHRTYPE),
        describe("etcd/pipe", tarfile.FIFOTYPE),
        describe("pki/ca.key"),
    ],
)
def test_archive_that_somebody_else_made_leads_nowhere(paths, tmp_path, member):
    source = tmp_path / "archive"
    with tarfile.open(source, "w:gz") as archive:
        about = describe("about.json")
        about.size = 2
        archive.addfile(about, io.BytesIO(b"{}"))
        archive.addfile(describe("pki/ca.key"))
        archive.addfile(member)
    before = sorted(os.walk(tmp_path))

    with pytest.raises(ArchiveRefused):
        read(paths, source)

    assert sorted(os.walk(tmp_path)) == before
    assert (paths.pki / "ca.key").read_text() == "key"


@pytest.mark.parametrize("about", [b"", b"[]", b"{", json.dumps({"x": "y" * (1 << 16)}).encode()])
def test_what_is_no_archive_is_told(paths, tmp_path, about):
    source = tmp_path / "archive"
    with tarfile.open(source, "w:gz") as archive:
        member = describe("about.json")
        member.size = len(about)
        archive.addfile(member, io.BytesIO(about))
        archive.addfile(describe("etcd/member", tarfile.DIRTYPE))

    with pytest.raises(ArchiveRefused, match="no archive"):
        read(paths, source)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08\x00"])
def test_file_of_another_kind_is_told(paths, tmp_path, content):
    source = tmp_path / "archive"
    source.write_bytes(content)

    with pytest.raises(ArchiveRefused):
        read(paths, source)
    with pytest.raises(ArchiveRefused):
        read(paths, tmp_path / "missing")
