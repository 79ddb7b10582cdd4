"""A step of a node's way up that another program takes."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import structlog

from .errors import StepFailed
from .processes import SYSTEM_PATH

log = structlog.get_logger()

_STEP_S = 60.0


def run(*words: str, given: Path | None = None) -> None:
    """Run a program to its end, and give it a file to read.

    Raises:
        StepFailed: it says no; why is in the log.

    """
    try:
        _run(words, given)
    except subprocess.CalledProcessError as error:
        log.warning("step of a node failed", words=words, said=error.stderr.strip()[-500:])
        raise StepFailed(f"{Path(words[0]).name} failed; the log of Silo says why.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("step of a node failed", words=words, said=str(error))
        raise StepFailed(f"{Path(words[0]).name} could not be run.") from None


def is_done(*words: str) -> bool:
    """Run a program; tell whether it ended well."""
    try:
        _run(words, None)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _run(words: Sequence[str], given: Path | None) -> None:
    with (given or Path(os.devnull)).open("rb") as source:
        subprocess.run(  # noqa: S603 - our own words
            words,
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
            stdin=source,
            capture_output=True,
            text=True,
            check=True,
            timeout=_STEP_S,
            umask=0o022,
        )
