"""The volumes of a group: made before its first container, gone after its last.

Who owns them: volumes are mounted id-mapped into containers, so what a container's user 0 is to
have belongs to 0 here, though that user has no rights outside; ``first_id`` is for mounts that are
not. An emptyDir and a gitRepo belong to that user and everybody may write to an emptyDir; a
secret's files may be read by the one user that needs them. A share is used by many groups, so
nobody in particular owns it: everybody may write, and what is made in it inherits that
(``silo.storage``). Strangers on the machine are kept out by the folder above, which only root and
``first_id`` may pass through.
"""

import asyncio
import contextlib
import os
import re
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import TypeVar

from silo import core

from . import git
from .mounts import KernelMounts, Mounts
from .plans import EmptyDir, GitRepo, Secret, Share, VolumePlan

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FILE = re.compile(r"[A-Za-z0-9._-]{1,253}")
SECRET_BYTES = 4 << 20
"""As much as a whole request to ARM may hold."""
_AT_ONCE = 16
_CLONES_AT_ONCE = 4

T = TypeVar("T")
OpenShare = Callable[[PurePath, bool], Awaitable[Path]]
"""A share's folder below the folder of all, and whether it is only read, to what is mounted."""


class VolumeRefused(core.SiloError):
    """The volume asks for something that is not given."""


@dataclass(frozen=True, slots=True)
class VolumeRules:
    """How large volumes get, and what fills them."""

    bytes: int = 50 << 30
    """Of an emptyDir; ACI's own bound. Sparse: what is not written costs nothing."""
    repositories: git.GitRules = field(default_factory=git.GitRules)


class Volumes:
    """The volumes of one instance's groups."""

    def __init__(
        self,
        disk: Path,
        memory: Path,
        *,
        shares: Path,
        open_share: OpenShare | None = None,
        rules: VolumeRules | None = None,
        mounts: Mounts | None = None,
    ) -> None:
        """``disk`` outlives the machine's next start, ``memory`` does not.

        ``open_share`` makes what a share's folder is to hold, if something has to be made.
        """
        self._disk = disk
        self._memory = memory
        self._shares = shares
        self._open_share = open_share
        self._rules = rules or VolumeRules()
        self._mounts = mounts or KernelMounts()
        # Of their own: nothing else waits for disks, and no volume for somebody's slow repository.
        self._threads = ThreadPoolExecutor(_AT_ONCE, "volumes")
        self._clones = ThreadPoolExecutor(_CLONES_AT_ONCE, "clones")

    async def prepare(
        self,
        uid: str,
        plan: VolumePlan,
        *,
        first_id: int = 0,
        reader: int | None = 0,
        stand: git.Stand | None = None,
    ) -> Path:
        """Make a volume of a group, or find it made; return its folder on this machine.

        ``first_id`` is who here stands for a container's user 0; ``reader`` the user in the
        containers that reads a secret, None when there are several; ``stand`` the network that a
        repository is fetched from.

        Raises:
            VolumeRefused, GitRefused: it may not be had. MountFailed, GitFailed: it cannot.

        """
        if isinstance(plan.source, Share) and self._open_share is not None:
            folder = await self._open_share(self._find_place(plan.source), plan.source.read_only)
            plan = replace(plan, source=replace(plan.source, path=str(folder)))
        stop = threading.Event()
        threads = self._clones if isinstance(plan.source, GitRepo) else self._threads
        work = partial(self._prepare, uid, plan, first_id, reader, stand=stand, stop=stop)
        return await _do(threads, work, stop)

    async def remove(self, uid: str) -> None:
        """Take every volume of a group away, shares' contents excepted; repeatable."""
        await _do(self._threads, partial(self._remove, _check(uid)))

    async def sweep(self, keep: Collection[str]) -> list[str]:
        """Take away what a crash left of groups that are no more; return their uids."""
        return await _do(self._threads, partial(self._sweep, keep))

    def _prepare(
        self,
        uid: str,
        plan: VolumePlan,
        first_id: int,
        reader: int | None,
        *,
        stand: git.Stand | None,
        stop: threading.Event,
    ) -> Path:
        _check(uid)
        _check(plan.name)
        match plan.source:
            case EmptyDir():
                return self._prepare_empty(uid, plan.name, first_id, self._rules.bytes)[0]
            case GitRepo():
                return self._prepare_git(
                    uid, plan.name, plan.source, first_id, stand=stand, stop=stop
                )
            case Secret():
                place = _make_folder(self._memory, uid, first_id) / plan.name
                owner = None if reader is None else (first_id + reader, first_id)
                return self._prepare_secret(place, plan.source.files, owner)
            case Share():
                return self._prepare_share(uid, plan.name, plan.source, first_id)

    def _prepare_empty(self, uid: str, name: str, first_id: int, size: int) -> tuple[Path, bool]:
        """Return the folder, and whether it was there already."""
        place = _make_folder(self._disk, uid, first_id) / name
        # Inside the mount, for a file system has a ``lost+found`` of its own at its root.
        inside = place / "volume"
        if self._mounts.is_mount(place) and inside.is_dir():
            _give(inside, first_id)
            return inside, True
        self._mounts.unmount(place)
        place.mkdir(mode=0o711, exist_ok=True)
        self._mounts.mount_bounded(place.with_name(f"{name}.img"), place, size)
        place.chmod(0o711)
        inside.mkdir(exist_ok=True)
        inside.chmod(0o777)
        _give(inside, first_id)
        return inside, False

    def _prepare_git(
        self,
        uid: str,
        name: str,
        repo: GitRepo,
        first_id: int,
        *,
        stand: git.Stand | None,
        stop: threading.Event,
    ) -> Path:
        git.choose_directory(repo)
        size = min(self._rules.bytes, self._rules.repositories.bytes)
        inside, found = self._prepare_empty(uid, name, first_id, size)
        done = inside.parent / "cloned"
        if found and done.exists():
            return inside
        if found:
            _empty(inside)
        inside.chmod(0o755)
        owner = first_id or git.NOBODY
        _give(inside, owner)
        rules = self._rules.repositories
        git.clone(repo, inside, rules, owner=owner, stand=stand, stop=stop)
        if owner != first_id:
            _give_tree(inside, first_id)
        done.touch(mode=0o600)
        return inside

    def _prepare_secret(
        self, place: Path, files: Mapping[str, bytes], owner: tuple[int, int] | None
    ) -> Path:
        for file in files:
            if file in {".", ".."} or not _FILE.fullmatch(file):
                raise VolumeRefused(f"'{file[:100]}' is not a name for a secret's file.")
        size = sum(map(len, files.values()))
        if size > SECRET_BYTES:
            raise VolumeRefused(f"A secret volume holds at most {SECRET_BYTES} bytes.")
        self._mounts.unmount(place)
        place.mkdir(mode=0o711, exist_ok=True)
        # Every file takes whole pages, its name another.
        self._mounts.mount_memory(place, size + 16384 * (len(files) + 1))
        with _open_folder(place) as folder:
            for file, content in files.items():
                _write_secret(folder, file, content, owner)
        place.chmod(0o755)
        self._mounts.freeze(place)
        return place

    def _prepare_share(self, uid: str, name: str, share: Share, first_id: int) -> Path:
        place = _make_folder(self._memory, uid, first_id) / name
        within = self._find_place(share)
        with contextlib.ExitStack() as open_folders:
            folder = open_folders.enter_context(_open_folder(self._shares))
            for part in within.parts:
                folder = open_folders.enter_context(_open_folder(part, folder))
            self._mounts.unmount(place)
            place.mkdir(mode=0o711, exist_ok=True)
            self._mounts.bind(folder, place, read_only=share.read_only)
        return place

    def _find_place(self, share: Share) -> PurePath:
        """Return where a share's folder is below the folder of all."""
        path = PurePath(share.path)
        if path.is_relative_to(self._shares) and ".." not in path.parts:
            within = path.relative_to(self._shares)
            if within.parts:
                return within
        raise VolumeRefused("A share lies where this instance keeps its shares.")

    def _remove(self, uid: str) -> None:
        for root in (self._disk, self._memory):
            place = root / uid
            for mount in self._mounts.list_below(place):
                self._mounts.unmount(mount)
            # What is still mounted must not be walked into: it may be a share's content.
            if not self._mounts.list_below(place):
                core.remove_tree(place)

    def _sweep(self, keep: Collection[str]) -> list[str]:
        found: set[str] = set()
        for root in (self._disk, self._memory):
            if root.is_dir():
                found |= {entry.name for entry in os.scandir(root) if entry.is_dir()}
        gone = sorted(uid for uid in found - set(keep) if _NAME.fullmatch(uid))
        for uid in gone:
            self._remove(uid)
        return gone


async def _do(
    threads: ThreadPoolExecutor, work: Callable[[], T], stop: threading.Event | None = None
) -> T:
    """Work in a thread; who is cancelled waits, so that nothing is mounted after a removal."""
    job = threads.submit(work)
    done = asyncio.wrap_future(job)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        if stop is not None:
            stop.set()
        job.cancel()  # unless it has begun
        while not done.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([done])
        if not done.cancelled():
            done.exception()  # taken note of: that it was ended is no news
        raise


def _write_secret(folder: int, name: str, content: bytes, owner: tuple[int, int] | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o400, dir_fd=folder), "wb") as file:
        file.write(content)
        if os.geteuid() == 0 and owner is not None:
            os.fchown(file.fileno(), *owner)
        # Several users of one group read it: within its own folder there is nobody else.
        os.fchmod(file.fileno(), 0o444 if owner is None else 0o400)


def _give(path: Path, owner: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner, owner)


def _check(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise VolumeRefused(f"'{name[:100]}' is not the name of a volume or group.")
    return name


def _make_folder(root: Path, uid: str, first_id: int) -> Path:
    """Return the folder of a group, through which only root and its own user 0 may pass.

    Where things are mounted, every user of the machine may read in ``/proc``; whatever the umask.
    """
    folder = root / uid
    if not root.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o711)
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 0, first_id)
    folder.chmod(0o710)
    return folder


@contextlib.contextmanager
def _open_folder(path: Path | str, within: int | None = None) -> Iterator[int]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, dir_fd=within)
    except OSError:
        raise VolumeRefused("There is no such folder to mount.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            core.remove_tree(Path(entry.path))
        else:
            Path(entry.path).unlink()


def _give_tree(folder: Path, owner: int) -> None:
    """Give all of it away, the links themselves and not what they point to."""
    if os.geteuid() != 0:
        return
    for inside, names in core.walk_tree(folder):
        os.fchown(inside, owner, owner)
        for name in names:
            os.chown(name, owner, owner, dir_fd=inside, follow_symlinks=False)
