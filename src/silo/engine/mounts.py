"""What volumes ask of the kernel: folders of bounded size, folders in memory, folders seen twice.

Blocks; the callers own the threads. Everything is mounted ``nosuid,nodev``: what a container
leaves in a volume is nobody's way to more rights, neither in the next container nor outside.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Protocol

import structlog

from silo import core

log = structlog.get_logger()

SAFE = "nosuid,nodev"
COMMAND_S = 60.0
_OCTAL = re.compile(r"\\([0-7]{3})")


class MountFailed(core.SiloError):
    """The machine does not let us make what a volume needs."""


class Mounts(Protocol):
    """Somebody who can mount; the kernel, or a fake in tests."""

    def is_mount(self, path: Path) -> bool:
        """Tell whether something is mounted there."""
        ...

    def mount_bounded(self, image: Path, path: Path, size: int) -> None:
        """Mount an empty folder that never holds more than ``size`` bytes."""
        ...

    def mount_memory(self, path: Path, size: int) -> None:
        """Mount an empty folder that lives in memory and is never written to disk."""
        ...

    def freeze(self, path: Path) -> None:
        """Let nobody write to what is mounted there any more."""
        ...

    def bind(self, source: int, path: Path, *, read_only: bool) -> None:
        """Show an open folder at another path too."""
        ...

    def unmount(self, path: Path) -> None:
        """Take away what is mounted there; nothing if there is nothing."""
        ...

    def list_below(self, folder: Path) -> list[Path]:
        """Return every place below a folder where something is mounted, the newest first."""
        ...


class KernelMounts:
    """The machine's own mounts; needs CAP_SYS_ADMIN."""

    def is_mount(self, path: Path) -> bool:
        """Tell whether something is mounted there."""
        return path in _read_mounts()

    def mount_bounded(self, image: Path, path: Path, size: int) -> None:
        """Mount a sparse file of this size as a file system of its own.

        Without a journal: what is in it does not outlive the machine's next start anyway.
        """
        image.unlink(missing_ok=True)
        with image.open("xb") as file:
            file.truncate(size)
        image.chmod(0o600)
        options = "lazy_itable_init=1,nodiscard"
        try:
            _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", options, "-O", "^has_journal", image)
            _run("mount", "-t", "ext4", "-o", f"loop,{SAFE}", image, path)
        except MountFailed as error:
            image.unlink(missing_ok=True)
            log.warning("no loop device: this volume is kept in memory", reason=str(error))
            _run("mount", "-t", "tmpfs", "-o", f"{SAFE},size={size}", "silo", path)

    def mount_memory(self, path: Path, size: int) -> None:
        """Mount a tmpfs that is not swapped, or a ramfs where the kernel cannot promise that."""
        options = f"{SAFE},noexec,mode=0755,size={size}"
        try:
            _run("mount", "-t", "tmpfs", "-o", f"{options},noswap", "silo", path)
        except MountFailed:
            _run("mount", "-t", "ramfs", "-o", f"{SAFE},noexec,mode=0755", "silo", path)

    def freeze(self, path: Path) -> None:
        """Let nobody write to what is mounted there any more."""
        _run("mount", "-o", f"remount,ro,{SAFE},noexec", path)

    def bind(self, source: int, path: Path, *, read_only: bool) -> None:
        """Show an open folder at another path too.

        The folder is given open, so that nobody can exchange it for another one meanwhile.
        """
        _run("mount", "--no-canonicalize", "--bind", f"/proc/self/fd/{source}", path, keep=source)
        _run("mount", "-o", f"remount,bind,{'ro' if read_only else 'rw'},{SAFE}", path)

    def unmount(self, path: Path) -> None:
        """Take away what is mounted there; a mount still in use goes when its users do."""
        for _ in range(8):
            if not self.is_mount(path):
                return
            try:
                _run("umount", "--no-canonicalize", path)
            except MountFailed:
                _run("umount", "--no-canonicalize", "--lazy", path)

    def list_below(self, folder: Path) -> list[Path]:
        """Return every place below a folder where something is mounted, the newest first."""
        return [path for path in reversed(_read_mounts()) if path.is_relative_to(folder)]


def _read_mounts() -> list[Path]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return [Path(_unescape(os.fsdecode(line.split(b" ")[4]))) for line in lines]


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def _run(*words: str | Path, keep: int | None = None) -> None:
    try:
        subprocess.run(  # noqa: S603 - our own words, absolute paths
            words,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=COMMAND_S,
            pass_fds=() if keep is None else (keep,),
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-300:]
        raise MountFailed(f"{words[0]} failed: {said or error.returncode}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MountFailed(f"{words[0]} could not be run: {error}") from None
