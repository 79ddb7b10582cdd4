"""A running Silo of its own: started by its command on a fresh state, stopped by its process id."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from . import programs

SILO = Path(sys.executable).parent / "silo"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0


class NotServing(Exception):
    """Silo did not come up, or did not go down."""


@dataclass
class Instance:
    """One state folder and what the silo command tells of it."""

    state: Path
    port: int
    options: tuple[str, ...] = ()
    trusted: Path | None = None
    """Authorities that the server trusts when it calls others, for ``SSL_CERT_FILE``."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def silo(self, *words: str, check: bool = True) -> programs.Outcome:
        """Run the silo command on this instance; words after ``--`` stay last."""
        length = 2 if words[0] in {"audit", "cluster"} else 1
        verb, rest = words[:length], words[length:]
        command: list[str | Path] = [SILO, *verb, "--state", str(self.state), *rest]
        outcome = programs.run(command, programs.plain_environment())
        return programs.succeed(outcome) if check else outcome

    @cached_property
    def endpoints(self) -> dict[str, str]:
        """The addresses that ``silo status --json`` tells."""
        told: dict[str, str] = self.silo("status", "--json").json["endpoints"]
        return told

    @cached_property
    def credentials(self) -> dict[str, Any]:
        """The document of ``silo credentials --json``."""
        told: dict[str, Any] = self.silo("credentials", "--json").json
        return told

    @property
    def tenant(self) -> str:
        """The tenant's GUID."""
        return str(self.credentials["tenantId"])

    @property
    def subscription(self) -> str:
        """The first subscription's GUID."""
        return str(self.credentials["subscriptionId"])

    @property
    def log(self) -> Path:
        """Where the foreground process writes."""
        return self.state.with_suffix(".log")

    def environment(self, folder: Path, *, azure_names: bool = False) -> dict[str, str]:
        """Return the environment of ``eval "$(silo env)"``, az settings in a folder of its own."""
        flag = ["--azure-names"] if azure_names else []
        base = programs.plain_environment(XDG_CONFIG_HOME=str(folder / "config"))
        shell = f'eval "$({SILO} env --state {self.state} {" ".join(flag)})" && env -0'
        told = programs.succeed(programs.run(["bash", "-c", shell], base)).out
        pairs = (line.partition("=") for line in told.split("\0") if line)
        return {name: value for name, _, value in pairs if name not in {"_", "SHLVL", "PWD"}}

    def start(self) -> None:
        """Start ``silo up`` in the foreground of a process of ours and wait until it serves.

        Raises:
            NotServing: it ended, or took too long; with what it said.

        """
        self.state.parent.mkdir(parents=True, exist_ok=True)
        place = ("--state", str(self.state), "--port", str(self.port))
        command: list[str | Path] = [SILO, "up", *place, *self.options]
        variables = {"SSL_CERT_FILE": str(self.trusted)} if self.trusted else {}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=programs.plain_environment(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers() and self.silo("status", "--json", check=False).code == 0:
                return
            time.sleep(0.05)
        state = f"it ended with {self.process.returncode}" if self.process.poll() else "timed out"
        self.kill()
        raise NotServing(f"silo up: {state}\n{self.log.read_text(errors='replace')[-4000:]}")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self) -> int:
        """Ask it to stop as init would, wait, and return its exit status.

        Raises:
            NotServing: it does not stop.

        """
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise NotServing("silo up did not stop when asked") from error

    def kill(self) -> None:
        """Kill the supervisor; its children follow it by themselves or by process group."""
        if self.process is None:
            return
        kill_group(self.process.pid)
        self.process.wait()

    def clear(self) -> None:
        """Kill it and leave nothing of its containers and networks on the machine."""
        self.kill()
        self.silo("down", "--groups", check=False)


def kill_group(leader: int) -> None:
    """Kill a session that we started ourselves, by its leader's id."""
    subprocess.run(["kill", "-KILL", "--", f"-{leader}"], capture_output=True, check=False)


def find_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(state: Path, *options: str, trusted: Path | None = None) -> Iterator[Instance]:
    """Run a Silo on a state folder while the block lasts."""
    instance = Instance(state, find_port(), options, trusted)
    with ExitStack() as stack:
        stack.callback(instance.clear)
        instance.start()
        yield instance
        instance.stop()
