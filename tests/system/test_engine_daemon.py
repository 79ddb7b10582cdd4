"""containerd under the supervisor: private, and survived by what it started."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.instance import Instance
from bench.processes import wait_until

from silo import engine

BUSYBOX = Path("/bin/busybox")
WAIT_S = 120.0
"""Far more than a busy machine needs; what is waited for comes within a second as a rule."""

if os.geteuid() != 0:
    pytest.skip("containers need root", allow_module_level=True)


class Containers:
    """containerd's own command on the instance's socket: it knows nothing of Silo."""

    def __init__(self, silo: Instance, folder: Path) -> None:
        binaries = engine.find_binaries()
        assert binaries is not None
        self.paths = engine.Paths.of_instance(silo.state, silo.settings.id)
        self._ctr = [str(binaries.folder / "ctr"), "-a", str(self.paths.socket), "-n", "system"]
        self._folder = folder

    def call(self, *words: str) -> str:
        done = subprocess.run(
            [*self._ctr, *words], capture_output=True, text=True, timeout=WAIT_S, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, script: str) -> None:
        rootfs = self._folder / name
        (rootfs / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, rootfs / "bin" / "busybox")
        words = ("--null-io", "--rootfs", str(rootfs), name, "/bin/busybox", "sh", "-c", script)
        self.call("run", "-d", *words)

    def tasks(self) -> dict[str, tuple[str, str]]:
        """Return pid and status of each container."""
        lines = [line.split() for line in self.call("task", "ls").splitlines()[1:]]
        return {name: (pid, status) for name, pid, status in lines}


@pytest.fixture
def containers(silo: Instance, tmp_path: Path) -> Iterator[Containers]:
    found = Containers(silo, tmp_path)
    wait_until(lambda: engine.is_ready(found.paths), WAIT_S, "containerd")
    yield found
    if not silo.alive:
        silo.start()
        wait_until(lambda: engine.is_ready(found.paths), WAIT_S, "containerd")
    for name, (_, status) in found.tasks().items():
        if status == "RUNNING":
            found.call("task", "kill", "-s", "SIGKILL", name)
            wait_until(lambda name=name: found.tasks()[name][1] == "STOPPED", WAIT_S, name)
        subprocess.run([*found._ctr, "task", "rm", name], capture_output=True, check=False)
        found.call("containers", "rm", name)


def find_containerd(silo: Instance) -> int:
    """Return its process id; raise when it is not among the instance's processes."""
    return next(pid for pid, name in silo.list_processes().items() if name == "containerd")


def test_containerd_is_for_root_alone(containers: Containers) -> None:
    assert stat.S_IMODE(containers.paths.socket.stat().st_mode) == 0o600
    for folder in (containers.paths.state, containers.paths.containerd):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Containers' own users have to get through to what is mounted from there, and no further.
    open_to_others = [path for path in containers.paths.run.iterdir() if path.stat().st_mode & 0o6]
    assert open_to_others == []


def test_status_and_doctor_know_containerd(silo: Instance, containers: Containers) -> None:
    status = silo.silo("status", "--json").json

    assert "containerd" in [process["name"] for process in status["processes"]]
    assert status["isolationLevels"] == ["process", "sandbox"]
    assert "v2.4.2" in silo.silo("doctor").out


def test_killed_containerd_is_replaced_and_finds_its_containers(
    silo: Instance, containers: Containers
) -> None:
    containers.start("survivor", "sleep 1000")
    before = containers.tasks()["survivor"]
    killed = find_containerd(silo)

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: find_other(silo, killed), WAIT_S, "another containerd")
    wait_until(lambda: engine.is_ready(containers.paths), WAIT_S, "its socket")
    assert containers.tasks()["survivor"] == before


def find_other(silo: Instance, killed: int) -> bool:
    named = {pid for pid, name in silo.list_processes().items() if name == "containerd"}
    return bool(named - {killed})


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_containers_outlive_silo_and_containerd_does_not(
    silo: Instance, containers: Containers, end: str
) -> None:
    containers.start(end, "sleep 1000")
    before = containers.tasks()[end]
    daemon = find_containerd(silo)

    end_silo: Callable[[], object] = silo.stop if end == "stop" else lambda: kill_supervisor(silo)
    end_silo()

    wait_until(lambda: not runs(daemon), WAIT_S, "the end of containerd")
    assert runs(int(before[0]))
    silo.start()
    wait_until(lambda: engine.is_ready(containers.paths), WAIT_S, "containerd")
    assert containers.tasks()[end] == before


def kill_supervisor(silo: Instance) -> None:
    """Kill the supervisor and nobody else; the kernel ends the others for it."""
    assert silo.process is not None
    family = silo.list_processes()
    silo.process.kill()
    silo.process.wait()
    wait_until(lambda: not any(runs(pid) for pid in family), WAIT_S, "the end of its children")


def runs(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return words[0] != "Z"
