"""Volumes on the real kernel and the real git; needs root."""

import errno
import functools
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from silo import engine

FIRST = 100_000
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def volumes(tmp_path: Path) -> Iterator[engine.Volumes]:
    (tmp_path / "shares" / "account" / "share").mkdir(parents=True)
    made = engine.Volumes(
        tmp_path / "disk",
        tmp_path / "memory",
        shares=tmp_path / "shares",
        rules=engine.VolumeRules(bytes=64 << 20),
    )
    yield made
    for uid in ("g1", "g2"):
        made._remove(uid)
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Serve a repository with a hook, a link out of it and two commits by plain HTTP."""
    work = tmp_path / "work"
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    for text in ("one", "two"):
        (work / "file").write_text(text)
        (work / "link").unlink(missing_ok=True)
        (work / "link").symlink_to("/etc/shadow")
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", text], check=True)
        subprocess.run([*git, "tag", text], check=True)
    bare = tmp_path / "served" / "app.git"
    subprocess.run(["git", "clone", "-q", "--bare", work, bare], check=True)
    subprocess.run(["git", "-C", bare, "update-server-info"], check=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(bare.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://user:hidden@127.0.0.1:{server.server_port}/app.git"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_an_empty_dir_ends_where_its_bound_is(volumes: engine.Volumes) -> None:
    place = await volumes.prepare("g1", engine.VolumePlan("e", engine.EmptyDir()), first_id=FIRST)

    assert list(place.iterdir()) == []
    assert place.stat().st_uid == FIRST
    with pytest.raises(OSError) as refused:
        (place / "big").write_bytes(bytes(80 << 20))
    assert refused.value.errno == errno.ENOSPC


async def test_a_secret_is_in_memory_for_one_user_and_cannot_be_changed(
    volumes: engine.Volumes,
) -> None:
    secret = engine.Secret({"key": b"value"})
    place = await volumes.prepare("g1", engine.VolumePlan("s", secret), first_id=FIRST, reader=1000)

    assert (place / "key").stat().st_uid == FIRST + 1000
    line = next(
        line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(place) in line
    )
    assert " tmpfs " in line or " ramfs " in line
    with pytest.raises(OSError) as refused:
        (place / "key").write_text("other")
    assert refused.value.errno == errno.EROFS


@pytest.mark.parametrize(("revision", "text"), [("", "two"), ("one", "one")])
async def test_a_repository_is_cloned_without_rights(
    volumes: engine.Volumes, repository: str, revision: str, text: str
) -> None:
    source = engine.GitRepo(repository, "app", revision)
    place = await volumes.prepare("g1", engine.VolumePlan("g", source), first_id=FIRST)

    assert (place / "app" / "file").read_text() == text
    assert (place / "app" / "file").stat().st_uid == FIRST
    assert (place / "app" / "link").is_symlink()
    assert not (place / "app" / ".git" / "hooks").exists()
    assert "hidden" not in (place / "app" / ".git" / "config").read_text()


async def test_a_repository_that_is_not_there_says_what_git_says(
    volumes: engine.Volumes, repository: str
) -> None:
    source = engine.GitRepo(repository, "app", "none")
    with pytest.raises(engine.GitFailed, match="none") as failed:
        await volumes.prepare("g1", engine.VolumePlan("g", source))
    assert "hidden" not in str(failed.value)


async def test_a_share_is_one_folder_in_two_groups_and_read_only_where_asked(
    volumes: engine.Volumes, tmp_path: Path
) -> None:
    share = tmp_path / "shares" / "account" / "share"
    one = await volumes.prepare("g1", engine.VolumePlan("s", engine.Share(str(share))))
    two = await volumes.prepare("g2", engine.VolumePlan("s", engine.Share(str(share), True)))
    (one / "note").write_text("x")

    assert (two / "note").read_text() == "x"
    with pytest.raises(OSError) as refused:
        (two / "note").write_text("y")
    assert refused.value.errno == errno.EROFS
    await volumes.remove("g1")
    assert (share / "note").exists()


async def test_nothing_is_left_of_a_group_that_is_gone(
    volumes: engine.Volumes, tmp_path: Path
) -> None:
    place = await volumes.prepare("g1", engine.VolumePlan("e", engine.EmptyDir()))
    (place / "out").symlink_to(tmp_path / "shares")

    assert await volumes.sweep(()) == ["g1"]
    assert list((tmp_path / "disk").iterdir()) == []
    assert (tmp_path / "shares" / "account" / "share").is_dir()
