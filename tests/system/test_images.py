"""Images from a registry over TLS: who may have them, what is shared, what hostile layers do."""

import asyncio
import gzip
import hashlib
import json
import os
import shutil
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from tools import images
from tools.images import Entry

from silo import engine
from silo.engine import image_sweep, unpack

from .engine_world import CLOCK, eventually, give_password
from .small_registry import HOST

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(engine.find_binaries() is None, reason="no engine is built here"),
]
CONFIG = {"Entrypoint": ["/bin/probe"], "Cmd": ["sleep"], "Env": ["PATH=/bin"]}
BASE = "probe"


def push(world, name, *layers):
    base = images.pack(images.probe_entries())
    layout = images.make_layered(world.folder / name, "1", [base, *layers], CONFIG)
    return world.registry.add(name, layout)


async def test_layers_are_fetched_once_and_shared(world):
    first = push(world, "first")
    second = push(world, "second", images.pack([Entry("etc/motd", b"hello\n", 0o644)]))
    steps = []
    await world.runtime.ensure_image(first, give_password, steps.append)
    world.registry.asked.clear()
    made = await world.runtime.ensure_image(second, give_password)
    again = await world.runtime.ensure_image(second, give_password)
    blobs = [path for path in world.registry.asked if "/blobs/" in path]

    assert steps[-1].done_bytes == steps[-1].total_bytes > 1_000_000
    # A configuration and one layer: what both have, and what is ready, is here already.
    assert len(blobs) == 2
    assert again == made
    assert await world.run(made, "/bin/cat", "/etc/motd") == (0, "hello\n")


async def test_two_who_want_one_image_fetch_it_once(world):
    name = push(world, "twice")
    world.registry.asked.clear()
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(world.runtime.ensure_image(name, give_password))
    layout = world.registry.layouts["twice"]
    manifest = json.loads((layout.folder / "blobs" / Path(*layout.digest.split(":"))).read_text())
    layer = manifest["layers"][0]["digest"]

    assert len([path for path in world.registry.asked if path.endswith(layer)]) == 1


async def test_a_copy_on_this_machine_is_not_for_whoever_may_not_pull_it(world):
    name = push(world, "private")
    await world.runtime.ensure_image(name, give_password)

    async def guess(_reference):
        return engine.Basic("puller", "wrong")

    async def nobody(_reference):
        return None

    for credentials in (guess, nobody):
        with pytest.raises(engine.ImageInaccessible, match="denied"):
            await world.runtime.ensure_image(name, credentials)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (f"{HOST}/none:1", "no such image"),
        (f"{HOST}/probe:none", "no such image"),
        ("localhost:1/a", "cannot be reached"),
        ("no such name", "not the name"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_the_reason(world, name, reason):
    with pytest.raises(engine.ImageInaccessible, match=reason):
        await world.runtime.ensure_image(name, give_password)


async def test_a_registry_that_nobody_vouches_for_is_not_believed(world):
    port = world.registry.port
    strangers = engine.Registries(None, lambda _host, _port: ("127.0.0.1", port))
    found = engine.find_binaries()
    assert found is not None
    runtime = engine.Runtime(found, world.paths, CLOCK, strangers)

    with pytest.raises(engine.ImageInaccessible, match="not trusted"):
        await runtime.ensure_image(push(world, "stranger"), give_password)
    await runtime.close()
    await strangers.close()


async def test_a_layer_that_is_not_what_it_says_is_refused(world):
    name = push(world, "forged")
    layout = world.registry.layouts["forged"]
    manifest = json.loads((layout.folder / "blobs" / Path(*layout.digest.split(":"))).read_text())
    layer = manifest["layers"][0]
    file = layout.folder / "blobs" / Path(*layer["digest"].split(":"))
    file.write_bytes(os.urandom(layer["size"]))

    with pytest.raises(engine.ImageInaccessible, match="not what the manifest says"):
        await world.runtime.ensure_image(name, give_password)


def hostile(outside: Path) -> dict[str, list[Entry]]:
    up = "../" * 20
    return {
        "above": [Entry(f"{up}{outside}/above", b"x")],
        "absolute": [Entry(f"{outside}/absolute", b"x")],
        "through-a-link": [
            Entry("way", kind=tarfile.SYMTYPE, link=str(outside)),
            Entry("way/through", b"x"),
        ],
        "through-a-relative-link": [
            Entry("way", kind=tarfile.SYMTYPE, link=f"{up}{outside}"),
            Entry("way/through", b"x"),
        ],
        "hard-link": [
            Entry("stolen", kind=tarfile.LNKTYPE, link=f"{up}{outside}/secret"),
            Entry("stolen", b"overwritten"),
        ],
        "whiteout": [Entry(f"{up}{outside}/.wh.secret", b"")],
    }


@pytest.mark.parametrize("kind", list(hostile(Path("/"))))
async def test_a_hostile_layer_touches_nothing_outside(world, tmp_path, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    name = push(world, f"hostile-{kind}", images.pack(hostile(outside)[kind]))
    try:
        made = await world.runtime.ensure_image(name, give_password)
    except engine.ImageInaccessible:
        pass
    else:
        _, said = await world.run(made, "/bin/cat", "/stolen")
        assert "secret" not in said.replace("/stolen", "")

    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "secret"


async def test_a_device_in_a_layer_opens_nothing(world):
    disk = Path("/").stat().st_dev
    entries = [
        Entry("disk", mode=0o666, kind=tarfile.BLKTYPE, device=(os.major(disk), os.minor(disk))),
        Entry("memory", mode=0o666, kind=tarfile.CHRTYPE, device=(1, 1)),
    ]
    made = await world.runtime.ensure_image(
        push(world, "devices", images.pack(entries)), give_password
    )
    for name in ("/disk", "/memory"):
        code, said = await world.run(made, "/bin/busybox", "head", "-c", "1", name)

        assert code != 0, said


async def test_a_program_that_changes_its_user_stays_who_it_is(world):
    entries = [Entry("suid/busybox", images.busybox().read_bytes(), mode=0o4755)]
    made = await world.runtime.ensure_image(
        push(world, "setuid", images.pack(entries)), give_password
    )
    _, said = await world.run(
        made, "/suid/busybox", "id", "-u", security=engine.Security(run_as_user=1000)
    )

    assert said == "1000\n"


async def test_unpacking_stops_before_the_disk_is_full(world, monkeypatch):
    free = shutil.disk_usage(world.folder).free
    monkeypatch.setattr("silo.engine.unpack.RESERVED_BYTES", free * 2)

    with pytest.raises(engine.ImageInaccessible, match="no room"):
        await world.runtime.ensure_image(push(world, "huge"), give_password)


def push_zeros(world, name, size):
    """Push an image with a layer of one file of zeros, packed to a thousandth."""
    info = tarfile.TarInfo("zeros")
    info.size = size
    block = 64 << 20
    # Archives of the kind may be strung together (RFC 1952, 2.2).
    pieces = [info.tobuf(), bytes(block), bytes(1024)]
    head, piece, end = map(gzip.compress, pieces)
    packed = head + piece * (size // block) + end
    folder = world.folder / name
    layout = images.make_layered(folder, "1", [images.pack(images.probe_entries())], CONFIG)

    def read(digest):
        return json.loads((folder / "blobs" / Path(*digest.split(":"))).read_bytes())

    def store(kind, content):
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        (folder / "blobs" / Path(*digest.split(":"))).write_bytes(content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}

    manifest = read(layout.digest)
    config = read(manifest["config"]["digest"])
    config["rootfs"]["diff_ids"].append(f"sha256:{'0' * 64}")
    manifest["config"] = store(images.CONFIG, json.dumps(config).encode())
    manifest["layers"].append(store(images.LAYER, packed))
    top = store(images.MANIFEST, json.dumps(manifest).encode())
    return world.registry.add(name, images.Layout(folder, "1", top["digest"])), len(packed)


async def test_ten_gigabytes_of_zeros_are_not_unpacked(world):
    name, size = push_zeros(world, "zeros", 10 << 30)
    snapshots = world.paths.containerd / "io.containerd.snapshotter.v1.overlayfs" / "snapshots"
    most = []

    async def watch():
        while True:
            most.append(unpack.measure(snapshots))
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch())
        with pytest.raises(engine.ImageInaccessible, match="far more than"):
            await world.runtime.ensure_image(name, give_password)
        watching.cancel()

    assert size < 20 << 20
    assert max(most) < 5 << 30
    await eventually(lambda: unpack.measure(snapshots) < 1 << 30, 60)


async def test_a_layer_that_cannot_be_unpacked_tells_nothing_of_the_machine(world):
    name = push(world, "torn", images.pack([Entry("a", b"x" * 4096)])[:1000])

    with pytest.raises(engine.ImageInaccessible, match="cannot be unpacked") as refused:
        await world.runtime.ensure_image(name, give_password)

    assert str(world.folder) not in refused.value.reason
    assert "/" not in refused.value.reason.partition("cannot be unpacked")[2]


class Later:
    """A clock that is ahead."""

    def __init__(self, ahead):
        self.ahead = ahead

    def now(self):
        return CLOCK.now() + self.ahead

    def monotonic(self):
        return CLOCK.monotonic()


async def test_an_image_that_nothing_uses_goes_and_what_others_need_stays(world):
    unused = push(world, "unused", images.pack([Entry("etc/motd", b"unused\n")]))
    used = push(world, "used", images.pack([Entry("etc/motd", b"used\n")]))
    first = await world.runtime.ensure_image(unused, give_password)
    made = await world.runtime.ensure_image(used, give_password)
    container = await world.start(made, "/bin/probe", "sleep")
    snapshots = world.paths.containerd / "io.containerd.snapshotter.v1.overlayfs" / "snapshots"

    assert await sweep(world, timedelta(days=6)) == []
    assert await sweep(world, timedelta(days=8)) == [first.digest]
    # What both have, what the other one has, and the container's own; folders go a moment later.
    await eventually(lambda: len(list(snapshots.iterdir())) == 3)
    # It has been seen in use then; its container goes, and much later so does the image.
    await world.runtime.delete(container)
    assert await sweep(world, timedelta(days=14)) == []
    assert await world.run(made, "/bin/cat", "/etc/motd") == (0, "used\n")
    assert await sweep(world, timedelta(days=16)) == [made.digest]
    await eventually(lambda: list(snapshots.iterdir()) == [])
    again = await world.runtime.ensure_image(unused, give_password)
    assert await world.run(again, "/bin/cat", "/etc/motd") == (0, "unused\n")


async def test_a_full_disk_takes_what_was_used_longest_ago(world, monkeypatch):
    one = await world.runtime.ensure_image(push(world, "older"), give_password)
    await asyncio.sleep(0.01)
    two = await world.runtime.ensure_image(
        push(world, "newer", images.pack([Entry("a", b"a")])), give_password
    )
    full = iter([0.9, 0.75, 0.9, 0.75])
    monkeypatch.setattr(image_sweep, "measure_use", lambda _disk: next(full))

    assert await sweep(world, timedelta(hours=1)) == [one.digest]
    assert await sweep(world, timedelta(minutes=1)) == []
    assert (await world.run(two, "/bin/cat", "/a"))[1] == "a"


async def sweep(world, ahead):
    sweeper = engine.ImageSweeper(world.paths, Later(ahead))
    try:
        return await sweeper.sweep()
    finally:
        await sweeper.close()
