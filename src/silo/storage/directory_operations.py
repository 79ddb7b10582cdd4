"""Operations on directories."""

from urllib.parse import quote
from xml.etree import ElementTree as ET

from .attributes import write_attributes
from .errors import NotImplementedHere, ResourceAlreadyExists
from .names import is_servable
from .share_operations import ShareOperations, end_results, make_results
from .tree import Entry, Tree, describe
from .wire import (
    Request,
    describe_entry,
    format_metadata,
    format_time,
    in_thread,
    read_attributes_of,
)


class DirectoryOperations:
    """Handlers; each is called once it is known that the caller may."""

    def __init__(self, shares: ShareOperations, tree: Tree) -> None:
        self._shares = shares
        self._tree = tree

    async def create(self, request: Request) -> None:
        """Create Directory."""
        if not request.parts:
            raise ResourceAlreadyExists
        share, attributes = self._shares.find(request), read_attributes_of(request)
        entry = await in_thread(lambda: self._tree.create_folder(share, request.parts, attributes))
        await request.reply(201, describe_entry(entry))

    async def get(self, request: Request) -> None:
        """Get Directory Properties, Get Directory Metadata."""
        entry = await in_thread(lambda: self._describe(request))
        metadata = format_metadata(entry.attributes.metadata)
        await request.reply(200, {**describe_entry(entry), **metadata})

    async def set_properties(self, request: Request) -> None:
        """Set Directory Properties: attributes and creation time."""

        def change() -> Entry:
            with self._tree.open_folder(self._shares.find(request), request.parts) as folder:
                known = describe("", folder).attributes
                write_attributes(folder, read_attributes_of(request, known))
                return describe("", folder)

        await request.reply(200, describe_entry(await in_thread(change)))

    async def set_metadata(self, request: Request) -> None:
        """Set Directory Metadata: all of it."""
        metadata = request.get_metadata()

        def change() -> Entry:
            with self._tree.open_folder(self._shares.find(request), request.parts) as folder:
                known = describe("", folder).attributes
                write_attributes(folder, known.changed(metadata=metadata))
                return describe("", folder)

        await request.reply(200, describe_entry(await in_thread(change)))

    async def delete(self, request: Request) -> None:
        """Delete Directory, if it is empty; a share's own directory goes with the share."""
        if not request.parts:
            raise NotImplementedHere("The root directory is deleted with its share.")
        share = self._shares.find(request)
        await in_thread(lambda: self._tree.delete_folder(share, request.parts))
        await request.reply(202)

    async def list_content(self, request: Request) -> None:
        """List Directories and Files."""
        prefix, after, limit = request.get_page()
        share = self._shares.find(request)
        everything = await in_thread(lambda: self._tree.list_entries(share, request.parts))
        found = [
            entry
            for entry in everything
            if entry.name > after and entry.name.startswith(prefix) and _is_text(entry.name)
        ]
        page = found[:limit]
        path = "/".join(request.parts)
        root = make_results(request, prefix, ShareName=share.name, DirectoryPath=path)
        entries = ET.SubElement(root, "Entries")
        for entry in page:
            _add_entry(entries, entry)
        end_results(root, page[-1].name if len(found) > limit else "")
        await request.reply_xml(root)

    def _describe(self, request: Request) -> Entry:
        with self._tree.open_folder(self._shares.find(request), request.parts) as folder:
            return describe("", folder)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _add_entry(entries: ET.Element, entry: Entry) -> None:
    item = ET.SubElement(entries, "Directory" if entry.is_directory else "File")
    name = ET.SubElement(item, "Name")
    # What XML cannot say, Azure encodes and marks; only a container can have made such a name.
    name.text = entry.name
    if not is_servable(entry.name):
        name.text = quote(entry.name)
        name.set("Encoded", "true")
    ET.SubElement(item, "FileId").text = str(entry.number)
    properties = ET.SubElement(item, "Properties")
    if not entry.is_directory:
        ET.SubElement(properties, "Content-Length").text = str(entry.size)
    ET.SubElement(properties, "Last-Modified").text = format_time(entry.written)
    ET.SubElement(properties, "Etag").text = entry.etag
