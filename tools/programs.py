"""Running the strangers' programs and telling everything when one of them disappoints."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


class ProgramFailed(AssertionError):
    """A program ended otherwise than it had to; carries all that it said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program answered."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON document on standard output; None when there is none."""
        return json.loads(self.out) if self.out.strip() else None

    @property
    def said(self) -> str:
        """Both outputs, for looking for a word in."""
        return self.out + self.err

    def __str__(self) -> str:
        """Return the command and everything it said."""
        return f"$ {' '.join(self.command)}\n{self.out}{self.err}[exit {self.code}]"


def plain_environment(**variables: str) -> dict[str, str]:
    """Return an environment without the caller's proxies, authorities and Azure settings."""
    kept = ("HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "LOGNAME")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    # Debian's programs first: another client elsewhere on the machine is not what is tried.
    path = f"{SYSTEM_PATH}:{os.environ.get('PATH', '')}"
    return {"LANG": "C.UTF-8", **own, "PATH": path, **variables}


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    stdin: str | None = None,
    timeout_s: float = 180,
    folder: Path | None = None,
) -> Outcome:
    """Run a program to its end, whatever that is."""
    words = tuple(map(str, command))
    done = subprocess.run(
        words,
        env=dict(environment),
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout_s,
        check=False,
        cwd=folder,
    )
    return Outcome(words, done.returncode, done.stdout, done.stderr)


def succeed(outcome: Outcome) -> Outcome:
    """Hand an outcome through if it is a success.

    Raises:
        ProgramFailed: it is not.

    """
    if outcome.code:
        raise ProgramFailed(f"this had to succeed:\n{outcome}")
    return outcome


def refuse(outcome: Outcome, *words: str) -> Outcome:
    """Hand an outcome through if it is a refusal that says these words.

    Raises:
        ProgramFailed: it succeeded, or gives another reason.

    """
    if outcome.code == 0:
        raise ProgramFailed(f"this had to be refused:\n{outcome}")
    if not all(word.lower() in outcome.said.lower() for word in words):
        raise ProgramFailed(f"this had to be refused with {words}:\n{outcome}")
    return outcome
