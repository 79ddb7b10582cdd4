"""Debian's docker daemon, one of our own beside any that the machine runs, and its client."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from . import programs
from .strangers import find_command

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


class Docker:
    """The docker client with a configuration folder of its own, on one daemon."""

    def __init__(self, host: str, environment: Mapping[str, str], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        # BuildKit's plug-in is a package of its own; the daemon's classic builder needs none.
        self.environment = {
            **environment,
            "DOCKER_HOST": host,
            "DOCKER_CONFIG": str(folder),
            "DOCKER_BUILDKIT": "0",
        }

    def run(self, *words: str | Path, stdin: str | None = None) -> programs.Outcome:
        """Run docker and return the outcome, whatever it is."""
        return programs.run(["docker", *words], self.environment, stdin=stdin)

    def __call__(self, *words: str | Path, stdin: str | None = None) -> str:
        """Run docker, which has to succeed, and return what it prints."""
        return programs.succeed(self.run(*words, stdin=stdin)).out.strip()

    def login(self, server: str, user: str, password: str) -> programs.Outcome:
        """Sign in to a registry, whatever comes of it."""
        return self.run("login", server, "-u", user, "--password-stdin", stdin=password)


@contextmanager
def daemon(environment: Mapping[str, str]) -> Iterator[str]:
    """Run a docker daemon while the block lasts; yield what DOCKER_HOST has to be.

    It touches neither the machine's firewall nor its bridges, and keeps everything in a folder of
    its own that goes away with it. It finds Silo by the environment that it is started in.

    Raises:
        ProgramFailed: it does not come up; with its log.

    """
    if os.geteuid() != 0:
        raise programs.ProgramFailed("a docker daemon needs root")
    # A socket's path may be no longer than 107 bytes, so the folder is not pytest's.
    folder = Path(tempfile.mkdtemp(prefix="silo-docker-"))
    host = f"unix://{folder}/docker.sock"
    command = [
        *(find_command("dockerd") or "dockerd", "--host", host),
        *("--data-root", folder / "data", "--exec-root", folder / "exec"),
        *("--pidfile", folder / "pid", "--config-file", folder / "daemon.json"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"),
    ]
    (folder / "daemon.json").write_text("{}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            list(map(str, command)),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(process, host, folder / "log")
        yield host
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unmount_below(folder: Path) -> None:
    """Take away what a daemon that was cut short left mounted."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for point in reversed(points):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def _wait_until_it_answers(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    environment = programs.plain_environment(DOCKER_HOST=host)
    while time.monotonic() < deadline and process.poll() is None:
        if programs.run(["docker", "version"], environment).code == 0:
            return
        time.sleep(0.1)
    raise programs.ProgramFailed(f"dockerd does not answer:\n{log.read_text()[-4000:]}")
