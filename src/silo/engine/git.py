"""Filling a folder from a git repository that somebody else chose.

The real git, kept small: no rights, no hooks, no helpers, no configuration but ours, only the
protocols allowed, no redirects, a time limit; the folder it writes to is bounded by its mount. It
stands in the network of the group that it fetches for: whoever names the repository chooses where
the machine connects to, and reaches from there no more than the group does.
"""

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from silo import core

from .plans import GitRepo

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@^~-]{0,199}")
_PART = re.compile(r"[A-Za-z0-9_.-][A-Za-z0-9_. -]{0,99}")
_SAID = 400
_LOOK_S = 0.25
"""How soon git ends when nobody wants the volume any more."""
_HEAR_S = 5.0
"""For the last words of a git that has ended; they are there already."""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_PLACE = Path("/mnt/volume")
"""Where the volume is mounted for git, in a namespace of its own."""
_INSIDE = """
set -e
mount -t tmpfs -o mode=755,size=1m silo /mnt
mkdir /mnt/volume /mnt/etc
mount --bind "$0" /mnt/volume
while [ "$1" != -- ]; do cp "$2" "/mnt$1"; shift 2; done
shift
echo 'hosts: files dns' > /mnt/etc/nsswitch.conf
mount -t tmpfs -o mode=755,size=1m silo /run
for file in /mnt/etc/*; do
    seen=$(readlink -m "/etc/${file##*/}")
    mkdir -p "${seen%/*}"
    [ -e "$seen" ] || : > "$seen"
    mount --bind "$file" "$seen"
done
exec setpriv "$@"
"""
"""Names are known as in the group. The machine's own resolvers answer at sockets below ``/run``,
from wherever they are asked, so git does not see that folder."""
_LIMITS = (f"--data={1 << 30}", "--core=0")
NOBODY = 65_534


class GitRefused(core.SiloError):
    """The repository, its folder or its revision is not one that is fetched here."""


class GitFailed(core.SiloError):
    """git could not fetch it; the message is git's own."""


@dataclass(frozen=True, slots=True)
class GitRules:
    """What may be fetched, and how long it may take."""

    protocols: tuple[str, ...] = ("https", "http")
    """``file`` would read this machine's own disk, ``ssh`` use this machine's own keys."""
    timeout_s: float = 300.0
    bytes: int = 8 << 30
    """Of the volume it is fetched into."""
    ca_bundle: str = ""
    """PEM file of trusted authorities; empty: the system's."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where git stands: on the network of the group that it fetches for."""

    netns: Path
    files: Mapping[str, str] = field(default_factory=dict)
    """What it sees in ``/etc`` as the group's containers do, and where that is."""


def clone(
    repo: GitRepo,
    folder: Path,
    rules: GitRules,
    *,
    owner: int,
    stand: Stand | None,
    stop: threading.Event,
) -> None:
    """Fetch a repository into a folder that exists, is empty and belongs to ``owner``.

    Another thread ends it by ``stop``.

    Raises:
        GitRefused: it may not be fetched. GitFailed: it could not be.

    """
    url, secret = _split_secret(repo.repository, rules)
    if os.geteuid() == 0 and stand is None:
        raise GitRefused("A repository is fetched from within its group's network only.")
    job = _Job(folder, owner, rules, stand, stop, secret)
    target = str(job.seen_as / choose_directory(repo))
    if repo.revision and (".." in repo.revision or not _REVISION.fullmatch(repo.revision)):
        raise GitRefused(f"'{repo.revision[:100]}' is not a revision.")
    job.run("clone", "--quiet", "--template=", "--", url, target)
    if repo.revision:
        job.run("-C", target, "checkout", "--quiet", repo.revision, "--")
        job.run("-C", target, "reset", "--quiet", "--hard")


def choose_directory(repo: GitRepo) -> str:
    """Return the folder inside the volume, as ACI does: ``.`` is the volume itself.

    Raises:
        GitRefused: it would lie outside.

    """
    text = repo.directory
    if not text:
        text = urlsplit(repo.repository).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    if text == ".":
        return text
    parts = text.split("/")
    if any(part in {"", ".", "..", ".git"} or not _PART.fullmatch(part) for part in parts):
        raise GitRefused(f"'{text[:100]}' is not a directory inside the volume.")
    return text


def _split_secret(text: str, rules: GitRules) -> tuple[str, str]:
    """Return the URL without user and password, and the header that carries them instead.

    What is in the arguments of a program can be read by everybody on the machine.
    """
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise GitRefused("The repository is not a URL.") from None
    if url.scheme not in rules.protocols:
        allowed = ", ".join(rules.protocols)
        raise GitRefused(f"A repository is fetched by {allowed} only.")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in text):  # noqa: PLR2004
        raise GitRefused("The repository is not a URL.")
    if url.scheme == "file":
        return text, ""
    if not host or host.startswith("-"):
        raise GitRefused("The repository's URL names no host.")
    place = f"[{host}]" if ":" in host else host
    bare = urlunsplit(url._replace(netloc=place if port is None else f"{place}:{port}"))
    if url.username is None:
        return bare, ""
    pair = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
    return bare, f"Authorization: Basic {base64.b64encode(pair).decode()}"


def _make_environment(rules: GitRules, folder: Path, secret: str) -> dict[str, str]:
    settings = {
        "core.hooksPath": "/dev/null",
        "core.fsmonitor": "false",
        "core.askPass": "",
        "credential.helper": "",
        "http.followRedirects": "false",
        "protocol.allow": "never",
        "submodule.recurse": "false",
        "fetch.recurseSubmodules": "false",
        "gc.auto": "0",
        "safe.directory": "*",
        "advice.detachedHead": "false",
        "uploadpack.packObjectsHook": "",
    }
    for protocol in rules.protocols:
        settings[f"protocol.{protocol}.allow"] = "always"
    if rules.ca_bundle:
        settings["http.sslCAInfo"] = rules.ca_bundle
    if secret:
        settings["http.extraHeader"] = secret
    environment = {
        "PATH": _PATH,
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": ":".join(rules.protocols),
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


@dataclass(frozen=True, slots=True)
class _Job:
    """Runs git on one folder.

    As root: in the group's network; in a mount namespace in which the folder is at a place that
    git may walk to, for it has no rights in the folders above; in a pid namespace, so that nothing
    of it stays behind.
    """

    folder: Path
    owner: int
    rules: GitRules
    stand: Stand | None
    stop: threading.Event
    secret: str = field(repr=False)

    @property
    def seen_as(self) -> Path:
        """The folder as git sees it."""
        return _PLACE if os.geteuid() == 0 else self.folder

    def run(self, *words: str) -> None:
        """Run git to its end.

        Raises:
            GitFailed: with what git said.

        """
        program = shutil.which("git", path=_PATH)
        if program is None:
            raise GitFailed("git is not installed on this machine.")
        command = [program, *words]
        if self.stand is not None and os.geteuid() == 0:
            command = [*self._confine(self.stand), *command]
        process = subprocess.Popen(  # noqa: S603 - checked words after --
            command,
            bufsize=0,
            env=_make_environment(self.rules, self.seen_as, self.secret),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            umask=0o022,
        )
        said = bytearray()
        reader = threading.Thread(target=keep_tail, args=(process.stderr, said), daemon=True)
        reader.start()
        if not self._wait(process):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise GitFailed(f"git did not end within {self.rules.timeout_s:.0f} s.")
        if process.returncode:
            reader.join(_HEAR_S)
            last = said.decode(errors="replace").strip()[-_SAID:]
            raise GitFailed(f"git failed: {last or process.returncode}")

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for its end; False when that takes too long or is not wanted any more."""
        left = self.rules.timeout_s
        while left > 0 and not self.stop.is_set():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(min(left, _LOOK_S))
                return True
            left -= _LOOK_S
        return False

    def _confine(self, stand: Stand) -> list[str]:
        """Return the words before a command that take it there and everything from it."""
        ids = ("--reuid", str(self.owner or NOBODY), "--regid", str(self.owner or NOBODY))
        drop = (*ids, "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
        own = ("unshare", "--mount", "--ipc", "--pid", "--fork", "--kill-child")
        files = [word for seen_as, path in stand.files.items() for word in (seen_as, path)]
        return [
            *("nsenter", f"--net={stand.netns}", "--", "prlimit", *_LIMITS, "--", *own, "--"),
            *("sh", "-c", _INSIDE, str(self.folder), *files, "--", *drop, "--"),
        ]


def keep_tail(pipe: IO[bytes], said: bytearray) -> None:
    """Read to the end and keep the last of it: a server has git say as much as it likes."""
    with pipe:
        while chunk := pipe.read(1 << 16):
            said += chunk
            del said[: -4 * _SAID]
