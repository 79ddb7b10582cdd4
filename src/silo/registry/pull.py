"""Reading manifests and blobs: the hot path.

Which digest a name means is read from the database every time (one indexed look-up); what a
digest means never changes, so manifests are kept in memory and blobs go from file to socket.
"""

import asyncio
import os
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Never

import structlog

from silo import core

from .blobs import touch_link
from .collect import GRACE
from .content import Content
from .errors import BlobUnknown, Locked, ManifestUnknown, PreconditionFailed, RangeInvalid
from .journal import Journal, Look
from .names import check_digest, check_tag, is_digest
from .wire import Request

log = structlog.get_logger()

CACHE_BYTES = 16 << 20
"""Manifests kept in memory by one worker; most are 1-10 KB."""
PIECE_BYTES = 512 << 10
STALL_S = 60.0
"""A client that takes no piece of a range for so long is cut off."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

_MANIFEST = """
SELECT m.id, m.digest, m.media_type, m.size,
       r.read_enabled AND m.read_enabled
FROM registry_repositories r
JOIN registry_manifests m ON m.repository_id = r.id AND m.digest = ?3
WHERE r.registry_uid = ?1 AND r.name = ?2
"""
_TAGGED = """
SELECT m.id, m.digest, m.media_type, m.size,
       r.read_enabled AND m.read_enabled AND t.read_enabled
FROM registry_repositories r
JOIN registry_tags t ON t.repository_id = r.id AND t.name = ?3
JOIN registry_manifests m ON m.repository_id = r.id AND m.digest = t.digest
WHERE r.registry_uid = ?1 AND r.name = ?2
"""
_BLOB = """
SELECT r.id, b.size, r.read_enabled, l.touched
FROM registry_repositories r
JOIN registry_blob_links l ON l.repository_id = r.id AND l.digest = ?3
JOIN registry_blobs b ON b.digest = l.digest
WHERE r.registry_uid = ?1 AND r.name = ?2
"""


@dataclass(frozen=True, slots=True)
class _Held:
    """A manifest as it goes out."""

    digest: str
    media_type: str
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Pull:
    """Handlers of GET and HEAD for manifests and blobs."""

    def __init__(self, store: core.Store, content: Content, journal: Journal) -> None:
        self._store = store
        self._content = content
        self._journal = journal
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._held_bytes = 0

    async def get_manifest(self, request: Request) -> None:
        """Answer with a manifest, byte for byte as it was pushed."""
        held = self._find_manifest(request)
        self._note(request, held.digest)
        if _is_unchanged(request, held.etag):
            await request.start(304, [(b"etag", held.etag)])
            await request.send({"type": "http.response.body", "body": b""})
            return
        await request.start(200, held.headers)
        body = held.body if request.method == "GET" else b""
        await request.send({"type": "http.response.body", "body": body})

    async def get_blob(self, request: Request) -> None:
        """Answer with a blob or one range of it, from file to socket."""
        digest = check_digest(request.route.reference)
        size = await self._find_blob(request, digest)
        etag = f'"{digest}"'.encode()
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"docker-content-digest", digest.encode()),
            (b"etag", etag),
            (b"accept-ranges", b"bytes"),
        ]
        self._note(request, digest)
        if _is_unchanged(request, etag):
            await request.start(304, headers[1:3])
            await request.send({"type": "http.response.body", "body": b""})
            return
        wanted = _parse_range(request, etag, size) if request.method == "GET" else None
        if wanted is not None:
            first, last = wanted
            place = (b"content-range", b"bytes %d-%d/%d" % (first, last, size))
            await self._send_part(
                request,
                digest,
                status=206,
                headers=[*headers, place],
                first=first,
                length=last - first + 1,
            )
            return
        if request.method == "GET" and size and not _can_send_files(request):
            await self._send_part(
                request, digest, status=200, headers=headers, first=0, length=size
            )
            return
        await request.start(200, [*headers, (b"content-length", b"%d" % size)])
        if request.method == "HEAD" or size == 0:
            await request.send({"type": "http.response.body", "body": b""})
            return
        await request.send({"type": "http.response.pathsend", "path": self._content.path(digest)})

    def _find_manifest(self, request: Request) -> _Held:
        name, reference = request.route.name, request.route.reference
        if is_digest(reference):
            query = _MANIFEST
            check_digest(reference)
        else:
            query = _TAGGED
            check_tag(reference)
        values = (request.registry.uid, name, reference)
        row = self._store.find_row(query, values)
        if row is None:
            raise ManifestUnknown(
                "The manifest is not known to the repository.",
                {"name": name, "reference": reference},
            )
        number, digest, media_type, size, readable = row
        if not readable:
            raise Locked(f"{name}:{reference}", "readEnabled")
        held = self._held.get((digest, media_type))
        if held is None:
            held = self._hold(number, digest, media_type, size)
        return held

    def _hold(self, number: int, digest: str, media_type: str, size: int) -> _Held:
        row = self._store.find_row("SELECT body FROM registry_manifests WHERE id = ?1", (number,))
        if row is None:
            raise ManifestUnknown("The manifest was deleted just now.", {"digest": digest})
        etag = f'"{digest}"'.encode()
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % size),
            (b"docker-content-digest", digest.encode()),
            (b"etag", etag),
        ]
        held = self._held[(digest, media_type)] = _Held(digest, media_type, etag, headers, row[0])
        self._held_bytes += size
        while self._held_bytes > CACHE_BYTES:
            _, old = self._held.popitem(last=False)
            self._held_bytes -= len(old.body)
        return held

    async def _find_blob(self, request: Request, digest: str) -> int:
        values = (request.registry.uid, request.route.name, digest)
        row = self._store.find_row(_BLOB, values)
        if row is None:
            raise BlobUnknown("The blob is not known to the repository.", {"digest": digest})
        repository_id, size, readable, touched = row
        if not readable:
            raise Locked(f"repository {request.route.name}", "readEnabled")
        if request.method == "HEAD":
            # Whoever asks is about to push a manifest that needs it: it must outlive the clean-up.
            now = core.render_time(request.now)
            if touched < core.render_time(request.now - GRACE / 2):
                await self._store.write(lambda conn: touch_link(conn, repository_id, digest, now))
        return int(size)

    async def _send_part(
        self,
        request: Request,
        digest: str,
        *,
        status: int,
        headers: list[tuple[bytes, bytes]],
        first: int,
        length: int,
    ) -> None:
        """Send part of a file, each piece when the client has room for it (decision 0014)."""
        descriptor = os.open(self._content.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        try:
            await request.start(status, [*headers, (b"content-length", b"%d" % length)])
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(_watch(request))
                await _send_pieces(request, descriptor, first, length)
                watcher.cancel()
        except* (TimeoutError, _ClientGone):
            log.info("download cut off", digest=digest)
        finally:
            os.close(descriptor)

    def _note(self, request: Request, digest: str) -> None:
        self._journal.note(
            Look(
                "Pull",
                "Succeeded",
                200,
                request.registry.resource_id,
                request.route.name,
                digest,
                request.caller,
            )
        )


class _ClientGone(Exception):
    """The client hung up in the middle of an answer."""


async def _send_pieces(request: Request, descriptor: int, first: int, length: int) -> None:
    end = first + length
    while first < end:
        piece = await asyncio.to_thread(os.pread, descriptor, min(PIECE_BYTES, end - first), first)
        if not piece:
            raise _ClientGone  # The file cannot have shrunk; end the answer rather than hang.
        first += len(piece)
        async with asyncio.timeout(STALL_S):
            await request.send(
                {"type": "http.response.body", "body": piece, "more_body": first < end}
            )


def _can_send_files(request: Request) -> bool:
    return "http.response.pathsend" in request.scope.get("extensions", ())


async def _watch(request: Request) -> Never:
    """Stop the sending when the client hangs up: nothing else would tell."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone


def _is_unchanged(request: Request, etag: bytes) -> bool:
    """Evaluate ``If-Match`` and ``If-None-Match``.

    Raises:
        PreconditionFailed: the client wants another content than there is.

    Source: RFC 9110 section 13.2.2.

    """
    headers = request.headers
    if b"if-match" in headers and not _matches(headers[b"if-match"], etag):
        raise PreconditionFailed("The content is another one than If-Match names.")
    return b"if-none-match" in headers and _matches(headers[b"if-none-match"], etag)


def _matches(header: bytes, etag: bytes) -> bool:
    tags = [part.strip().removeprefix(b"W/") for part in header.split(b",")]
    return b"*" in tags or etag in tags or etag.strip(b'"') in tags


def _parse_range(request: Request, etag: bytes, size: int) -> tuple[int, int] | None:
    """Return first and last byte of the one range asked for; None for the whole.

    Several ranges, other units and bad syntax are answered with the whole, as HTTP allows.

    Raises:
        RangeInvalid: the range lies outside the content.

    Source: RFC 9110 section 14.2.

    """
    header = request.headers.get(b"range")
    if header is None or request.headers.get(b"if-range", etag) != etag:
        return None
    found = _RANGE.fullmatch(header.decode("latin-1").replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(0, size - int(last)), size - 1
    else:
        begin, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < int(first):
            return None
    if begin >= size or (not first and int(last) == 0):
        raise RangeInvalid(
            "The range lies outside the content.",
            {"size": size},
            [(b"content-range", b"bytes */%d" % size)],
        )
    return begin, end
