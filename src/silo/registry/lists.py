"""The specification's lists: repositories, tags, referrers; and the removals by digest."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from silo import core

from .blobs import unlink_blob
from .errors import Unsupported
from .images import Image, delete_manifest, list_referrers, list_tags
from .journal import Journal, Look, record_deed
from .manifests import MediaType
from .names import check_digest, is_digest
from .repositories import find_repository, get_repository, list_repositories
from .wire import JSON, MAX_PAGE, Request

CATALOG_PAGE = 100


class Lists:
    """Handlers of the catalog, of tags and referrers, and of DELETE."""

    def __init__(self, store: core.Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def get_catalog(self, request: Request) -> None:
        """List the names of repositories."""
        limit, last = request.get_page(CATALOG_PAGE)
        uid = request.registry.uid
        names = self._store.read_now(
            lambda conn: list_repositories(conn, uid, limit=limit + 1, last=last)
        )
        note_look(self._journal, request, "List")
        await reply_page(request, {}, "repositories", names, limit)

    async def get_tags(self, request: Request) -> None:
        """List the names of tags."""
        limit, last = request.get_page(MAX_PAGE)
        uid, name = request.registry.uid, request.route.name

        def read(conn: core.Connection) -> list[str]:
            place = get_repository(conn, uid, name)
            return [
                tag.name
                for tag in list_tags(conn, place.id)
                if tag.attributes.list and tag.name > last
            ]

        tags = self._store.read_now(read)
        note_look(self._journal, request, "Read")
        await reply_page(request, {"name": name}, "tags", tags, limit)

    async def get_referrers(self, request: Request) -> None:
        """List what names a manifest as its subject, as an OCI index."""
        digest = check_digest(request.route.reference)
        kind = request.find_query("artifactType")
        uid, name = request.registry.uid, request.route.name

        def read(conn: core.Connection) -> list[Image]:
            place = find_repository(conn, uid, name)
            return list_referrers(conn, place.id, digest) if place else []

        found = self._store.read_now(read)
        note_look(self._journal, request, "Pull", digest)
        headers = [(b"content-type", MediaType.OCI_INDEX.encode())]
        if kind is not None:
            found = [image for image in found if image.artifact_type == kind]
            headers.append((b"oci-filters-applied", b"artifactType"))
        index = {
            "schemaVersion": 2,
            "mediaType": MediaType.OCI_INDEX,
            "manifests": [_render_descriptor(image) for image in found],
        }
        await request.reply(200, headers, json.dumps(index).encode())

    async def delete_manifest(self, request: Request) -> None:
        """Remove a manifest with its tags and referrers."""
        if not is_digest(request.route.reference):
            raise Unsupported("A manifest can only be deleted by digest.")
        digest = check_digest(request.route.reference)
        uid, name = request.registry.uid, request.route.name
        now = core.render_time(request.now)

        def write(conn: core.Connection) -> None:
            place = get_repository(conn, uid, name)
            gone = delete_manifest(conn, place, digest, now)
            record_change(conn, request, "Delete", digest=digest, manifests=gone)

        await self._store.write(write)
        await request.reply(202)

    async def delete_blob(self, request: Request) -> None:
        """Take a blob from a repository."""
        digest = check_digest(request.route.reference)
        uid, name = request.registry.uid, request.route.name

        def write(conn: core.Connection) -> None:
            place = get_repository(conn, uid, name)
            place.attributes.check_delete(f"repository {name}")
            unlink_blob(conn, place.id, digest)
            record_change(conn, request, "Delete", digest=digest)

        await self._store.write(write)
        await request.reply(202)


def note_look(journal: Journal, request: Request, what: str, reference: str = "") -> None:
    """Count a look that was granted."""
    resource_id, name = request.registry.resource_id, request.route.name
    journal.note(Look(what, "Succeeded", 200, resource_id, name, reference, request.caller))


def record_change(conn: core.Connection, request: Request, what: str, **properties: object) -> None:
    """Record a change in the transaction that does it."""
    record_deed(
        conn,
        what,
        resource_id=request.registry.resource_id,
        caller=request.caller,
        correlation_id=request.context.request_id,
        status=202,
        now=request.now,
        repository=request.route.name,
        **properties,
    )


async def reply_page(
    request: Request, head: Mapping[str, Any], noun: str, names: Sequence[str], limit: int
) -> None:
    """Answer with the first ``limit`` of these names, and where the next ones are."""
    page = list(names[:limit])
    headers = [JSON]
    if page and len(names) > limit:
        headers.append(render_link(request, {"last": page[-1], "n": str(limit)}))
    await request.reply(200, headers, json.dumps({**head, noun: page}).encode())


def render_link(request: Request, query: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return the ``Link`` to the next page, relative as ACR's (RFC 8288)."""
    path = request.scope["path"]
    return (b"link", f'<{path}?{urlencode(query)}>; rel="next"'.encode())


def _render_descriptor(image: Image) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": image.size,
    }
    if image.artifact_type:
        shown["artifactType"] = image.artifact_type
    if image.annotations:
        shown["annotations"] = image.annotations
    return shown
