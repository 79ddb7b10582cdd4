import pytest
from tests.unit.silo.kube import kube_world as world

from silo import engine
from silo.kube import attaching, disks
from silo.kube.attaching import Source
from silo.kube.errors import StepFailed

GIB = 1 << 30


class Tending:
    async def do(self, work, *args):
        return work(*args)


class Kernel:
    """Makes images; ``fit`` says whether nobody uses one."""

    used = False

    def make_image(self, image, size):
        with image.open("xb") as file:
            file.truncate(size)

    def fit_image(self, _image):
        return not Kernel.used


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "KernelMounts", Kernel)
    monkeypatch.setattr(attaching, "grow_in_use", lambda _: False)
    monkeypatch.setattr(Kernel, "used", False)
    paths = world.paths_in(tmp_path)
    paths.disks.mkdir(parents=True)
    return disks.Disks(paths, Tending()), paths.disks


async def test_disk_is_an_image_as_large_as_it_was_asked_for_and_is_made_once(made):
    disk, folder = made
    (folder / "one.part").write_text("begun before a crash")
    await disk.make("one", 2)
    await disk.make("one", 5)

    assert await disk.open("one") == Source(folder / "one.img", is_image=True)
    assert (folder / "one.img").stat().st_size == 2 * GIB


async def test_disk_grows_and_never_shrinks(made):
    disk, folder = made
    await disk.make("one", 2)

    assert await disk.grow("one", 3)
    assert await disk.grow("one", 1)
    assert (folder / "one.img").stat().st_size == 3 * GIB


async def test_disk_that_is_used_grows_later(made, monkeypatch):
    disk, _ = made
    await disk.make("one", 2)
    monkeypatch.setattr(Kernel, "used", True)

    assert not await disk.grow("one", 3)


async def test_folder_of_before_there_were_images_goes_on(made):
    disk, folder = made
    (folder / "old").mkdir()
    inner = folder / "old"
    for _ in range(1500):  # more than Python calls itself
        inner /= "d"
        inner.mkdir()

    assert await disk.open("old") == Source(folder / "old", is_mapped=False)
    assert await disk.grow("old", 3)
    await disk.remove("old")
    assert not list(folder.iterdir())


async def test_what_is_gone_is_not_opened_nor_grown(made):
    disk, _ = made
    await disk.make("one", 1)
    await disk.remove("one")
    await disk.remove("one")

    assert not await disk.grow("one", 2)
    with pytest.raises(StepFailed, match="gone"):
        await disk.open("one")
