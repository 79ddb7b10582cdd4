"""Groups in gVisor's sandboxes: several containers in one, which outlives each of them."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from tools import images

from silo import engine

from .engine_world import World, eventually, give_password
from .small_registry import SmallRegistry

FOUND = engine.find_binaries()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(FOUND is None or not FOUND.runsc.exists(), reason="no gVisor is built here"),
]
SANDBOX = engine.Level.SANDBOX


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    made = SmallRegistry(tmp_path_factory.mktemp("registry"))
    yield made
    made.close()


@pytest.fixture
async def world(tmp_path, registry):
    made = World(tmp_path, registry)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def image(world, registry, tmp_path):
    reference = registry.add("probe", images.make_probe(tmp_path / "layout", "1"))
    return await world.runtime.ensure_image(reference, give_password)


def count_sandboxes(world: World) -> int:
    listed = subprocess.run(
        ["pgrep", "-f", f"runsc-sandbox.*{world.instance}"], capture_output=True, check=False
    )
    return len(listed.stdout.split())


async def test_containers_of_a_group_share_one_kernel_and_its_loopback(world, image):
    server = ("/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:80", "-h", "/etc")
    await world.start(image, *server, level=SANDBOX)
    client = await world.start(image, "/bin/probe", "sleep", level=SANDBOX)
    await asyncio.sleep(0.5)
    code, said = await world.runtime.run(
        client, ("/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:80/passwd")
    )

    assert (code, "guest" in said) == (0, True), said
    assert len(await world.runtime.list_containers()) == 2
    assert await world.runtime.list_sandboxes() == [world.group]


async def test_the_kernel_is_not_the_machines(world, image):
    _, said = await world.run(image, "/bin/busybox", "dmesg", level=SANDBOX)

    assert "gVisor" in said


async def test_a_container_comes_and_goes_in_a_sandbox_that_stays(world, image):
    stays = await world.start(image, "/bin/probe", "sleep", level=SANDBOX)
    before = {one.id: one.pid for one in await world.runtime.list_containers()}
    for number in range(3):
        code, said = await world.run(
            image, "/bin/sh", "-c", f"echo {number}; exit {number}", level=SANDBOX
        )

        assert (code, said) == (number, f"{number}\n")
    after = {one.id: one.pid for one in await world.runtime.list_containers()}

    assert after == before
    assert list(before) == [stays]


async def test_an_end_while_containerd_is_dead_is_found_again(world, image):
    script = "echo before; sleep 2; echo after; exit 5"
    container = await world.start(image, "/bin/sh", "-c", script, level=SANDBOX)
    await eventually(lambda: "before" in engine.read_logs(world.get_log(container)))
    world.kill_daemon()
    await world.runtime.close()
    await world.registries.close()
    await asyncio.sleep(2.5)
    await world.start_daemon()
    world.open_runtime()

    assert (await world.runtime.wait_exit(container)).code == 5
    assert engine.read_logs(world.get_log(container)) == "before\nafter\n"


async def test_too_much_memory_ends_the_group_and_is_told(world, image):
    container = await world.start(image, "/bin/probe", "allocate", "1024", level=SANDBOX)
    ended = await world.runtime.wait_exit(container)
    await world.runtime.delete(container)
    code, _ = await world.run(image, "/bin/sh", "-c", "exit 4", level=SANDBOX)

    assert ended.code != 0
    assert ended.oom
    assert code == 4


async def test_a_released_group_leaves_nothing(world, image):
    container = await world.start(
        image, "/bin/sh", "-c", "echo $KEY; sleep 100", level=SANDBOX, secrets=(("KEY", "hidden"),)
    )
    await eventually(lambda: engine.read_logs(world.get_log(container)) == "hidden\n")
    await world.runtime.delete(container)
    await world.runtime.release_group(world.group)
    await world.runtime.release_group(world.group)

    assert await world.runtime.list_containers() == []
    assert await world.runtime.list_sandboxes() == []
    assert list(Path("/sys/fs/cgroup").glob(f"*/silo/{world.instance}/{world.group}")) == []
    assert count_sandboxes(world) == 0
    assert str(world.paths.run / "containerd") not in Path("/proc/mounts").read_text()
