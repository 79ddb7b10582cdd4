"""ACR's own data plane, ``/acr/v1``: attributes of repositories, tags and manifests, and locks.

Source: ACR REST API 2021-07-01; azure-wire 4.4.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from silo import core

from .errors import BadRequest, NameUnknown, Unsupported
from .images import Image, Tag, delete_tag, get_image, get_tag, list_images, list_tags
from .journal import Journal
from .lists import note_look, record_change, render_link
from .names import check_digest, check_tag
from .repositories import (
    VERBS,
    Attributes,
    Repository,
    count_contents,
    delete_repository,
    get_repository,
    list_repositories,
    set_attributes,
)
from .tables import manifests, repositories, tags
from .wire import Request

PAGE = 100
BODY_LIMIT = 16 << 10
T = TypeVar("T", Tag, Image)


class Metadata:
    """Handlers of ``/acr/v1``."""

    def __init__(self, store: core.Store, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def get_catalog(self, request: Request) -> None:
        """List the names of repositories."""
        limit, last = request.get_page(PAGE)
        names = self._store.read_now(
            lambda conn: list_repositories(conn, request.registry.uid, limit=limit + 1, last=last)
        )
        note_look(self._journal, request, "List")
        links = _link(request, limit, names[:limit], more=len(names) > limit)
        await request.reply_json(200, {"repositories": names[:limit]}, links)

    async def get_repository(self, request: Request) -> None:
        """Show a repository."""
        shown = self._store.read_now(lambda conn: _show_repository(conn, request))
        note_look(self._journal, request, "Read")
        await request.reply_json(200, shown)

    async def patch_repository(self, request: Request) -> None:
        """Lock or unlock a repository."""
        wanted = await _read_attributes(request)

        def write(conn: core.Connection) -> dict[str, Any]:
            place = _get_filled(conn, request)
            set_attributes(conn, repositories, repositories.c.id == place.id, wanted)
            record_change(conn, request, "Update", attributes=dict(wanted))
            return _show_repository(conn, request)

        await request.reply_json(200, await self._store.write(write))

    async def delete_repository(self, request: Request) -> None:
        """Remove a repository with all it holds."""

        def write(conn: core.Connection) -> dict[str, list[str]]:
            place = get_repository(conn, request.registry.uid, request.route.name)
            digests, names = delete_repository(conn, place)
            record_change(conn, request, "Delete", manifests=len(digests), tags=len(names))
            return {"manifestsDeleted": digests, "tagsDeleted": names}

        await request.reply_json(202, await self._store.write(write))

    async def get_tags(self, request: Request) -> None:
        """List the tags of a repository, of one digest if asked."""
        digest = request.find_query("digest")
        found = self._store.read_now(lambda conn: list_tags(conn, _get_filled(conn, request).id))
        chosen = [tag for tag in found if tag.attributes.list and digest in {None, tag.digest}]
        page, links = _page(request, chosen, lambda tag: tag.name)
        note_look(self._journal, request, "Read")
        await request.reply_json(200, _show(request, "tags", [_render_tag(t) for t in page]), links)

    async def get_tag(self, request: Request) -> None:
        """Show a tag."""
        name = check_tag(request.route.reference)
        tag = self._store.read_now(lambda conn: get_tag(conn, _get_filled(conn, request).id, name))
        note_look(self._journal, request, "Read", name)
        await request.reply_json(200, _show(request, "tag", _render_tag(tag)))

    async def patch_tag(self, request: Request) -> None:
        """Lock or unlock a tag."""
        name = check_tag(request.route.reference)
        wanted = await _read_attributes(request)

        def write(conn: core.Connection) -> Tag:
            place = _get_filled(conn, request)
            get_tag(conn, place.id, name)
            where = (tags.c.repository_id == place.id) & (tags.c.name == name)
            set_attributes(conn, tags, where, wanted)
            record_change(conn, request, "Update", tag=name, attributes=dict(wanted))
            return get_tag(conn, place.id, name)

        tag = await self._store.write(write)
        await request.reply_json(200, _show(request, "tag", _render_tag(tag)))

    async def delete_tag(self, request: Request) -> None:
        """Remove a tag and leave its manifest."""
        name = check_tag(request.route.reference)
        now = core.render_time(request.now)

        def write(conn: core.Connection) -> None:
            tag = delete_tag(conn, _get_filled(conn, request), name, now)
            record_change(conn, request, "Untag", tag=name, digest=tag.digest)

        await self._store.write(write)
        await request.reply(202)

    async def get_manifests(self, request: Request) -> None:
        """List the manifests of a repository with their tags."""

        def read(conn: core.Connection) -> tuple[list[Image], dict[str, list[str]]]:
            place = _get_filled(conn, request)
            return list_images(conn, place.id), _names_by_digest(list_tags(conn, place.id))

        found, names = self._store.read_now(read)
        chosen = [image for image in found if image.attributes.list]
        page, links = _page(request, chosen, lambda image: image.digest)
        shown = [_render_image(image, names.get(image.digest, [])) for image in page]
        note_look(self._journal, request, "Read")
        await request.reply_json(200, _show(request, "manifests", shown), links)

    async def get_manifest(self, request: Request) -> None:
        """Show a manifest's attributes."""
        shown = self._store.read_now(lambda conn: _show_manifest(conn, request))
        note_look(self._journal, request, "Read", request.route.reference)
        await request.reply_json(200, shown)

    async def patch_manifest(self, request: Request) -> None:
        """Lock or unlock a manifest."""
        digest = check_digest(request.route.reference)
        wanted = await _read_attributes(request)

        def write(conn: core.Connection) -> dict[str, Any]:
            place = _get_filled(conn, request)
            get_image(conn, place.id, digest)
            where = (manifests.c.repository_id == place.id) & (manifests.c.digest == digest)
            set_attributes(conn, manifests, where, wanted)
            record_change(conn, request, "Update", digest=digest, attributes=dict(wanted))
            return _show_manifest(conn, request)

        await request.reply_json(200, await self._store.write(write))

    async def refuse_deleted(self, request: Request) -> None:
        """Say honestly that there is no soft delete."""
        raise Unsupported(
            "Soft delete is not supported yet: what is deleted is gone.", request.route.name
        )

    async def refuse_streaming(self, request: Request) -> None:
        """Say honestly that there is no artifact streaming."""
        raise Unsupported("Artifact streaming is not supported yet.", request.route.name)


def _get_filled(conn: core.Connection, request: Request) -> Repository:
    """Return the repository, if it has a manifest; ACR does not know it otherwise."""
    place = get_repository(conn, request.registry.uid, request.route.name)
    if count_contents(conn, place.id)[0] == 0:
        raise NameUnknown(
            "The repository name is not known to the registry.", {"name": request.route.name}
        )
    return place


def _show_repository(conn: core.Connection, request: Request) -> dict[str, Any]:
    place = _get_filled(conn, request)
    manifest_count, tag_count = count_contents(conn, place.id)
    return {
        "registry": request.login_server,
        "imageName": place.name,
        "createdTime": place.created,
        "lastUpdateTime": place.updated,
        "manifestCount": manifest_count,
        "tagCount": tag_count,
        "changeableAttributes": _render_attributes(place.attributes),
    }


def _show_manifest(conn: core.Connection, request: Request) -> dict[str, Any]:
    digest = check_digest(request.route.reference)
    place = _get_filled(conn, request)
    names = _names_by_digest(list_tags(conn, place.id)).get(digest, [])
    return _show(request, "manifest", _render_image(get_image(conn, place.id, digest), names))


def _show(request: Request, noun: str, value: Any) -> dict[str, Any]:
    return {"registry": request.login_server, "imageName": request.route.name, noun: value}


def _names_by_digest(found: Sequence[Tag]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for tag in found:
        names.setdefault(tag.digest, []).append(tag.name)
    return names


def _render_attributes(attributes: Attributes) -> dict[str, bool]:
    return {f"{verb}Enabled": getattr(attributes, verb) for verb in VERBS}


def _render_tag(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "digest": tag.digest,
        "createdTime": tag.created,
        "lastUpdateTime": tag.updated,
        "signed": False,
        "changeableAttributes": _render_attributes(tag.attributes),
    }


def _render_image(image: Image, names: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "digest": image.digest,
        "imageSize": image.image_size,
        "createdTime": image.created,
        "lastUpdateTime": image.updated,
    }
    optional = {
        "architecture": image.platform.architecture,
        "os": image.platform.os,
        "mediaType": image.media_type,
        "configMediaType": image.config_media_type,
        "tags": list(names),
    }
    shown.update({key: value for key, value in optional.items() if value})
    shown["changeableAttributes"] = _render_attributes(image.attributes)
    return shown


def _page(
    request: Request, items: Sequence[T], name_of: Callable[[T], str]
) -> tuple[list[T], list[tuple[bytes, bytes]]]:
    """Return the page that ``n``, ``last`` and ``orderby`` ask for, and the link to the next."""
    limit, last = request.get_page(PAGE)
    order = (request.find_query("orderby") or "").lower()
    if order not in {"", "none", "timeasc", "timedesc"}:
        raise BadRequest("orderby must be none, timeasc or timedesc.", {"orderby": order[:50]})
    items = sorted(items, key=name_of)
    if order.startswith("time"):
        items.sort(key=lambda item: item.updated, reverse=order == "timedesc")
        names = [name_of(item) for item in items]
        items = items[names.index(last) + 1 :] if last in names else items
    else:
        items = [item for item in items if name_of(item) > last]
    page = items[:limit]
    more = len(items) > limit
    return page, _link(request, limit, [name_of(item) for item in page], more=more, order=order)


def _link(
    request: Request, limit: int, names: Sequence[str], *, more: bool, order: str = ""
) -> list[tuple[bytes, bytes]]:
    if not more or not names:
        return []
    query = {"last": names[-1], "n": str(limit)} | ({"orderby": order} if order else {})
    return [render_link(request, query)]


async def _read_attributes(request: Request) -> Mapping[str, bool]:
    """Return the locks that a body asks for: verb to yes or no.

    Raises:
        BadRequest: it is no JSON object, or a lock is no boolean.

    """
    try:
        document = core.parse_json_object(await core.read_body(request.receive, limit=BODY_LIMIT))
    except core.BodyMalformed as error:
        raise BadRequest(str(error)) from error
    wanted = {verb: document.get(f"{verb}Enabled") for verb in VERBS}
    given = {verb: value for verb, value in wanted.items() if value is not None}
    if not all(isinstance(value, bool) for value in given.values()):
        raise BadRequest("deleteEnabled, writeEnabled, readEnabled and listEnabled are booleans.")
    return given
