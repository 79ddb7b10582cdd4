"""Another version of a control plane: what it stored is copied before, and put back on failure.

The copy is made while etcd stands still, for a second or two; pods notice nothing of it. What a
newer API server has written an older one need not read, so going back is going back to the copy.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from silo import core

from .control_plane import API_SERVER, CONTROLLERS, ETCD, SCHEDULER
from .errors import UpgradeFailed
from .paths import ClusterPaths
from .tending import Tending

log = structlog.get_logger()

_PROGRAMS = (SCHEDULER, CONTROLLERS, API_SERVER, ETCD)
_COPY = "etcd-before-upgrade"
_FAILED = "etcd-of-failed-upgrade"
_NOTE = "version"


@asynccontextmanager
async def guard(paths: ClusterPaths, version: str, tending: Tending) -> AsyncIterator[None]:
    """Have a control plane come up within; one of another version than before may fail to.

    Raises:
        UpgradeFailed: it did, and what it stored is again as it was.

    """
    await tending.do(recover, paths)
    upgrades = is_due(paths, version)
    if upgrades:
        log.info("control plane gets another version", state=str(paths.state), version=version)
        await tending.end(_PROGRAMS)
        await tending.do(copy, paths)
    else:
        await tending.do(forget, paths)
    try:
        yield
    except (core.SiloError, OSError) as error:
        if not upgrades:
            raise
        await tending.end(_PROGRAMS)
        await tending.do(restore, paths)
        raise UpgradeFailed(
            f"The control plane of version {version} did not come up ({error}); the cluster is as "
            "it was before."
        ) from error
    await tending.do(note, paths, version)


def find_version(paths: ClusterPaths) -> str:
    """Return the version that the control plane was of when it last came up, if it ever did."""
    note = paths.state / _NOTE
    return note.read_text() if note.exists() else ""


async def undo(paths: ClusterPaths, version: str, tending: Tending) -> None:
    """Leave an upgrade to a version that has not come up yet."""
    if is_due(paths, version) and (paths.state / _COPY).exists():
        await tending.end(_PROGRAMS)
        await tending.do(restore, paths)


def recover(paths: ClusterPaths) -> None:
    """Finish a restoration that was cut off."""
    copy = paths.state / _COPY
    if copy.exists() and not paths.etcd.exists():
        copy.rename(paths.etcd)


def is_due(paths: ClusterPaths, version: str) -> bool:
    """Tell whether the control plane was of another version when it last came up."""
    note = paths.state / _NOTE
    return note.exists() and note.read_text() != version


def copy(paths: ClusterPaths) -> None:
    """Copy what is stored, whose programs have ended; a copy that is there is of before, too."""
    target = paths.state / _COPY
    if target.exists():
        return
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(paths.etcd, part)
    part.rename(target)


def note(paths: ClusterPaths, version: str) -> None:
    """Note the version of a control plane that is up; the copy is not needed any more."""
    if (paths.state / _NOTE).exists() and not is_due(paths, version):
        return
    core.write_private(paths.state / _NOTE, version.encode())
    forget(paths)


def forget(paths: ClusterPaths) -> None:
    """Remove the copy: nobody may ever take it, or half of it, for one of a later upgrade."""
    copy, gone = paths.state / _COPY, paths.state / _FAILED
    if copy.exists():
        shutil.rmtree(gone, ignore_errors=True)
        copy.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def restore(paths: ClusterPaths) -> None:
    """Put the copy back in place of what the other version has made of it."""
    failed = paths.state / _FAILED
    shutil.rmtree(failed, ignore_errors=True)
    if (paths.state / _COPY).exists() and paths.etcd.exists():
        paths.etcd.rename(failed)
    recover(paths)
    shutil.rmtree(failed, ignore_errors=True)
