"""Volumes on the real kernel and the real git; needs root."""

import contextlib
import errno
import functools
import http.server
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from silo import core, engine
from silo.engine.netns import open_socket

FIRST = 100_000
NAME = "code.example.test"
OWN = Path("/proc/self/ns/net")
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


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Stand]:
    """Make a group's network: a namespace with nothing but its own loopback, and its own names."""
    name = f"silo-test-{secrets.token_hex(4)}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    hosts = tmp_path_factory.mktemp("etc") / "hosts"
    hosts.write_text(f"127.0.0.1 {NAME}\n")
    hosts.chmod(0o644)  # as the engine writes it: git has no rights
    yield engine.Stand(Path("/run/netns") / name, {"/etc/hosts": str(hosts)})
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """Return a folder with a repository that has a hook, a link out of it and two commits."""
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
    return bare.parent


@contextlib.contextmanager
def serving(folder: Path, netns: Path) -> Iterator[tuple[int, list[str]]]:
    """Serve a folder by plain HTTP on a loopback; yield the port, and the paths asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    server.socket.close()
    # A socket is of the namespace that it was made in, whoever answers at it.
    server.socket = open_socket(netns, "127.0.0.1", 0)
    server.socket.setblocking(True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.socket.getsockname()[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def repository(served: Path, stand: engine.Stand) -> Iterator[str]:
    """Serve the repository inside the group's network."""
    with serving(served, stand.netns) as (port, _):
        yield f"http://user:hidden@{NAME}:{port}/app.git"


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
    volumes: engine.Volumes, repository: str, stand: engine.Stand, revision: str, text: str
) -> None:
    source = engine.GitRepo(repository, "app", revision)
    plan = engine.VolumePlan("g", source)
    place = await volumes.prepare("g1", plan, first_id=FIRST, stand=stand)

    assert (place / "app" / "file").read_text() == text
    assert (place / "app" / "file").stat().st_uid == FIRST
    assert (place / "app" / "link").is_symlink()
    assert not (place / "app" / ".git" / "hooks").exists()
    assert "hidden" not in (place / "app" / ".git" / "config").read_text()


async def test_a_repository_that_is_not_there_says_what_git_says(
    volumes: engine.Volumes, repository: str, stand: engine.Stand
) -> None:
    source = engine.GitRepo(repository, "app", "none")
    with pytest.raises(engine.GitFailed, match="none") as failed:
        await volumes.prepare("g1", engine.VolumePlan("g", source), stand=stand)
    assert "hidden" not in str(failed.value)


async def test_a_repository_on_the_machines_own_loopback_is_not_there(
    volumes: engine.Volumes, served: Path, stand: engine.Stand
) -> None:
    with serving(served, OWN) as (port, asked):
        plan = engine.VolumePlan("g", engine.GitRepo(f"http://127.0.0.1:{port}/app.git"))
        with pytest.raises(engine.GitFailed, match="connect"):
            await volumes.prepare("g1", plan, stand=stand)
        # Without a network of the group's own there is none to fetch it from.
        with pytest.raises(engine.GitRefused):
            await volumes.prepare("g1", plan)

    assert asked == []


async def test_a_repository_that_sends_elsewhere_is_not_followed(
    volumes: engine.Volumes, served: Path, stand: engine.Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send_elsewhere(self: http.server.SimpleHTTPRequestHandler) -> None:
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.1:{port}/app.git/info/refs")
        self.end_headers()

    with serving(served, stand.netns) as (port, asked), serving(served, stand.netns) as (first, _):
        monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "do_GET", send_elsewhere)
        plan = engine.VolumePlan("g", engine.GitRepo(f"http://{NAME}:{first}/app.git"))
        with pytest.raises(engine.GitFailed):
            await volumes.prepare("g1", plan, stand=stand)

    assert asked == []


async def test_a_repository_larger_than_its_volume_is_refused(
    volumes: engine.Volumes, served: Path, stand: engine.Stand
) -> None:
    work = served.parent / "work"
    (work / "noise").write_bytes(os.urandom(80 << 20))
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "noise"], check=True)
    subprocess.run([*git, "push", "-q", served / "app.git", "main"], check=True)
    subprocess.run(["git", "-C", served / "app.git", "update-server-info"], check=True)
    with serving(served, stand.netns) as (port, _):
        plan = engine.VolumePlan("g", engine.GitRepo(f"http://{NAME}:{port}/app.git"))
        with pytest.raises(engine.GitFailed):
            await volumes.prepare("g1", plan, stand=stand)


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


async def test_a_repository_is_given_to_a_sandbox_however_deep_it_is(
    volumes: engine.Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clone(_repo: object, inside: Path, *_words: object, owner: int, **_options: object) -> None:
        """Make more folders in each other than Python calls itself, and than fit a path."""
        folder = os.open(inside, os.O_RDONLY)
        for _ in range(2500):
            os.mkdir("d", dir_fd=folder)
            os.chown("d", owner, owner, dir_fd=folder)
            below = os.open("d", os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = below
        os.close(os.open("file", os.O_CREAT, dir_fd=folder))
        os.chown("file", owner, owner, dir_fd=folder)
        os.close(folder)

    monkeypatch.setattr("silo.engine.volumes.git.clone", clone)
    place = await volumes.prepare("g1", engine.VolumePlan("g", engine.GitRepo("https://h/app")))

    seen = []
    for folder, names in core.walk_tree(place):
        seen += [os.stat(name, dir_fd=folder, follow_symlinks=False).st_uid for name in names]
    assert seen == [0] * 2501
