"""Manifests and tags in the database: put, found, listed, removed, each in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from silo import core

from .blobs import batch, list_blob_sizes
from .errors import ManifestBlobUnknown, ManifestInvalid, ManifestUnknown, TagUnknown
from .manifests import Manifest
from .repositories import (
    VERBS,
    Attributes,
    Repository,
    ensure_repository,
    read_attributes,
    touch_repository,
)
from .tables import manifests, references, tags


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image's config says it runs on."""

    architecture: str = ""
    os: str = ""


@dataclass(frozen=True, slots=True)
class Tag:
    """A name for a manifest."""

    name: str
    digest: str
    created: str
    updated: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest as the lists show it, without its bytes."""

    digest: str
    media_type: str
    artifact_type: str
    config_media_type: str
    platform: Platform
    size: int
    image_size: int
    created: str
    updated: str
    attributes: Attributes
    annotations: Mapping[str, str] = field(default_factory=dict)


_LISTED = [column for column in manifests.c if column.name not in {"body", "id"}]


def put_manifest(
    conn: core.Connection,
    registry_uid: str,
    repository: str,
    manifest: Manifest,
    *,
    digest: str,
    wanted_tags: tuple[str, ...],
    platform: Platform,
    now: str,
) -> None:
    """Store a manifest under its digest and tags; nothing if anything it needs is missing.

    Raises:
        Locked, ManifestBlobUnknown, ManifestInvalid.

    """
    place = ensure_repository(conn, registry_uid, repository, now)
    for tag in wanted_tags:
        known = find_tag(conn, place.id, tag)
        if known is not None:
            known.attributes.check_write(f"tag {tag}")
    _check_references(conn, place.id, manifest)
    statement = insert(manifests).values(
        repository_id=place.id,
        digest=digest,
        media_type=manifest.media_type,
        artifact_type=manifest.artifact_type,
        config_media_type=manifest.config.media_type if manifest.config else "",
        architecture=platform.architecture,
        os=platform.os,
        subject=manifest.subject,
        annotations=json.dumps(manifest.annotations or {}),
        size=len(manifest.body),
        image_size=manifest.image_size,
        created=now,
        updated=now,
        body=manifest.body,
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["repository_id", "digest"], set_={"media_type": manifest.media_type}
        )
    )
    refers = {item.digest for item in (*manifest.blobs, *manifest.manifests)}
    if refers:
        rows = [{"repository_id": place.id, "manifest": digest, "digest": item} for item in refers]
        conn.execute(insert(references).on_conflict_do_nothing(), rows)
    for tag in wanted_tags:
        _put_tag(conn, place.id, tag, digest, now)
    touch_repository(conn, place.id, now)


def _put_tag(conn: core.Connection, repository_id: int, name: str, digest: str, now: str) -> None:
    statement = insert(tags).values(
        repository_id=repository_id, name=name, digest=digest, created=now, updated=now
    )
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["repository_id", "name"], set_={"digest": digest, "updated": now}
        )
    )


def _check_references(conn: core.Connection, repository_id: int, manifest: Manifest) -> None:
    """Refuse a manifest that could not be pulled."""
    sizes = list_blob_sizes(conn, repository_id, {item.digest for item in manifest.blobs})
    children: dict[str, int] = {}
    for part in batch({item.digest for item in manifest.manifests}):
        query = sa.select(manifests.c.digest, manifests.c.size).where(
            manifests.c.repository_id == repository_id, manifests.c.digest.in_(part)
        )
        children.update((row.digest, row.size) for row in conn.execute(query))
    for items, held in ((manifest.blobs, sizes), (manifest.manifests, children)):
        for item in items:
            if item.digest not in held:
                raise ManifestBlobUnknown(
                    "The manifest refers to content that is not in the repository.",
                    {"digest": item.digest},
                )
            if item.size != held[item.digest]:
                raise ManifestInvalid(
                    "The manifest states a wrong size.",
                    {"digest": item.digest, "stated": item.size, "size": held[item.digest]},
                )


def find_tag(conn: core.Connection, repository_id: int, name: str) -> Tag | None:
    """Return a tag, or None."""
    row = conn.execute(
        sa.select(tags).where(tags.c.repository_id == repository_id, tags.c.name == name)
    ).first()
    return None if row is None else _read_tag(row)


def get_tag(conn: core.Connection, repository_id: int, name: str) -> Tag:
    """Return a tag.

    Raises:
        TagUnknown: there is none of this name.

    """
    found = find_tag(conn, repository_id, name)
    if found is None:
        raise TagUnknown("The specified tag does not exist.", {"tag": name})
    return found


def get_image(conn: core.Connection, repository_id: int, digest: str) -> Image:
    """Return what is known of a manifest.

    Raises:
        ManifestUnknown: there is none with this digest.

    """
    row = conn.execute(
        sa.select(*_LISTED).where(
            manifests.c.repository_id == repository_id, manifests.c.digest == digest
        )
    ).first()
    if row is None:
        raise ManifestUnknown("The manifest is not known to the repository.", {"digest": digest})
    return _read_image(row)


def list_images(conn: core.Connection, repository_id: int) -> list[Image]:
    """Return all manifests of a repository in the order of their digests."""
    query = (
        sa.select(*_LISTED)
        .where(manifests.c.repository_id == repository_id)
        .order_by(manifests.c.digest)
    )
    return [_read_image(row) for row in conn.execute(query)]


def list_tags(conn: core.Connection, repository_id: int) -> list[Tag]:
    """Return all tags of a repository in the order of their names."""
    query = sa.select(tags).where(tags.c.repository_id == repository_id).order_by(tags.c.name)
    return [_read_tag(row) for row in conn.execute(query)]


def list_referrers(conn: core.Connection, repository_id: int, subject: str) -> list[Image]:
    """Return the manifests that name one as their subject, oldest first."""
    query = (
        sa.select(*_LISTED)
        .where(manifests.c.repository_id == repository_id, manifests.c.subject == subject)
        .order_by(manifests.c.id)
    )
    return [_read_image(row) for row in conn.execute(query)]


def delete_tag(conn: core.Connection, place: Repository, name: str, now: str) -> Tag:
    """Remove a tag and leave its manifest; return what it was.

    Raises:
        TagUnknown, Locked.

    """
    place.attributes.check_delete(f"repository {place.name}")
    found = get_tag(conn, place.id, name)
    found.attributes.check_delete(f"tag {name}")
    conn.execute(tags.delete().where(tags.c.repository_id == place.id, tags.c.name == name))
    touch_repository(conn, place.id, now)
    return found


def delete_manifest(conn: core.Connection, place: Repository, digest: str, now: str) -> list[str]:
    """Remove a manifest, its tags, and all that names it as subject; return the digests gone.

    Raises:
        ManifestUnknown, Locked: then nothing is removed.

    """
    place.attributes.check_delete(f"repository {place.name}")
    get_image(conn, place.id, digest)
    gone: list[str] = []
    waiting = [digest]
    while waiting:
        current = waiting.pop()
        if current in gone:
            continue
        get_image(conn, place.id, current).attributes.check_delete(f"manifest {current}")
        labels = sa.select(tags.c.name, *[tags.c[f"{verb}_enabled"] for verb in VERBS]).where(
            tags.c.repository_id == place.id, tags.c.digest == current
        )
        for row in conn.execute(labels):
            read_attributes(row).check_delete(f"tag {row.name}")
        gone.append(current)
        waiting += [item.digest for item in list_referrers(conn, place.id, current)]
    for part in batch(gone):
        for table, column in (
            (tags, tags.c.digest),
            (references, references.c.manifest),
            (manifests, manifests.c.digest),
        ):
            mine = table.c.repository_id == place.id
            conn.execute(table.delete().where(mine, column.in_(part)))
    touch_repository(conn, place.id, now)
    return gone


def _read_tag(row: Any) -> Tag:
    return Tag(row.name, row.digest, row.created, row.updated, read_attributes(row))


def _read_image(row: Any) -> Image:
    return Image(
        digest=row.digest,
        media_type=row.media_type,
        artifact_type=row.artifact_type,
        config_media_type=row.config_media_type,
        platform=Platform(row.architecture, row.os),
        size=row.size,
        image_size=row.image_size,
        created=row.created,
        updated=row.updated,
        attributes=read_attributes(row),
        annotations=json.loads(row.annotations),
    )
