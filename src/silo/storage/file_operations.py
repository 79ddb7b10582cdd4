"""Operations on files."""

import base64
import errno
import hashlib
import os
from xml.etree import ElementTree as ET

from .attributes import punch_hole, write_attributes
from .errors import (
    InvalidHeaderValue,
    InvalidRange,
    MissingRequiredHeader,
    NotImplementedHere,
    OutOfRangeInput,
    RequestBodyTooLarge,
)
from .quota import MAX_FILE_BYTES, Quota
from .share_operations import ShareOperations
from .tree import Entry, Tree, describe, write_told
from .wire import (
    CHUNK,
    Request,
    describe_entry,
    format_metadata,
    in_thread,
    read_attributes_of,
)

RANGE_BYTES = 4 << 20
"""Of one Put Range; Azure's bound."""
RANGES = 10_000


class FileOperations:
    """Handlers; each is called once it is known that the caller may."""

    def __init__(self, shares: ShareOperations, tree: Tree, quota: Quota) -> None:
        self._shares = shares
        self._tree = tree
        self._quota = quota

    async def create(self, request: Request) -> None:
        """Create File, filled with zeros."""
        if (request.find_header("x-ms-type") or "").lower() != "file":
            raise MissingRequiredHeader(f"{MissingRequiredHeader.sentence} (x-ms-type: file)")
        size = _check_size(request.get_number("x-ms-content-length"))
        if (request.find_header("content-length") or "0") != "0":
            raise NotImplementedHere("A file is made empty here; put its content by ranges.")
        share, attributes = self._shares.find(request), read_attributes_of(request)

        def create() -> Entry:
            with self._quota.growing(share, size):
                return self._tree.create_file(share, request.parts, size, attributes)

        await request.reply(201, describe_entry(await in_thread(create)))

    async def get(self, request: Request) -> None:
        """Get File: all of it or a range, in pieces."""
        share = self._shares.find(request)
        stack = self._tree.open_file(share, request.parts)
        file = await in_thread(stack.__enter__)
        try:
            await self._send(request, file)
        finally:
            stack.__exit__(None, None, None)

    async def _send(self, request: Request, file: int) -> None:
        entry = await in_thread(lambda: describe("", file))
        request.check_conditions(entry)
        wanted = request.get_range()
        first, last = wanted or (0, None)
        if wanted and first >= entry.size:
            raise InvalidRange(headers={"content-range": f"bytes */{entry.size}"})
        end = entry.size if last is None else min(last + 1, entry.size)
        headers = _describe_file(entry)
        headers["content-length"] = str(end - first)
        if wanted:
            headers["content-range"] = f"bytes {first}-{end - 1}/{entry.size}"
            headers.pop("content-md5", None)
        if (request.find_header("x-ms-range-get-content-md5") or "").lower() == "true":
            if not wanted or end - first > RANGE_BYTES:
                raise OutOfRangeInput
            data = await in_thread(lambda: os.pread(file, end - first, first))
            digest = hashlib.md5(data, usedforsecurity=False).digest()
            headers["content-md5"] = base64.b64encode(digest).decode()
        await request.start(206 if wanted else 200, headers)
        place = first
        while place < end:
            count, start = min(CHUNK, end - place), place
            data = await in_thread(lambda: os.pread(file, count, start))  # noqa: B023 - awaited
            # A container may have cut the file short meanwhile: then the answer is cut off too.
            if not data:
                return
            place += len(data)
            message = {"type": "http.response.body", "body": data, "more_body": True}
            await request.send(message)
        await request.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def get_properties(self, request: Request) -> None:
        """Get File Properties, Get File Metadata."""

        def look() -> Entry:
            with self._tree.open_file(self._shares.find(request), request.parts) as file:
                return describe("", file)

        entry = await in_thread(look)
        request.check_conditions(entry)
        headers = _describe_file(entry)
        if request.route.operation.comp == "":
            headers["content-length"] = str(entry.size)
        await request.reply(200, headers)

    async def set_properties(self, request: Request) -> None:
        """Set File Properties: length, HTTP headers, attributes."""
        size = None
        if request.find_header("x-ms-content-length") is not None:
            size = _check_size(request.get_number("x-ms-content-length"))
        share = self._shares.find(request)

        def change() -> Entry:
            with self._tree.open_file(share, request.parts, write=True) as file:
                known = describe("", file)
                request.check_conditions(known)
                attributes = read_attributes_of(request, known.attributes)
                if size is not None:
                    with self._quota.growing(share, size - known.size), write_told():
                        os.ftruncate(file, size)
                write_attributes(file, attributes)
                os.fsync(file)
                return describe("", file)

        await request.reply(200, describe_entry(await in_thread(change)))

    async def set_metadata(self, request: Request) -> None:
        """Set File Metadata: all of it."""
        metadata = request.get_metadata()

        def change() -> Entry:
            with self._tree.open_file(
                self._shares.find(request), request.parts, write=True
            ) as file:
                known = describe("", file)
                write_attributes(file, known.attributes.changed(metadata=metadata))
                os.fsync(file)
                return describe("", file)

        await request.reply(200, describe_entry(await in_thread(change)))

    async def put_range(self, request: Request) -> None:
        """Put Range: write into a file, or clear part of it."""
        first, length, data = await _read_range(request)
        share = self._shares.find(request)

        def write() -> Entry:
            with self._tree.open_file(share, request.parts, write=True) as file:
                known = describe("", file)
                request.check_conditions(known)
                if first + length > known.size:
                    raise InvalidRange
                with write_told():
                    if data:
                        _write_all(file, data, first)
                    else:
                        punch_hole(file, first, length)
                    os.fdatasync(file)
                return describe("", file)

        entry = await in_thread(write)
        headers = describe_entry(entry)
        if data:
            digest = hashlib.md5(data, usedforsecurity=False).digest()
            headers["content-md5"] = base64.b64encode(digest).decode()
        await request.reply(201, headers)

    async def list_ranges(self, request: Request) -> None:
        """List Ranges: where the file holds data."""
        wanted = request.get_range() or (0, None)
        if request.find_query("prevsharesnapshot"):
            raise NotImplementedHere("There are no snapshots of shares here.")

        def look() -> tuple[Entry, list[tuple[int, int]]]:
            with self._tree.open_file(self._shares.find(request), request.parts) as file:
                entry = describe("", file)
                end = entry.size if wanted[1] is None else min(wanted[1] + 1, entry.size)
                return entry, _list_data(file, wanted[0], end)

        entry, ranges = await in_thread(look)
        root = ET.Element("Ranges")
        for start, end in ranges:
            item = ET.SubElement(root, "Range")
            ET.SubElement(item, "Start").text = str(start)
            ET.SubElement(item, "End").text = str(end - 1)
        headers = {**describe_entry(entry), "x-ms-content-length": str(entry.size)}
        await request.reply_xml(root, headers)

    async def delete(self, request: Request) -> None:
        """Delete File."""
        share = self._shares.find(request)
        await in_thread(lambda: self._tree.delete_file(share, request.parts))
        await request.reply(202)


def _check_size(size: int) -> int:
    if size > MAX_FILE_BYTES:
        raise OutOfRangeInput
    return size


def _describe_file(entry: Entry) -> dict[str, str]:
    told = {name: value for name, value in entry.attributes.headers.items() if value}
    return {
        **describe_entry(entry),
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "x-ms-type": "File",
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        **told,
        **format_metadata(entry.attributes.metadata),
    }


def _write_all(file: int, data: bytes, place: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(file, view, place)
        view, place = view[count:], place + count


def _list_data(file: int, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    place = start
    while place < end and len(found) < RANGES:
        try:
            first = os.lseek(file, place, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        place = min(os.lseek(file, first, os.SEEK_HOLE), end)
        if first < end:
            found.append((first, place))
    return found


async def _read_range(request: Request) -> tuple[int, int, bytes]:
    """Return where to write, how much and what; nothing to write means to clear."""
    wanted = request.get_range()
    if wanted is None or wanted[1] is None:
        raise MissingRequiredHeader(f"{MissingRequiredHeader.sentence} (x-ms-range)")
    if request.find_header("x-ms-copy-source") is not None:
        raise NotImplementedHere("Putting a range from a URL is not served.")
    length = wanted[1] + 1 - wanted[0]
    mode = (request.find_header("x-ms-write") or "").lower()
    if mode == "clear":
        return wanted[0], length, b""
    if mode != "update":
        raise InvalidHeaderValue(f"{InvalidHeaderValue.sentence} (x-ms-write)")
    if length > RANGE_BYTES:
        raise RequestBodyTooLarge
    data = await request.read_body(RANGE_BYTES)
    if len(data) != length:
        raise InvalidHeaderValue("The range is not as long as the body.")
    return wanted[0], length, data
