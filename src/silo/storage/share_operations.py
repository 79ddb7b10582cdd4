"""Operations on the service and on shares."""

import base64
from xml.etree import ElementTree as ET

from silo import core

from .errors import InvalidHeaderValue
from .quota import Quota
from .shares import (
    DEFAULT_QUOTA_GIB,
    TIERS,
    FileShare,
    create_share,
    delete_share,
    get_share,
    list_shares,
    update_share,
)
from .tree import Tree
from .wire import Request, format_metadata, format_time, in_thread


class ShareOperations:
    """Handlers; each is called once it is known that the caller may."""

    def __init__(self, store: core.Store, tree: Tree, quota: Quota) -> None:
        self._store = store
        self._tree = tree
        self._quota = quota

    def find(self, request: Request) -> FileShare:
        """Return the share a request names.

        Raises:
            ShareNotFound: there is none.

        """
        return self._store.read_now(
            lambda conn: get_share(conn, request.account, request.route.share)
        )

    async def list_all(self, request: Request) -> None:
        """List Shares."""
        prefix, after, limit = request.get_page()
        found = self._store.read_now(
            lambda conn: list_shares(
                conn, request.account, prefix=prefix, after=after, limit=limit + 1
            )
        )
        root = make_results(request, prefix)
        items = ET.SubElement(root, "Shares")
        include = (request.find_query("include") or "").lower().split(",")
        for share in found[:limit]:
            item = ET.SubElement(items, "Share")
            ET.SubElement(item, "Name").text = share.name
            properties = ET.SubElement(item, "Properties")
            for name, value in {
                "Last-Modified": format_time(core.parse_time(share.updated)),
                "Etag": share.etag,
                "Quota": str(share.quota_gib),
                "AccessTier": share.tier,
                "LeaseStatus": "unlocked",
                "LeaseState": "available",
                "EnabledProtocols": "SMB",
            }.items():
                ET.SubElement(properties, name).text = value
            if "metadata" in include:
                metadata = ET.SubElement(item, "Metadata")
                for name, value in share.metadata.items():
                    ET.SubElement(metadata, name).text = value
        end_results(root, found[limit - 1].name if len(found) > limit else "")
        await request.reply_xml(root)

    async def get_service_properties(self, request: Request) -> None:
        """Get File Service Properties: nothing of it can be set here."""
        root = ET.Element("StorageServiceProperties")
        for name in ("HourMetrics", "MinuteMetrics"):
            metrics = ET.SubElement(root, name)
            ET.SubElement(metrics, "Version").text = "1.0"
            ET.SubElement(metrics, "Enabled").text = "false"
            kept = ET.SubElement(metrics, "RetentionPolicy")
            ET.SubElement(kept, "Enabled").text = "false"
        ET.SubElement(root, "Cors")
        await request.reply_xml(root)

    async def create(self, request: Request) -> None:
        """Create Share."""
        quota = DEFAULT_QUOTA_GIB
        if request.find_header("x-ms-share-quota") is not None:
            quota = request.get_number("x-ms-share-quota")
        tier, metadata = _read_tier(request) or TIERS[0], request.get_metadata()
        if (request.find_header("x-ms-enabled-protocols") or "SMB").upper() != "SMB":
            raise InvalidHeaderValue("NFS shares are not served; nothing was made.")
        share = await self._store.write(
            lambda conn: create_share(
                conn,
                request.account,
                request.route.share,
                request.now,
                quota_gib=quota,
                tier=tier,
                metadata=metadata,
            )
        )
        await in_thread(lambda: self._tree.ensure(share))
        await request.reply(201, _describe(share))

    async def get(self, request: Request) -> None:
        """Get Share Properties, Get Share Metadata."""
        share = self.find(request)
        more = {
            "x-ms-share-quota": str(share.quota_gib),
            "x-ms-access-tier": share.tier,
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-enabled-protocols": "SMB",
        }
        await request.reply(200, {**_describe(share), **more, **format_metadata(share.metadata)})

    async def set_properties(self, request: Request) -> None:
        """Set Share Properties: the quota and the tier."""
        values: dict[str, object] = {}
        if request.find_header("x-ms-share-quota") is not None:
            values["quota_gib"] = request.get_number("x-ms-share-quota")
        if tier := _read_tier(request):
            values["tier"] = tier
        await request.reply(200, _describe(await self._update(request, **values)))

    async def set_metadata(self, request: Request) -> None:
        """Set Share Metadata: all of it."""
        share = await self._update(request, metadata=request.get_metadata())
        await request.reply(200, _describe(share))

    async def get_statistics(self, request: Request) -> None:
        """Get Share Stats: how much it holds."""
        share = self.find(request)
        root = ET.Element("ShareStats")
        usage = await in_thread(lambda: self._quota.measure(share))
        ET.SubElement(root, "ShareUsageBytes").text = str(usage)
        await request.reply_xml(root, _describe(share))

    async def get_policies(self, request: Request) -> None:
        """Get Share ACL: none can be stored here."""
        share = self.find(request)
        await request.reply_xml(ET.Element("SignedIdentifiers"), _describe(share))

    async def delete(self, request: Request) -> None:
        """Delete Share with all that is in it."""
        if (request.find_header("x-ms-delete-snapshots") or "include").lower() not in {
            "include",
            "include-leased",
        }:
            raise InvalidHeaderValue
        share = self.find(request)
        await self._store.write(
            lambda conn: delete_share(conn, request.account, request.route.share)
        )
        await in_thread(lambda: self._tree.discard(share))
        await request.reply(202)

    async def _update(self, request: Request, **values: object) -> FileShare:
        share = await self._store.write(
            lambda conn: update_share(
                conn, request.account, request.route.share, request.now, **values
            )
        )
        await in_thread(lambda: self._tree.resize(share))
        return share


def make_results(request: Request, prefix: str, **attributes: str) -> ET.Element:
    """Return the head of a listing."""
    endpoint = request.context.urls.file_endpoint(request.account.name)
    root = ET.Element("EnumerationResults", {"ServiceEndpoint": endpoint, **attributes})
    for name, value in (
        ("Prefix", prefix),
        ("Marker", request.find_query("marker") or ""),
        ("MaxResults", request.find_query("maxresults") or ""),
    ):
        if value:
            ET.SubElement(root, name).text = value
    return root


def end_results(root: ET.Element, last: str) -> None:
    """Add the marker of the next page: the last name of this one."""
    marker = base64.urlsafe_b64encode(last.encode()).decode()
    ET.SubElement(root, "NextMarker").text = marker


def _describe(share: FileShare) -> dict[str, str]:
    updated = core.parse_time(share.updated)
    return {"etag": share.etag, "last-modified": format_time(updated)}


def _read_tier(request: Request) -> str:
    text = request.find_header("x-ms-access-tier")
    if not text:
        return ""
    found = {tier.casefold(): tier for tier in TIERS}.get(text.casefold())
    if found is None:
        raise InvalidHeaderValue
    return found
