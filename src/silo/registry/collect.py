"""Online clean-up: what nothing refers to any more is removed, and never what a push relies on.

Runs in the control process beside pushes in every worker. Whatever it removes is removed within a
write transaction, so a push either linked its content before (and it stays), or finds it missing
within its own transaction (and the client sends it again). A file younger than the grace period
is left alone: it may belong to a push whose transaction is still to come.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from silo import core

from .content import Content
from .names import ALGORITHMS
from .repositories import drop_repository
from .tables import blobs, links, references, registries, repositories

GRACE = timedelta(days=1)
"""From the last push or question about a blob to its removal, if no manifest came."""
UPLOAD_AGE = timedelta(days=1)
"""An upload that has not grown for so long is given up."""
BATCH = 200
"""Things removed in one transaction; bounds how long pushes wait for it."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run has removed."""

    uploads: int = 0
    repositories: int = 0
    links: int = 0
    blobs: int = 0
    size: int = 0
    """Bytes of the blobs."""


async def collect(
    store: core.Store, content_root: Path, clock: core.Clock, grace: timedelta = GRACE
) -> Collected:
    """Remove stale uploads, what deleted registries held, and blobs that nothing links."""
    content = Content(content_root)
    now = clock.now()
    before = now - grace
    uploads = _sweep_uploads(content, (now - UPLOAD_AGE).timestamp())
    repositories_gone = await _repeat(store, _drop_repositories)
    links_gone = await _repeat(store, lambda conn: _drop_links(conn, before))
    await store.write(lambda conn: _empty_trash(conn, content, before.timestamp()))
    count, size = 0, 0
    for digests in _list_old_blobs(content, before.timestamp()):

        def drop(conn: core.Connection, part: list[str] = digests) -> list[int]:
            return _drop_blobs(conn, content, part, before.timestamp())

        removed = await store.write(drop)
        count += len(removed)
        size += sum(removed)
    return Collected(uploads, repositories_gone, links_gone, count, size)


async def _repeat(store: core.Store, work: Callable[[core.Connection], int]) -> int:
    """Do a bounded piece of work until nothing is left of it."""
    total = 0
    while done := await store.write(work):
        total += done
    return total


def _sweep_uploads(content: Content, before: float) -> int:
    count = 0
    for path in content.uploads.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before and _remove_unless_taken(path):
                count += 1
    return count


def _remove_unless_taken(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _drop_repositories(conn: core.Connection) -> int:
    """Remove a few repositories of registries that are gone."""
    query = (
        sa.select(repositories.c.id)
        .where(repositories.c.registry_uid.not_in(sa.select(registries.c.uid)))
        .limit(BATCH)
    )
    gone = list(conn.scalars(query))
    for number in gone:
        drop_repository(conn, number)
    return len(gone)


def _drop_links(conn: core.Connection, before: datetime) -> int:
    """Remove a few links that no manifest uses and nobody has asked about for long."""
    used = sa.exists().where(
        references.c.repository_id == links.c.repository_id,
        references.c.digest == links.c.digest,
    )
    query = (
        sa.select(links.c.repository_id, links.c.digest)
        .where(links.c.touched < core.render_time(before), ~used)
        .limit(BATCH)
    )
    gone = conn.execute(query).all()
    for row in gone:
        conn.execute(
            links.delete().where(
                links.c.repository_id == row.repository_id, links.c.digest == row.digest
            )
        )
    return len(gone)


def _list_old_blobs(content: Content, before: float) -> Iterator[list[str]]:
    """Yield digests of files that are old enough, a few at a time."""
    for algorithm in ALGORITHMS:
        for folder in sorted((content.blobs / algorithm).iterdir()):
            with os.scandir(folder) as entries:
                old = [entry.name for entry in entries if _is_older(entry, before)]
            for start in range(0, len(old), BATCH):
                yield [f"{algorithm}:{name}" for name in old[start : start + BATCH]]


def _is_older(entry: os.DirEntry[str], before: float) -> bool:
    try:
        return entry.stat().st_mtime < before
    except FileNotFoundError:
        return False


def _drop_blobs(
    conn: core.Connection, content: Content, digests: list[str], before: float
) -> list[int]:
    """Remove those of these blobs that nothing links; return their sizes."""
    linked = set(conn.scalars(sa.select(links.c.digest).where(links.c.digest.in_(digests))))
    sizes = []
    for digest in digests:
        if digest in linked:
            continue
        size = _remove_file(content, digest, before)
        if size is not None:
            conn.execute(blobs.delete().where(blobs.c.digest == digest))
            sizes.append(size)
    return sizes


def _remove_file(content: Content, digest: str, before: float) -> int | None:
    """Remove a file unless a push has just put a new one in its place; return its size.

    Looking at its age and removing it are two steps, and a push may come between. So it is moved
    away first, in one step, then looked at, and put back if it is young.
    """
    path = Path(content.path(digest))
    trash = content.trash / digest.replace(":", "-")
    try:
        path.rename(trash)
    except FileNotFoundError:
        return None
    found = trash.stat()
    if found.st_mtime >= before:
        _put_back(trash, path)
        return None
    trash.unlink()
    return found.st_size


def _empty_trash(conn: core.Connection, content: Content, before: float) -> None:
    """Settle what a run that was killed has left half done."""
    for trash in content.trash.iterdir():
        digest = trash.name.replace("-", ":", 1)
        linked = conn.scalars(sa.select(links.c.digest).where(links.c.digest == digest)).first()
        if linked is not None or trash.stat().st_mtime >= before:
            _put_back(trash, Path(content.path(digest)))
        else:
            trash.unlink()


def _put_back(trash: Path, path: Path) -> None:
    # A link never replaces: should yet another push have come, its file is as good.
    with contextlib.suppress(FileExistsError):
        os.link(trash, path)
    trash.unlink()
