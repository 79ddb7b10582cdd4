"""Volumes on plain folders: the mounts are a fake's, the rest is real."""

import asyncio
import gc
import stat
import threading
from pathlib import Path, PurePath

import pytest

from silo import engine


class FakeMounts:
    """Remembers what would be mounted where."""

    def __init__(self) -> None:
        self.mounted: dict[Path, str] = {}
        self.sizes: dict[Path, int] = {}
        self.frozen: set[Path] = set()

    def is_mount(self, path: Path) -> bool:
        return path in self.mounted

    def mount_bounded(self, image: Path, path: Path, size: int) -> None:
        image.touch()
        self.mounted[path] = "disk"
        self.sizes[path] = size

    def mount_memory(self, path: Path, size: int) -> None:
        self.mounted[path] = "memory"
        self.sizes[path] = size

    def freeze(self, path: Path) -> None:
        self.frozen.add(path)

    def bind(self, source: int, path: Path, *, read_only: bool) -> None:
        target = Path(f"/proc/self/fd/{source}").readlink()
        self.mounted[path] = f"{'ro' if read_only else 'rw'} {target}"

    def unmount(self, path: Path) -> None:
        self.mounted.pop(path, None)

    def list_below(self, folder: Path) -> list[Path]:
        return [path for path in reversed(self.mounted) if path.is_relative_to(folder)]


@pytest.fixture
def mounts() -> FakeMounts:
    return FakeMounts()


@pytest.fixture
def volumes(tmp_path: Path, mounts: FakeMounts) -> engine.Volumes:
    (tmp_path / "shares" / "account" / "share").mkdir(parents=True)
    return engine.Volumes(
        tmp_path / "disk", tmp_path / "memory", shares=tmp_path / "shares", mounts=mounts
    )


def plan(source: engine.EmptyDir | engine.Secret | engine.Share | engine.GitRepo) -> object:
    return engine.VolumePlan("data", source)


async def test_an_empty_dir_is_bounded_writable_and_found_again(
    volumes: engine.Volumes, mounts: FakeMounts
) -> None:
    one = await volumes.prepare("g1", plan(engine.EmptyDir()))
    (one / "kept").write_text("x")
    again = await volumes.prepare("g1", plan(engine.EmptyDir()))

    assert again == one
    assert (again / "kept").exists()
    assert stat.S_IMODE(one.stat().st_mode) == 0o777
    assert stat.S_IMODE(one.parents[1].stat().st_mode) == 0o710
    assert mounts.sizes[one.parent] == 50 << 30


async def test_a_secret_lives_in_memory_and_only_its_reader_reads_it(
    volumes: engine.Volumes, mounts: FakeMounts, tmp_path: Path
) -> None:
    place = await volumes.prepare("g1", plan(engine.Secret({"a.key": b"s3cret"})))

    assert (place / "a.key").read_bytes() == b"s3cret"
    assert stat.S_IMODE((place / "a.key").stat().st_mode) == 0o400
    assert mounts.mounted[place] == "memory"
    assert place in mounts.frozen
    assert not (tmp_path / "disk").exists()


async def test_a_secret_for_several_users_is_readable_by_all_of_the_group(
    volumes: engine.Volumes,
) -> None:
    place = await volumes.prepare("g1", plan(engine.Secret({"a": b"x"})), reader=None)

    assert stat.S_IMODE((place / "a").stat().st_mode) == 0o444


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../x", "", "a\0b"])
async def test_a_secret_file_cannot_lie_elsewhere(volumes: engine.Volumes, name: str) -> None:
    with pytest.raises(engine.VolumeRefused):
        await volumes.prepare("g1", plan(engine.Secret({name: b"x"})))


@pytest.mark.parametrize("name", ["..", "a/b", "", "-x", "a..b", "/etc"])
async def test_a_volume_or_group_cannot_be_named_out_of_its_place(
    volumes: engine.Volumes, name: str
) -> None:
    with pytest.raises(engine.VolumeRefused):
        await volumes.prepare("g1", engine.VolumePlan(name, engine.EmptyDir()))
    with pytest.raises(engine.VolumeRefused):
        await volumes.prepare(name, plan(engine.EmptyDir()))
    with pytest.raises(engine.VolumeRefused):
        await volumes.remove(name)


async def test_a_share_is_bound_where_it_lies(
    volumes: engine.Volumes, mounts: FakeMounts, tmp_path: Path
) -> None:
    path = str(tmp_path / "shares" / "account" / "share")

    place = await volumes.prepare("g1", plan(engine.Share(path, read_only=True)))

    assert mounts.mounted[place] == f"ro {path}"


async def test_a_share_is_made_by_who_knows_how_when_a_group_needs_it(
    tmp_path: Path, mounts: FakeMounts
) -> None:
    asked = []

    async def open_share(within: PurePath, read_only: bool) -> Path:
        asked.append((str(within), read_only))
        content = tmp_path / "shares" / within / "content"
        content.mkdir(parents=True)
        return content

    volumes = engine.Volumes(
        tmp_path / "disk",
        tmp_path / "memory",
        shares=tmp_path / "shares",
        open_share=open_share,
        mounts=mounts,
    )
    path = f"{tmp_path}/shares/account/new"
    place = await volumes.prepare("g1", plan(engine.Share(path)))

    assert asked == [("account/new", False)]
    assert mounts.mounted[place] == f"rw {path}/content"
    with pytest.raises(engine.VolumeRefused):
        await volumes.prepare("g1", plan(engine.Share("/etc")))
    assert len(asked) == 1


async def test_a_share_that_is_a_link_or_lies_elsewhere_is_refused(
    volumes: engine.Volumes, tmp_path: Path
) -> None:
    (tmp_path / "shares" / "account" / "link").symlink_to("/etc")
    shares = tmp_path / "shares"
    for path in ("/etc", f"{shares}/account/link", f"{shares}/account/none", f"{shares}", "x"):
        with pytest.raises(engine.VolumeRefused):
            await volumes.prepare("g1", plan(engine.Share(path)))
    with pytest.raises(engine.VolumeRefused):
        await volumes.prepare("g1", plan(engine.Share(f"{shares}/account/../../disk")))


async def test_removing_takes_the_volumes_and_leaves_the_share(
    volumes: engine.Volumes, mounts: FakeMounts, tmp_path: Path
) -> None:
    share = tmp_path / "shares" / "account" / "share"
    (share / "kept").write_text("x")
    await volumes.prepare("g1", engine.VolumePlan("e", engine.EmptyDir()))
    await volumes.prepare("g1", engine.VolumePlan("s", engine.Share(str(share))))
    await volumes.remove("g1")
    await volumes.remove("g1")

    assert mounts.mounted == {}
    assert list((tmp_path / "disk").iterdir()) == list((tmp_path / "memory").iterdir()) == []
    assert (share / "kept").exists()


async def test_a_sweep_takes_what_belongs_to_nobody(
    volumes: engine.Volumes, tmp_path: Path
) -> None:
    for uid in ("g1", "g2"):
        await volumes.prepare(uid, plan(engine.EmptyDir()))
        await volumes.prepare(uid, engine.VolumePlan("s", engine.Secret({"a": b"x"})))

    assert await volumes.sweep({"g2"}) == ["g1"]
    left = [[path.name for path in (tmp_path / kind).iterdir()] for kind in ("disk", "memory")]
    assert left == [["g2"], ["g2"]]


class SlowMounts(FakeMounts):
    """Mounts when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()

    def mount_memory(self, path: Path, size: int) -> None:
        self.begun.set()
        self.go.wait(60)
        super().mount_memory(path, size)


async def test_nothing_is_mounted_after_a_preparation_has_been_given_up(tmp_path: Path) -> None:
    slow = SlowMounts()
    volumes = engine.Volumes(tmp_path / "disk", tmp_path / "memory", shares=tmp_path, mounts=slow)
    async with asyncio.TaskGroup() as tasks:
        coming = tasks.create_task(volumes.prepare("g1", plan(engine.Secret({"a": b"x"}))))
        assert await asyncio.to_thread(slow.begun.wait, 60)
        for _ in range(3):
            coming.cancel()
            await asyncio.sleep(0)
        assert not coming.done()
        slow.go.set()
    assert coming.cancelled()
    assert slow.mounted
    await volumes.remove("g1")

    assert slow.mounted == {}


async def test_how_a_preparation_ended_that_was_given_up_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clone(*_words: object, stop: threading.Event, **_options: object) -> None:
        begun.set()
        assert stop.wait(60)
        raise engine.GitFailed("ended")

    begun = threading.Event()
    news: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: news.append(context))
    monkeypatch.setattr("silo.engine.volumes.git.clone", clone)
    volumes = engine.Volumes(
        tmp_path / "disk", tmp_path / "memory", shares=tmp_path, mounts=FakeMounts()
    )
    async with asyncio.TaskGroup() as tasks:
        repository = plan(engine.GitRepo("https://h/app"))
        coming = tasks.create_task(volumes.prepare("g1", repository))
        assert await asyncio.to_thread(begun.wait, 60)
        coming.cancel()
    assert coming.cancelled()
    del coming
    gc.collect()

    assert news == []
