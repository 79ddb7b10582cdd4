"""Containers on a real containerd: what they may, how they end, and what is found again."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from silo import engine
from silo.engine.specs import IDS

from .engine_world import World, eventually

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(engine.find_binaries() is None, reason="no engine is built here"),
]


async def test_what_a_container_says_is_kept_with_its_time_and_stream(world, image):
    code, _ = await world.run(image, "/bin/sh", "-c", "echo one; echo two >&2; exit 7")
    (log,) = (world.folder / "logs").iterdir()

    assert code == 7
    assert engine.read_logs(log, stream="stdout") == "one\n"
    assert engine.read_logs(log, stream="stderr") == "two\n"
    assert engine.read_logs(log, timestamps=True)[:2] == "20"


@pytest.mark.parametrize("level", [engine.Level.PROCESS, engine.Level.SANDBOX])
@pytest.mark.parametrize("ahead", ["same", "other"])
async def test_what_was_laid_ahead_is_used_if_it_is_the_same(world, image, level, ahead):
    secrets = (("TOKEN", "s3cret"),)
    program = ("/bin/sh", "-c", "echo $TOKEN; sleep 1000 & wait")
    container = await world.start(image, *program, level=level, secrets=secrets, ahead=ahead)
    (found,) = await world.runtime.list_containers()

    assert (found.id, found.name) == (container, container)
    await eventually(lambda: engine.read_logs(world.get_log(container)) == "s3cret\n")


async def test_root_inside_is_nobody_outside(world, image):
    await world.start(image, "/bin/sh", "-c", "sleep 100 & wait", "x")
    (found,) = await world.runtime.list_containers()
    uid = Path(f"/proc/{found.pid}").stat().st_uid

    assert uid == await world.runtime.get_first_id(world.group, engine.Level.PROCESS)
    assert uid >= 0x70000000


async def test_groups_share_no_user(world):
    level = engine.Level.PROCESS
    first = await world.runtime.get_first_id("one", level)
    second = await world.runtime.get_first_id("two", level)

    assert abs(first - second) >= IDS


async def test_calls_into_the_machine_are_refused(world, image):
    for attempt in ("mount -t tmpfs x /tmp", "unshare -U true", "mount -t proc x /tmp"):
        code, _ = await world.run(image, "/bin/busybox", "sh", "-c", f"busybox {attempt}")

        assert code != 0, attempt


@pytest.mark.parametrize("path", ["/sys/x", "/sys/fs/cgroup/x", "/proc/sys/kernel/domainname"])
async def test_the_kernels_files_cannot_be_written(world, image, path):
    code, said = await world.run(image, "/bin/sh", "-c", f"echo x > {path}")

    assert code != 0, said


async def test_the_network_is_not_the_containers_to_change(world, image):
    code, said = await world.run(image, "/bin/busybox", "ip", "link", "set", "lo", "down")

    assert code != 0, said


async def test_port_80_may_be_listened_on(world, image):
    container = await world.start(image, "/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:80")
    code, said = await world.runtime.run(
        container, ("/bin/sh", "-c", "sleep 0.3; busybox wget -O - http://127.0.0.1:80/etc/passwd")
    )

    assert code == 0, said


async def test_a_volume_keeps_the_owner_that_the_container_gave(world, image):
    (world.folder / "data").mkdir()
    code, _ = await world.run(
        image, "/bin/sh", "-c", "echo x > /mnt/file && busybox chown 1000:1000 /mnt/file",
        mounts=(engine.Mount("data", "/mnt"),),
    )  # fmt: skip
    status = (world.folder / "data" / "file").stat()

    assert (code, status.st_uid, status.st_gid) == (0, 1000, 1000)


async def test_secret_environment_is_seen_inside_and_nowhere_on_disk(world, image):
    word = "s3cr3t-" + "w0rd"
    container = await world.start(
        image, "/bin/sh", "-c", 'echo "$KEY"; sleep 100', secrets=(("KEY", word),),
        security=engine.Security(run_as_user=1000),
    )  # fmt: skip
    await eventually(lambda: bool(engine.read_logs(world.get_log(container))))
    ran = await world.runtime.run(container, ("/bin/sh", "-c", 'echo "$KEY"'))
    found = subprocess.run(
        ["grep", "-rlF", word, world.paths.containerd, world.paths.run / "containerd"],
        capture_output=True, check=False,
    )  # fmt: skip

    assert engine.read_logs(world.get_log(container)) == f"{word}\n"
    assert ran == (0, f"{word}\n")
    assert found.stdout == b""


async def test_too_much_memory_ends_a_container_and_is_told(world, image):
    container = await world.start(image, "/bin/probe", "allocate", "512")
    ended = await world.runtime.wait_exit(container)

    assert (ended.code, ended.oom) == (137, True)


async def test_a_program_that_is_not_there_is_refused_in_plain_words(world, image):
    with pytest.raises(engine.ContainerRefused, match="no such file"):
        await world.start(image, "/bin/nothing")

    assert await world.runtime.list_containers() == []


async def test_deleting_leaves_nothing(world, image):
    container = await world.start(image, "/bin/probe", "sleep")
    await world.runtime.delete(container)
    await world.runtime.delete(container)
    mounts = Path("/proc/mounts").read_text()
    left = Path(f"/sys/fs/cgroup/memory/silo/{world.instance}/{world.group}/{container}")

    assert await world.runtime.list_containers() == []
    assert str(world.paths.run / "containerd") not in mounts
    assert not left.exists()
    assert not Path(
        f"/sys/fs/cgroup/memory/silo/{world.instance}/{world.group}/{container}"
    ).exists()


async def test_an_end_while_containerd_is_dead_is_found_again(world, image):
    container = await world.start(image, "/bin/sh", "-c", "sleep 1; exit 5")
    other = await world.start(image, "/bin/probe", "sleep")
    before = {one.id: one.pid for one in await world.runtime.list_containers()}
    world.kill_daemon()
    await eventually(lambda: not Path(f"/proc/{before[container]}").exists())
    await world.start_daemon()
    found = {one.id: one for one in await world.runtime.list_containers()}

    assert found[container].status is engine.Status.STOPPED
    assert found[container].exit.code == 5
    assert found[other].status is engine.Status.RUNNING
    assert found[other].pid == before[other]
    assert (await world.runtime.wait_exit(container)).code == 5


async def test_a_wait_survives_the_death_of_containerd(world, image):
    container = await world.start(image, "/bin/sh", "-c", "sleep 2; exit 6")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(world.runtime.wait_exit(container))
        await asyncio.sleep(0.2)
        world.kill_daemon()
        await asyncio.sleep(0.2)
        await world.start_daemon()

    assert waiting.result().code == 6


async def test_another_client_finds_the_containers_and_their_users(world, image):
    container = await world.start(image, "/bin/probe", "sleep")
    first = await world.runtime.get_first_id(world.group, engine.Level.PROCESS)
    await world.runtime.close()
    await world.registries.close()
    world.open_runtime()
    (found,) = await world.runtime.list_containers({"silo.group": world.group})

    assert found.id == container
    assert await world.runtime.get_first_id("newcomer", engine.Level.PROCESS) != first
    assert await world.runtime.get_first_id(world.group, engine.Level.PROCESS) == first


async def test_a_terminal_is_a_terminal_and_has_a_size(world, image):
    container = await world.start(image, "/bin/probe", "sleep")
    session = await world.runtime.exec(container, ("/bin/sh",), engine.Size(100, 40))
    await session.resize(engine.Size(123, 45))
    await session.write(b"stty size; exit 9\n")
    said = b"".join([chunk async for chunk in session.output()])

    assert b"45 123" in said
    assert await session.wait() == 9
    await session.close()


async def test_input_reaches_a_program_and_ends(world, image):
    container = await world.start(image, "/bin/probe", "sleep")
    session = await world.runtime.exec(container, ("/bin/cat",))
    await session.write(b"x" * 300_000)
    async with asyncio.TaskGroup() as group:
        group.create_task(session.close_input())
        size = sum([len(chunk) async for chunk in session.output()])

    assert size == 300_000
    await session.close()


async def test_a_hundred_programs_at_once_all_tell_their_end(world, image):
    container = await world.start(image, "/bin/probe", "sleep", memory_bytes=1 << 30)
    async with asyncio.TaskGroup() as group:
        runs = [
            group.create_task(
                world.runtime.run(container, ("/bin/sh", "-c", f"echo {number}; exit {number}"))
            )
            for number in range(100)
        ]

    assert [run.result() for run in runs] == [(number, f"{number}\n") for number in range(100)]
    assert list((world.paths.run / "exec").iterdir()) == []


async def test_a_client_that_goes_away_takes_its_program_along(world, image):
    container = await world.start(image, "/bin/probe", "sleep")
    session = await world.runtime.exec(container, ("/bin/busybox", "yes"))
    await asyncio.sleep(0.2)
    await session.close()
    _, said = await world.runtime.run(container, ("/bin/busybox", "ps"))

    assert "yes" not in said


async def test_use_is_counted(world, image):
    container = await world.start(image, "/bin/busybox", "sh", "-c", "while :; do :; done")
    while (used := await world.runtime.stats(container)).cpu_ns < 50_000_000:
        await asyncio.sleep(0.1)

    assert used.memory_bytes > 0
    assert used.memory_limit_bytes == 256 << 20


async def test_signals_arrive(world, image):
    script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    container = await world.start(image, "/bin/busybox", "sh", "-c", script)
    await eventually(lambda: "ready" in engine.read_logs(world.get_log(container)))
    await world.runtime.kill(container, signal.SIGTERM)

    assert (await world.runtime.wait_exit(container)).code == 3
    with pytest.raises(engine.ContainerMissing):
        await world.runtime.kill(container, signal.SIGTERM)


@pytest.mark.parametrize("level", [engine.Level.PROCESS, engine.Level.SANDBOX])
async def test_a_deletion_that_is_cut_off_is_finished_by_the_next(world, image, level):
    """Whoever deletes may be cancelled at any moment; the shim must not be left to nobody."""
    for number in range(10):
        container = await world.start(image, "/bin/probe", "sleep", level=level)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.015 * number):
                await world.runtime.delete(container)
        await world.runtime.delete(container)
    await world.runtime.release_group(world.group)

    assert await world.runtime.list_containers() == []
    await eventually(lambda: count_shims(world) == 0, 30)
    bundles = world.paths.run / "containerd" / "io.containerd.runtime.v2.task" / "silo"
    assert list(bundles.iterdir()) == []


def count_shims(world: World) -> int:
    listed = subprocess.run(["ps", "-wweo", "args="], capture_output=True, text=True, check=True)
    own = f"-address {world.paths.socket}"
    return len([line for line in listed.stdout.splitlines() if own in line and "-shim-" in line])
