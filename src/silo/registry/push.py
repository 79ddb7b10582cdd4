"""Uploads and manifest puts: hashed while they come, on disk before the answer."""

import asyncio
import hashlib
import json
import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from silo import core

from .blobs import find_blob_size, link_blob, touch_link
from .content import Content, Upload, render_range
from .errors import (
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestInvalid,
    SizeInvalid,
)
from .gate import Gate
from .images import Platform, put_manifest
from .journal import record_deed
from .manifests import IMAGE_CONFIGS, LIMIT_BYTES, Manifest, parse_manifest
from .names import check_digest, check_name, check_tag, compute_digest, is_digest
from .permissions import Action
from .repositories import ensure_repository, find_repository
from .wire import Request

T = TypeVar("T")

GATHER_BYTES = 1 << 20
"""Parts are gathered to this before one write in a thread; a hop costs as much as 100 KB."""
INLINE_BYTES = 64 << 10
"""A last rest this small is written where it is: that is cheaper than the hop."""
BLOB_LIMIT = 200 << 30
"""ACR's largest layer."""
CONFIG_LIMIT = 4 << 20
THREADS = 32
"""They wait for the disk, not for the processor."""
MAX_TAGS = 10
"""Of one manifest put; the specification's own minimum."""
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d{1,18})-(\d{1,18})(?:/(?:\d+|\*))?")
_UPLOAD_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Push:
    """Handlers of uploads and of PUT for manifests."""

    def __init__(self, store: core.Store, content: Content, gate: Gate) -> None:
        self._store = store
        self._content = content
        self._gate = gate
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="push")

    def close(self) -> None:
        """Wait for what is being written."""
        self._threads.shutdown()

    async def post_upload(self, request: Request) -> None:
        """Start an upload; or take a whole blob; or take one over from another repository."""
        self._check_writable(request)
        mount, source = request.find_query("mount"), request.find_query("from")
        if mount is not None and source is not None and await self._mount(request, mount, source):
            return
        upload_id = str(uuid.uuid4())
        key = _make_key(request, upload_id)
        digest = request.find_query("digest")
        if digest is not None:
            check_digest(digest)
        self._content.create_upload(key)
        if digest is not None:
            await self._complete(request, key, digest)
            return
        await self._reply_progress(request, 202, upload_id, 0)

    async def get_upload(self, request: Request) -> None:
        """Tell how much of an upload has come."""
        key = _find_key(request)
        size = self._content.get_upload_size(key)
        await self._reply_progress(request, 204, request.route.reference, size)

    async def patch_upload(self, request: Request) -> None:
        """Take the next chunk."""
        upload = self._content.open_upload(_find_key(request))
        try:
            await self._receive(request, upload)
        finally:
            upload.close()
        await self._reply_progress(request, 202, request.route.reference, upload.size)

    async def put_upload(self, request: Request) -> None:
        """Take the last chunk, if any, and make the upload a blob."""
        key = _find_key(request)
        digest = request.find_query("digest")
        if digest is None:
            raise DigestInvalid("The digest parameter is missing.")
        check_digest(digest)
        self._check_writable(request)
        await self._complete(request, key, digest)

    async def delete_upload(self, request: Request) -> None:
        """Forget an upload."""
        key = _find_key(request)
        # Nobody may be writing to it: what has come would be lost under their hands.
        self._content.open_upload(key).close()
        self._content.delete_upload(key)
        await request.reply(204)

    async def put_manifest(self, request: Request) -> None:
        """Store a manifest under a tag or its digest."""
        name, reference = request.route.name, request.route.reference
        body = await core.read_body(request.receive, limit=LIMIT_BYTES)
        content_type = request.headers.get(b"content-type", b"").decode("latin-1")
        manifest = parse_manifest(body, content_type)
        if is_digest(reference):
            digest = check_digest(reference)
            found = compute_digest(body, digest.partition(":")[0])
            if found != digest:
                raise DigestInvalid(
                    "The digest is not that of the manifest.", {"expected": digest, "found": found}
                )
            wanted = tuple(check_tag(tag) for tag in request.list_query("tag"))
            if len(wanted) > MAX_TAGS:
                raise ManifestInvalid(f"At most {MAX_TAGS} tags can be put at once.")
        else:
            digest = compute_digest(body)
            wanted = (check_tag(reference),)
        platform = await self._run(lambda: self._read_platform(manifest))
        now = core.render_time(request.now)

        def write(conn: core.Connection) -> None:
            put_manifest(
                conn,
                request.registry.uid,
                name,
                manifest,
                digest=digest,
                wanted_tags=wanted,
                platform=platform,
                now=now,
            )
            self._record(
                conn,
                request,
                "Push",
                digest=digest,
                tags=list(wanted),
                mediaType=manifest.media_type,
                size=len(body),
            )

        await self._store.write(write)
        headers = [
            (b"location", f"/v2/{name}/manifests/{digest}".encode()),
            (b"docker-content-digest", digest.encode()),
        ]
        if manifest.subject:
            headers.append((b"oci-subject", manifest.subject.encode()))
        headers += [(b"oci-tag", tag.encode()) for tag in wanted if is_digest(reference)]
        await request.reply(201, headers)

    def _check_writable(self, request: Request) -> None:
        """Refuse early what a locked repository would refuse after all bytes have come."""
        found = self._store.read_now(
            lambda conn: find_repository(conn, request.registry.uid, request.route.name)
        )
        if found is not None:
            found.attributes.check_write(f"repository {found.name}")

    async def _mount(self, request: Request, digest: str, source: str) -> bool:
        """Take a blob over from a repository the caller may read; tell whether that was done.

        Whether the blob or the source exist shows only to who may pull from the source.
        """
        check_digest(digest)
        check_name(source)
        session = request.session
        if session is None or not self._gate.allows(session, source, Action.PULL):
            return False
        now = core.render_time(request.now)
        uid, name = request.registry.uid, request.route.name

        def write(conn: core.Connection) -> bool:
            origin = find_repository(conn, uid, source)
            if origin is None or not origin.attributes.read:
                return False
            if find_blob_size(conn, origin.id, digest) is None:
                return False
            place = ensure_repository(conn, uid, name, now)
            touch_link(conn, place.id, digest, now)
            self._record(conn, request, "Mount", digest=digest, source=source)
            return True

        if not await self._store.write(write):
            return False
        await _reply_created(request, digest)
        return True

    async def _complete(self, request: Request, key: str, digest: str) -> None:
        """Receive the rest of an upload, check it, and give it to the repository."""
        upload = self._content.open_upload(key)
        try:
            rest = await self._receive(request, upload, keep_rest=True)

            def finish() -> int:
                if rest:
                    upload.write(rest)
                return upload.finish(digest)

            size = await self._run(finish)
        finally:
            upload.close()
        now = core.render_time(request.now)

        def write(conn: core.Connection) -> None:
            place = ensure_repository(conn, request.registry.uid, request.route.name, now)
            link_blob(conn, self._content, place.id, digest=digest, size=size, now=now)
            self._record(conn, request, "Push", digest=digest, size=size)

        await self._store.write(write)
        await _reply_created(request, digest)

    async def _receive(
        self, request: Request, upload: Upload, *, keep_rest: bool = False
    ) -> list[bytes]:
        """Append the body to an upload; or return its rest for a thread to write and finish.

        What has come before a client hangs up stays: it can go on from there.
        """
        expected, start = _check_chunk(request, upload), upload.size
        parts: list[bytes] = []
        waiting, total = 0, 0
        try:
            async for part in core.iterate_body(request.receive, limit=BLOB_LIMIT):
                parts.append(part)
                waiting += len(part)
                total += len(part)
                if expected is not None and total > expected:
                    upload.truncate(start)
                    raise SizeInvalid("The chunk is longer than its Content-Range says.")
                # Not at exactly as much: the end may have come, and one hop does for all.
                if waiting > GATHER_BYTES:
                    gathered, parts, waiting = parts, [], 0
                    await self._run(partial(upload.write, gathered))
        except core.BodyError:
            if parts and not keep_rest:
                await self._run(partial(upload.write, parts))
            raise
        if expected is not None and total != expected:
            upload.truncate(start)
            raise SizeInvalid("The chunk is shorter than its Content-Range says.")
        if keep_rest or not parts:
            return parts
        if waiting <= INLINE_BYTES:
            upload.write(parts)
        else:
            await self._run(partial(upload.write, parts))
        return []

    def _read_platform(self, manifest: Manifest) -> Platform:
        """Return what an image's config says it runs on; nothing if it cannot be read."""
        config = manifest.config
        if config is None or config.media_type not in IMAGE_CONFIGS or config.size > CONFIG_LIMIT:
            return Platform()
        try:
            value = json.loads(Path(self._content.path(config.digest)).read_bytes())
        except (OSError, ValueError, RecursionError):
            return Platform()
        if not isinstance(value, dict):
            return Platform()
        architecture, system = value.get("architecture"), value.get("os")
        return Platform(
            architecture if isinstance(architecture, str) else "",
            system if isinstance(system, str) else "",
        )

    def _record(
        self, conn: core.Connection, request: Request, what: str, **properties: object
    ) -> None:
        record_deed(
            conn,
            what,
            resource_id=request.registry.resource_id,
            caller=request.caller,
            correlation_id=request.context.request_id,
            status=201,
            now=request.now,
            repository=request.route.name,
            **properties,
        )

    async def _reply_progress(
        self, request: Request, status: int, upload_id: str, size: int
    ) -> None:
        location = f"/v2/{request.route.name}/blobs/uploads/{upload_id}"
        headers = [
            (b"location", location.encode()),
            (b"range", render_range(size)),
            (b"docker-upload-uuid", upload_id.encode()),
        ]
        await request.reply(status, headers)

    async def _run(self, work: Callable[[], T]) -> T:
        """Run blocking work in a thread; even a cancelled caller waits, for it shares the file."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            raise


async def _reply_created(request: Request, digest: str) -> None:
    headers = [
        (b"location", f"/v2/{request.route.name}/blobs/{digest}".encode()),
        (b"docker-content-digest", digest.encode()),
    ]
    await request.reply(201, headers)


def _make_key(request: Request, upload_id: str) -> str:
    """Return the file name of an upload: found only in the repository it was started in."""
    place = f"{request.registry.uid}/{request.route.name}".encode()
    return f"{hashlib.sha256(place).hexdigest()[:32]}.{upload_id}"


def _find_key(request: Request) -> str:
    if not _UPLOAD_ID.fullmatch(request.route.reference):
        raise BlobUploadUnknown("The upload is not known here.")
    return _make_key(request, request.route.reference)


def _check_chunk(request: Request, upload: Upload) -> int | None:
    """Return how long a chunk says it is; None if it does not say where it belongs."""
    header = request.headers.get(b"content-range")
    if header is None:
        return None
    found = _CONTENT_RANGE.fullmatch(header.decode("latin-1").strip())
    if found is None:
        raise BlobUploadInvalid("The Content-Range cannot be read.")
    first, last = int(found[1]), int(found[2])
    upload.check_start(first)
    return max(0, last - first + 1)
