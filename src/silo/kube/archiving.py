"""A cluster in one file: what it stored, copied while nothing of it runs, and put back.

What can be made anew is left out: what nodes pulled, and what the programs said.
"""

import json
import os
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from silo import core

from .errors import ArchiveRefused
from .paths import ClusterPaths
from .processes import SYSTEM_PATH

_PARTS = ("version", "pki", "config", "etcd", "disks")
_ABOUT = "about.json"
_ABOUT_BYTES = 1 << 16
_PART, _BEFORE = "restore.part", "before-restore"


def write_archive(paths: ClusterPaths, about: Mapping[str, Any], target: Path) -> None:
    """Copy what a cluster stored, and what is to be known of it, into a file for root alone.

    Raises:
        ArchiveRefused: there is nothing to copy, or nowhere to.

    """
    if not paths.etcd.is_dir():
        raise ArchiveRefused("What the cluster stored is not here.")
    for disk in paths.disks.iterdir() if paths.disks.is_dir() else ():
        if disk.is_dir():
            raise ArchiveRefused(
                f"The disk {disk.name} is a folder, as an earlier version made them; copy what is "
                "in it to a volume of another claim and delete it."
            )
    try:
        file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise ArchiveRefused(f"{target} is there already.") from None
    except OSError as error:
        raise ArchiveRefused(f"{target} cannot be written: {error.strerror}.") from None
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / _ABOUT).write_text(json.dumps(dict(about)))
            _pack(file, Path(folder), paths.state)
        os.fsync(file)
    except BaseException:
        target.unlink()
        raise
    finally:
        os.close(file)


def check_archive(source: Path, check: Callable[[Mapping[str, Any]], None]) -> None:
    """Have somebody check what an archive says of itself; what is in it is not looked at.

    Raises:
        ArchiveRefused: it is no archive of ours, or ``check`` refuses it.

    """
    try:
        with tarfile.open(source, "r:gz") as archive:
            check(_read_about(archive, archive.next()))
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ArchiveRefused(f"{source} cannot be read: {error}") from None


def read_archive(
    paths: ClusterPaths, source: Path, check: Callable[[Mapping[str, Any]], None]
) -> None:
    """Put back what is in an archive, all of it or nothing; ``check`` may refuse what it is.

    What the cluster stored until now is kept aside until `forget_former`.

    Raises:
        ArchiveRefused: it is no archive of ours, or not one to be put back here.

    """
    part = paths.state / _PART
    core.remove_tree(part)
    part.mkdir(mode=0o700, parents=True)
    try:
        with tarfile.open(source, "r:gz") as archive:
            members = iter(archive)
            check(_read_about(archive, next(members, None)))
            for member in members:
                _unpack(archive, member, part)
        _require_cluster(part)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        core.remove_tree(part)
        raise ArchiveRefused(f"{source} cannot be read: {error}") from None
    except BaseException:
        core.remove_tree(part)
        raise
    _exchange(paths, part)


def forget_former(paths: ClusterPaths) -> None:
    """Remove what the cluster stored before an archive was put back."""
    core.remove_tree(paths.state / _BEFORE)


def _pack(file: int, about: Path, state: Path) -> None:
    parts = [name for name in _PARTS if (state / name).exists()]
    words = ["tar", "--create", "--gzip", "--sparse", "--format=gnu", "--numeric-owner"]
    done = subprocess.run(  # noqa: S603 - our own words
        [*words, f"--directory={about}", _ABOUT, f"--directory={state}", *parts],
        env={"PATH": SYSTEM_PATH, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=file,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-300:]
        raise ArchiveRefused(f"The archive cannot be written: {said}")


def _read_about(archive: tarfile.TarFile, member: tarfile.TarInfo | None) -> Mapping[str, Any]:
    file = archive.extractfile(member) if member is not None and member.name == _ABOUT else None
    if file is None or member is None or member.size > _ABOUT_BYTES:
        raise ArchiveRefused("This is no archive of a cluster.")
    try:
        about = json.load(file)
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise ArchiveRefused("This is no archive of a cluster.")
    return about


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack one member, a folder or a file of ours; nothing that leads anywhere else."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or name.parts[:1] not in {(one,) for one in _PARTS}:
        raise ArchiveRefused(f"The archive holds what no cluster stores: {member.name[:100]!r}")
    place = folder / name
    if member.isdir():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif member.isreg() or member.issparse():
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.touch(mode=0o600, exist_ok=False)
        archive.makefile(member, str(place))
    else:
        raise ArchiveRefused(f"The archive holds more than files: {member.name[:100]!r}")


def _require_cluster(part: Path) -> None:
    if not (part / "etcd").is_dir():
        raise ArchiveRefused("The archive holds no cluster.")


def _exchange(paths: ClusterPaths, part: Path) -> None:
    before = paths.state / _BEFORE
    before.mkdir(mode=0o700, exist_ok=True)
    for name in _PARTS:
        old = paths.state / name
        if old.exists() and not (before / name).exists():
            old.rename(before / name)
        _remove(old)
        if (part / name).exists():
            (part / name).rename(old)
    core.remove_tree(part)
    # Renamed on one file system: what has been unpacked and where it is go to disk together.
    os.sync()


def _remove(path: Path) -> None:
    if path.is_dir():
        core.remove_tree(path)
    else:
        path.unlink(missing_ok=True)
