"""Blobs in the database: a file everybody shares, reached through a repository's own link."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

import sqlalchemy as sa

from silo import core

from .content import Content
from .errors import BlobUnknown, InUse, Unavailable
from .tables import blobs, links, references

# Every push pays for these: written out, they skip the building of statements.
_INSERT_BLOB = "INSERT INTO registry_blobs (digest, size) VALUES (?, ?) ON CONFLICT DO NOTHING"
_TOUCH_LINK = """
INSERT INTO registry_blob_links (repository_id, digest, touched) VALUES (?, ?, ?)
ON CONFLICT (repository_id, digest) DO UPDATE SET touched = excluded.touched
"""

CHUNK = 500
"""Values in one ``IN``; SQLite allows 32,766."""


def find_blob_size(conn: core.Connection, repository_id: int, digest: str) -> int | None:
    """Return the size of a blob that a repository holds, or None."""
    query = (
        sa.select(blobs.c.size)
        .join_from(links, blobs, blobs.c.digest == links.c.digest)
        .where(links.c.repository_id == repository_id, links.c.digest == digest)
    )
    return conn.scalars(query).first()


def link_blob(
    conn: core.Connection,
    content: Content,
    repository_id: int,
    *,
    digest: str,
    size: int,
    now: str,
) -> None:
    """Give a repository a blob whose file is complete.

    Raises:
        Unavailable: the file is not there after all; the client is to push it again.

    """
    # The clean-up removes files within a transaction, so what is seen here stays.
    if not content.has(digest):
        raise Unavailable("The content was removed while it was pushed; push it again.")
    conn.exec_driver_sql(_INSERT_BLOB, (digest, size))
    touch_link(conn, repository_id, digest, now)


def touch_link(conn: core.Connection, repository_id: int, digest: str, now: str) -> None:
    """Make or renew a link, so that the clean-up leaves it for its grace period."""
    conn.exec_driver_sql(_TOUCH_LINK, (repository_id, digest, now))


def unlink_blob(conn: core.Connection, repository_id: int, digest: str) -> None:
    """Take a blob from a repository.

    Raises:
        BlobUnknown: it does not hold it. InUse: one of its manifests refers to it.

    """
    if find_blob_size(conn, repository_id, digest) is None:
        raise BlobUnknown("The blob is not known to the repository.", {"digest": digest})
    used = sa.select(references.c.manifest).where(
        references.c.repository_id == repository_id, references.c.digest == digest
    )
    if (manifest := conn.scalars(used).first()) is not None:
        raise InUse("A manifest of the repository refers to the blob.", {"manifest": manifest})
    conn.execute(
        links.delete().where(links.c.repository_id == repository_id, links.c.digest == digest)
    )


def list_blob_sizes(
    conn: core.Connection, repository_id: int, digests: Collection[str]
) -> dict[str, int]:
    """Return the sizes of those blobs that the repository holds."""
    sizes: dict[str, int] = {}
    for part in batch(digests):
        query = (
            sa.select(blobs.c.digest, blobs.c.size)
            .join_from(links, blobs, blobs.c.digest == links.c.digest)
            .where(links.c.repository_id == repository_id, links.c.digest.in_(part))
        )
        sizes.update((row.digest, row.size) for row in conn.execute(query))
    return sizes


def batch(values: Iterable[str]) -> Iterator[list[str]]:
    """Split values into lists that one statement can take."""
    rest = iter(values)
    while part := list(islice(rest, CHUNK)):
        yield part
