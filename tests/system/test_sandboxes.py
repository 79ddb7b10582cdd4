"""Groups in gVisor's sandboxes: several containers in one, which outlives each of them."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from silo import engine

from .engine_world import World, eventually

FOUND = engine.find_binaries()
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers need root"),
    pytest.mark.skipif(FOUND is None or not FOUND.runsc.exists(), reason="no gVisor is built here"),
]
SANDBOX = engine.Level.SANDBOX
FILES_AND_TRACE = {0, 1, 2, 3, 4, 18, 19}
"""chown, dac_override, dac_read_search, fowner, fsetid, sys_chroot, sys_ptrace."""


def count_sandboxes(world: World) -> int:
    listed = subprocess.run(
        ["pgrep", "-f", f"runsc-sandbox.*{world.instance}"], capture_output=True, check=False
    )
    return len(listed.stdout.split())


async def test_containers_of_a_group_share_one_kernel_and_its_loopback(world, image):
    server = ("/bin/busybox", "httpd", "-f", "-p", "127.0.0.1:80", "-h", "/etc")
    await world.start(image, *server, level=SANDBOX)
    client = await world.start(image, "/bin/probe", "sleep", level=SANDBOX)
    fetch = ("/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:80/passwd")
    async with asyncio.timeout(60):
        while (answer := await world.runtime.run(client, fetch))[0]:
            await asyncio.sleep(0.2)  # the server is still starting

    assert "guest" in answer[1]
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
    # Nobody outside sees the program itself; this is the last that it does.
    await eventually(lambda: "after" in engine.read_logs(world.get_log(container)))
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


async def test_a_terminal_echoes_and_interrupts(world, image):
    container = await world.start(image, "/bin/probe", "sleep", level=SANDBOX, group_cpu=0.2)
    session = await world.runtime.exec(container, ("/bin/sh",), engine.Size(80, 24))
    said = bytearray()

    async def listen():
        async for chunk in session.output():
            said.extend(chunk)

    async def type_in(keys, answer):
        said.clear()
        await session.write(keys)
        await eventually(lambda: answer in said, 60)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(listen())
        await eventually(lambda: b"# " in said, 60)
        # Now the terminal is the shell's no longer, which has it raw while a line is edited.
        await type_in(b"/bin/sh -c 'echo up; exec cat'\r", b"\nup\r\n")
        await type_in(b"a line\r", b"a line\r\na line\r\n")
        await type_in(b"\x03", b"# ")
        await session.write(b"exit 3\r")
    assert await session.wait() == 3
    await session.close()


def find_groups(world: World) -> list[Path]:
    """Return the sandbox's control group in each hierarchy."""
    inner = f"silo/{world.instance}/{world.group}/sandbox"
    return [
        *Path("/sys/fs/cgroup").glob(f"*/{inner}"),
        *Path("/sys/fs/cgroup").glob(inner),
    ]


def read_limit(world: World, *names: str) -> str:
    found = [folder / name for folder in find_groups(world) for name in names]
    return next(path.read_text().split()[0] for path in found if path.exists())


async def test_a_tiny_group_starts_with_a_core_and_is_held_to_its_share(world, image):
    tiny = {"group_cpu": 0.02, "group_memory_bytes": 100_000_000, "level": SANDBOX}
    first = await world.start(image, "/bin/sh", "-c", "echo up; sleep 100", **tiny)
    await eventually(lambda: engine.read_logs(world.get_log(first)) == "up\n", 60)

    assert read_limit(world, "cpu.cfs_quota_us", "cpu.max") == "2000"
    limit = int(read_limit(world, "memory.limit_in_bytes", "memory.max"))
    # In whole pages.
    assert 0 <= 100_000_000 + (64 << 20) - limit < 4096
    second = await world.start(image, "/bin/probe", "sleep", **tiny)
    assert read_limit(world, "cpu.cfs_quota_us", "cpu.max") == "2000"
    await world.runtime.delete(second)


async def test_the_sandbox_itself_has_no_rights_on_the_machine(world, image):
    """gVisor's kernel and its file servers: who gets out of them is not where the machine is."""
    await world.start(image, "/bin/probe", "sleep", level=SANDBOX)
    pids = {pid for group in find_groups(world) for pid in read_processes(group)}
    programs = {Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0] for pid in pids}
    kinds = ("user", "mnt", "net", "pid", "ipc", "uts")

    assert programs >= {b"runsc-gofer", b"runsc-sandbox"}
    for pid in pids:
        place = Path("/proc", pid)
        for kind in kinds:
            assert (place / "ns" / kind).readlink() != Path("/proc/self/ns", kind).readlink()
        lines = (place / "status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert status["Seccomp"] == "2"
        assert status["NoNewPrivs"] == "1"
        for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"):
            held = int(status[name], 16)
            # In its own namespace: for the container's files, and to trace its own processes.
            assert {bit for bit in range(64) if held >> bit & 1} <= FILES_AND_TRACE, name


def read_processes(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:
        return []
