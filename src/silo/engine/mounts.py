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
IMAGE_OPTIONS = f"loop,{SAFE},noinit_itable"
"""Else the kernel would write out all inode tables by and by: no sparse file any more."""
COMMAND_S = 60.0
_SLACK = 1 << 20
"""Less than this at the end of an image is not worth a block."""
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
        try:
            _format(image, size, "-O", "^has_journal")
            self.mount_image(image, path)
        except MountFailed as error:
            image.unlink(missing_ok=True)
            log.warning("no loop device: this volume is kept in memory", reason=str(error))
            _run("mount", "-t", "tmpfs", "-o", f"{SAFE},size={size}", "silo", path)

    def make_image(self, image: Path, size: int) -> None:
        """Make a sparse file of this size, with a file system that outlives a crash."""
        _format(image, size, "-J", "size=16")

    def mount_image(self, image: Path, path: Path) -> None:
        """Mount an image; where it is mounted already, ``mount`` takes the same loop device."""
        self.fit_image(image)
        _run("mount", "-t", "ext4", "-o", IMAGE_OPTIONS, image, path)

    def fit_image(self, image: Path) -> bool:
        """Have a file system fill its image, which may have grown; tell whether nobody uses it."""
        return _fit_unmounted(image)

    def grow_image(self, image: Path, path: Path, size: int) -> bool:
        """Make a mounted image and its file system larger; tell whether both are.

        Without CAP_SYS_RESOURCE the kernel lets nobody do it to one that is in use: it is larger
        when it is mounted next, or asked for again.
        """
        device = _find_device(path)
        if image.stat().st_size < size:
            with image.open("r+b") as file:
                file.truncate(size)
        if _is_filled(Path(device), image):
            return True
        try:
            _run("losetup", "--set-capacity", device)
            _run("resize2fs", device)
        except MountFailed as error:
            if self.is_mounted_elsewhere(path):
                log.warning("a share grows when no group uses it", reason=str(error))
                return False
            try:
                _run("umount", "--no-canonicalize", path)
            except MountFailed:
                log.warning("a share grows when nobody uses it", reason=str(error))
                return False
            self.mount_image(image, path)
            return _is_filled(Path(_find_device(path)), image)
        return True

    def is_mounted_elsewhere(self, path: Path) -> bool:
        """Tell whether what is mounted there is in other places of the machine too."""
        mounts = _read_lines()
        numbers = {number for at, number, _ in mounts if at == path}
        return sum(number in numbers for _, number, _ in mounts) > 1

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
    return [path for path, _, _ in _read_lines()]


def _read_lines() -> list[tuple[Path, str, str]]:
    """Return where something is mounted, the file system's number, and what it is on."""
    found = []
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        words = os.fsdecode(line).split(" ")
        source = words[words.index("-") + 2]
        found.append((Path(_unescape(words[4])), words[2], _unescape(source)))
    return found


def _find_device(path: Path) -> str:
    for at, _, source in _read_lines():
        if at == path:
            return source
    raise MountFailed(f"nothing is mounted at {path}")


def _format(image: Path, size: int, *options: str) -> None:
    with image.open("xb") as file:
        file.truncate(size)
    image.chmod(0o600)
    lazily = "lazy_itable_init=1,nodiscard"
    _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", lazily, *options, image)


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)


def _fit_unmounted(image: Path) -> bool:
    if _run("losetup", "--associated", image):
        return False
    if _is_filled(image, image):
        return True
    _run("e2fsck", "-f", "-p", image, corrected=1)
    _run("resize2fs", image)
    return True


def _is_filled(place: Path, image: Path) -> bool:
    """Tell whether the file system in a file or on a device fills its image."""
    with place.open("rb") as file:
        block = file.read(2048)[1024:]
    # s_blocks_count_lo, s_log_block_size and s_blocks_count_hi of ext4's superblock.
    low, shift, high = (int.from_bytes(block[at : at + 4], "little") for at in (4, 24, 336))
    return ((high << 32) + low) * (1024 << shift) >= image.stat().st_size - _SLACK


def _run(*words: str | Path, keep: int | None = None, corrected: int = 0) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - our own words, absolute paths
            words,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=COMMAND_S,
            pass_fds=() if keep is None else (keep,),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MountFailed(f"{words[0]} could not be run: {error}") from None
    if done.returncode not in {0, corrected}:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise MountFailed(f"{words[0]} failed: {said or done.returncode}")
    return done.stdout
