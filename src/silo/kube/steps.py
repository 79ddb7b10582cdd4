"""A step of a node's way up that another program takes.

What runs in a node may be its tenant's, whatever its name: it gets the node's share of the machine
and no more, and may say little.
"""

import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import structlog

from . import control_groups
from .errors import StepFailed
from .processes import SYSTEM_PATH

log = structlog.get_logger()

_STEP_S = 60.0
_SAID_BYTES = 4096
_ENTER = (
    "/bin/sh",
    "-c",
    'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"',
    "/bin/sh",
)
"""Enter control groups, then become the program."""


def run(*words: str, group: str = "", given: Path | None = None) -> None:
    """Run a program to its end, in a control group, and give it a file to read.

    Raises:
        StepFailed: it says no; why is in the log.

    """
    try:
        _run(words, group, given, _STEP_S)
    except subprocess.CalledProcessError as error:
        log.warning("step of a node failed", words=words, said=error.stderr.strip()[-500:])
        raise StepFailed(f"{Path(words[0]).name} failed; the log of Silo says why.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("step of a node failed", words=words, said=str(error))
        raise StepFailed(f"{Path(words[0]).name} could not be run.") from None


def is_done(*words: str, group: str = "", within_s: float = _STEP_S) -> bool:
    """Run a program; tell whether it ended well."""
    try:
        _run(words, group, None, within_s)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _run(words: Sequence[str], group: str, given: Path | None, within_s: float) -> None:
    joins = [str(door) for door in control_groups.list_doors(group)] if group else []
    with (given or Path(os.devnull)).open("rb") as source, os.fdopen(_open_bounded()) as said:
        program = subprocess.Popen(  # noqa: S603 - our own words
            [*_ENTER, *joins, "--", *words],
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
            stdin=source,
            stdout=subprocess.DEVNULL,
            stderr=said,
            # A process group, for nsenter leaves a child behind when it alone is killed.
            start_new_session=True,
            umask=0o022,
        )
        try:
            code = program.wait(within_s)
        except BaseException:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            raise
        if code:
            text = os.pread(said.fileno(), _SAID_BYTES, 0).rstrip(b"\0")
            raise subprocess.CalledProcessError(
                code, words, stderr=text.decode(errors="backslashreplace")
            )


def _open_bounded() -> int:
    """Return a file that nobody can make larger, whoever it is handed on to."""
    file = os.memfd_create("said", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(file, _SAID_BYTES)
    seals = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
    return file
