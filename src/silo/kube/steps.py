"""A step of a node's way up that another program takes."""

import subprocess
from pathlib import Path

import structlog

from .errors import StepFailed
from .processes import SYSTEM_PATH

log = structlog.get_logger()

_STEP_S = 60.0


def run(*words: str) -> None:
    """Run a program to its end.

    Raises:
        StepFailed: it says no; why is in the log.

    """
    environment = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}
    try:
        subprocess.run(  # noqa: S603 - our own words
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=_STEP_S,
            umask=0o022,
        )
    except subprocess.CalledProcessError as error:
        log.warning("step of a node failed", words=words, said=error.stderr.strip()[-500:])
        raise StepFailed(f"{Path(words[0]).name} failed; the log of Silo says why.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("step of a node failed", words=words, said=str(error))
        raise StepFailed(f"{Path(words[0]).name} could not be run.") from None
