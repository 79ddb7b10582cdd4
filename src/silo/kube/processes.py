"""Programs that run without us: started, found again after our own restart, and ended.

Each is nobody's child, in a session without a terminal and in a control group of its cluster's or
node's. What runs is noted on tmpfs, with what it was started as: another command line is another
program.
"""

import contextlib
import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from . import control_groups
from .errors import StepFailed

_SHELL = "/bin/sh"
_LAUNCH = """
log=$1; shift
exec 3>&1 >>"$log" 2>&1 </dev/null
{
  while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift
  exec "$@"
} &
"""
"""Leave a process behind that enters control groups, then whatever else there is to enter.

It says on file 3 who the program is, and we wait until that file is closed.
"""
_BECOME = ("/bin/sh", "-c", 'echo $$ >&3; exec "$@" 3>&-', "/bin/sh")
_LEAVE = ("/bin/sh", "-c", '{ exec "$@" 3>&-; } & echo $! >&3', "/bin/sh")
"""Become the program as a child: in another process namespace the first process there asks after it
when it ends, as nobody outside might."""
HOLD = ("/bin/sh", "-c", '{ exec "$@"; } & echo $! >&3', "/bin/sh")
"""As a child too, which closes file 3 itself: it is the first process of a namespace."""
_LAUNCH_S = 30.0
LOG_BYTES = 64 << 20
"""The most of a program's log, and of the one before it."""
_STATE, _START = 0, 19
"""Fields of ``/proc/PID/stat`` behind the name (man 5 proc, 3 and 22)."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Place(Protocol):
    """Where a program runs."""

    def enter(self, find: Callable[[str], int]) -> list[str]:
        """Return the words before a program that put it there; ``find`` knows who runs."""
        ...


@dataclass(frozen=True, slots=True)
class InNetwork:
    """In a network namespace; the rest is the machine's."""

    path: Path

    def enter(self, find: Callable[[str], int]) -> list[str]:  # noqa: ARG002 - as others have it
        """Return the words before a program (man 1 nsenter)."""
        return ["nsenter", f"--net={self.path}", "--", *_BECOME]


@dataclass(frozen=True, slots=True)
class Beside:
    """In every namespace of another program, with its view of files."""

    name: str

    def enter(self, find: Callable[[str], int]) -> list[str]:
        """Return the words before a program (man 1 nsenter)."""
        return [*enter_all(find(self.name)), *_LEAVE]


def enter_all(pid: int) -> list[str]:
    """Return the words before a program that put it into every namespace of a process."""
    kinds = ("user", "mount", "pid", "net", "ipc", "uts", "cgroup")
    return ["nsenter", f"--target={pid}", *(f"--{kind}" for kind in kinds), "--"]


@dataclass(frozen=True, slots=True)
class Process:
    """One program of a cluster."""

    name: str
    command: tuple[str, ...]
    place: Place
    group: str
    """Its control group, from the root of each hierarchy."""
    path: str = SYSTEM_PATH
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of it, but for the path: nothing of ours reaches them."""
    revision: str = ""
    """Changes with the files that it reads at its start."""
    prepare: Callable[[], None] = field(default=lambda: None, compare=False)
    """What is done before each start."""

    @property
    def digest(self) -> str:
        """What it is; whoever runs with another one has to be started again."""
        what = (self.command, self.place, self.group, sorted(self.environment.items()))
        return hashlib.sha256(repr((what, self.path, self.revision)).encode()).hexdigest()[:16]


class Keeper:
    """The processes of one cluster."""

    def __init__(self, notes: Path, logs: Path) -> None:
        """Note what runs in one folder, and what it says in another."""
        self._notes = notes
        self._logs = logs

    def ensure(self, process: Process) -> bool:
        """Have a program run as it is now; tell whether it had to be started."""
        _bound(self._logs / f"{process.name}.log")
        note = self._read(process.name)
        if note is not None and note[2] == process.digest and _is_alive(*note[:2]):
            return False
        self.end(process.name)
        self._start(process)
        return True

    def is_running(self, name: str) -> bool:
        """Tell whether a program runs."""
        note = self._read(name)
        return note is not None and _is_alive(*note[:2])

    def find(self, name: str) -> int:
        """Return the process of a program that runs.

        Raises:
            StepFailed: it does not.

        """
        note = self._read(name)
        if note is None or not _is_alive(*note[:2]):
            raise StepFailed(f"{name} does not run")
        return note[0]

    def end(self, name: str, grace_s: float = 5.0) -> None:
        """End a program if it runs: asked first, killed after the grace."""
        note = self._read(name)
        if note is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if not _signal(*note[:2], number, grace_s):
                    break
        self._locate(name).unlink(missing_ok=True)

    def _start(self, process: Process) -> None:
        process.prepare()
        control_groups.make(process.group)
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self._logs / f"{process.name}.log"
        log.touch(mode=0o600)
        joins = [str(path) for path in control_groups.list_doors(process.group)]
        launched = subprocess.run(  # noqa: S603 - our own words
            [
                *(_SHELL, "-c", _LAUNCH, _SHELL, str(log), *joins, "--"),
                *process.place.enter(self.find),
                *process.command,
            ],
            env={"PATH": process.path, "LC_ALL": "C", **process.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            umask=0o022,
            cwd="/",
            check=True,
            timeout=_LAUNCH_S,
        )
        if not launched.stdout:
            raise StepFailed(f"{process.name} could not be started; its log says why.")
        pid = int(launched.stdout)
        if isinstance(process.place, Beside):
            pid = _find_outside(pid, control_groups.list_processes(process.group))
        self._write(process, pid)

    def _write(self, process: Process, pid: int) -> None:
        self._notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        note = [pid, _read_stat(pid)[1], process.digest]
        part = self._locate(process.name).with_suffix(".part")
        part.write_text(json.dumps(note))
        part.replace(self._locate(process.name))

    def _read(self, name: str) -> tuple[int, str, str] | None:
        try:
            pid, start, digest = json.loads(self._locate(name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return int(pid), str(start), str(digest)

    def _locate(self, name: str) -> Path:
        return self._notes / f"{name}.json"


def _bound(log: Path) -> None:
    """Begin a log again that has grown long; its program holds it open and appends."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            # On a disk that is full there is no copy, but room again.
            with contextlib.suppress(OSError):
                shutil.copyfile(log, log.with_suffix(".old"))
            os.truncate(log, 0)


def _read_stat(pid: int) -> tuple[str, str]:
    """Return a process's state and when it was started, in ticks; nothing when it is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (OSError, ValueError):
        return "", ""
    return fields[_STATE], fields[_START]


def _find_outside(number: int, pids: Iterable[int]) -> int:
    """Return which of these processes has a number in its own namespace; 0 when it has ended."""
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            numbers = next(line for line in lines if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1 and int(numbers[-1]) == number:
                return pid
    return 0


def _is_alive(pid: int, start: str) -> bool:
    # An ended one whose parent has not asked yet (Z) is not alive; its number may be another's.
    state, started = _read_stat(pid)
    return started == start and state not in {"", "Z", "X"}


def _signal(pid: int, start: str, number: signal.Signals, grace_s: float) -> bool:
    """Send a signal and wait; tell whether the process is still there."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not _is_alive(pid, start):
            return False
        signal.pidfd_send_signal(handle, number)
        return not _wait(handle, grace_s)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def _wait(handle: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(int(timeout_s * 1000)))
