"""File shares by way of ARM (``az storage share-rm``): the same shares the data plane has."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from silo import arm, core, storage

from .accounts import read_body
from .errors import FeatureNotSupported, ShareFault
from .properties import FileShare, ServiceBody, ShareBody

T = TypeVar("T")
_ACCOUNT = (
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage"
    "/storageAccounts/{account}"
)
_SERVICES = f"{_ACCOUNT}/fileServices"
_SHARES = f"{_SERVICES}/default/shares"
_SHARE = f"{_SHARES}/{{share}}"
_PREFIX = "Microsoft.Storage/storageAccounts/fileServices"
_COVERAGE = "partly: no snapshots, soft delete, leases, stored policies, NFS"


@dataclass(frozen=True, slots=True)
class Shares:
    """Handlers of the file service's resources."""

    resources: arm.Resources
    tree: storage.Tree

    def list_operations(self) -> tuple[arm.Operation, ...]:
        """Return every operation, for the provider's declaration."""
        read, write = f"{_PREFIX}/shares/read", f"{_PREFIX}/shares/write"
        created = (200, 201)
        return (
            arm.Operation(f"{_PREFIX}/read", "GET", _SERVICES, self.list_services),
            arm.Operation(f"{_PREFIX}/read", "GET", f"{_SERVICES}/default", self.get_service),
            arm.Operation(
                f"{_PREFIX}/write",
                "PUT",
                f"{_SERVICES}/default",
                self.set_service,
                coverage="partly: only what changes nothing",
            ),
            arm.Operation(read, "GET", _SHARES, self.list_shares, coverage=_COVERAGE),
            arm.Operation(read, "GET", _SHARE, self.get_share, coverage=_COVERAGE),
            arm.Operation(
                write, "PUT", _SHARE, self.put_share, statuses=created, coverage=_COVERAGE
            ),
            arm.Operation(write, "PATCH", _SHARE, self.patch_share, coverage=_COVERAGE),
            arm.Operation(
                f"{_PREFIX}/shares/delete",
                "DELETE",
                _SHARE,
                self.delete_share,
                statuses=(200, 204),
                coverage=_COVERAGE,
            ),
        )

    async def list_services(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the one file service of an account."""
        service = (await self.get_service(call, match, None)).body
        return arm.Reply(200, {"value": [service]})

    async def get_service(self, _call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Show the file service: nothing of it can be set here."""
        resource = self._read(match, lambda _conn, resource, _account: resource)
        return arm.Reply(200, _render_service(resource))

    async def set_service(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Take what is so already, refuse the rest."""
        wanted = read_body(ServiceBody, body).properties
        kept = wanted.share_delete_retention_policy
        if kept is not None and kept.enabled:
            raise FeatureNotSupported("Soft deletion of shares")
        if wanted.cors is not None and wanted.cors.cors_rules:
            raise FeatureNotSupported("CORS")
        if wanted.protocol_settings:
            raise FeatureNotSupported("A setting of the SMB or NFS protocol")

        def write(conn: core.Connection) -> arm.Resource:
            resource, _ = self._find(conn, match)
            call.record(conn, 200)
            return resource

        return arm.Reply(200, _render_service(await self.resources.store.write(write)))

    async def list_shares(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """List the shares of an account."""
        after = call.query.get("$skiptoken", "")
        limit = _read_page(call.query.get("$maxpagesize", ""))
        prefix = _read_filter(call.query.get("$filter", ""))

        def read(
            conn: core.Connection, resource: arm.Resource, account: storage.Account
        ) -> tuple[arm.Resource, list[storage.FileShare]]:
            return resource, storage.list_shares(
                conn, account, prefix=prefix, after=after, limit=limit + 1
            )

        resource, found = self._read(match, read)
        page: dict[str, Any] = {"value": [_render_share(resource, one) for one in found[:limit]]}
        if len(found) > limit:
            base = f"{call.urls.resource_manager}{call.path}"
            query = f"api-version={call.api_version}&$maxpagesize={limit}"
            page["nextLink"] = f"{base}?{query}&$skipToken={found[limit - 1].name}"
        return arm.Reply(200, page)

    async def get_share(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Show a share; with ``$expand=stats``, how much it holds."""
        resource, share = self._read(
            match,
            lambda conn, resource, account: (
                resource,
                storage.get_share(conn, account, match["share"]),
            ),
        )
        shown = _render_share(resource, share)
        if "stats" in call.query.get("$expand", "").lower():
            shown["properties"]["shareUsageBytes"] = await asyncio.to_thread(
                self.tree.measure, share
            )
        return arm.Reply(200, shown)

    async def put_share(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Make a share, or change one that is there."""
        return await self._write(call, match, body, make=True)

    async def patch_share(self, call: arm.Call, match: arm.Match, body: Any) -> arm.Reply:
        """Change a share that is there."""
        return await self._write(call, match, body, make=False)

    async def delete_share(self, call: arm.Call, match: arm.Match, _body: Any) -> arm.Reply:
        """Take a share and all that is in it away."""

        def write(conn: core.Connection) -> storage.FileShare | None:
            _, account = self._find(conn, match)
            arm.check_locks(conn, match.id, deleting=True)
            found = storage.find_share(conn, account, match["share"])
            if found is not None:
                storage.delete_share(conn, account, found.name)
            call.record(conn, 200 if found else 204)
            return found

        found = await self.resources.store.write(write)
        if found is not None:
            await asyncio.to_thread(self.tree.discard, found)
        return arm.Reply(200 if found else 204)

    async def _write(self, call: arm.Call, match: arm.Match, body: Any, *, make: bool) -> arm.Reply:
        wanted = read_body(ShareBody, body if body is not None else {}).properties
        values = _read_values(wanted)
        name = match["share"]
        try:
            storage.check_share(name)
        except storage.StorageError as error:
            raise ShareFault(error) from None

        def write(conn: core.Connection) -> tuple[arm.Resource, storage.FileShare, int]:
            resource, account = self._find(conn, match)
            arm.check_locks(conn, match.id, deleting=False)
            try:
                if make and storage.find_share(conn, account, name) is None:
                    share, status = (
                        storage.create_share(conn, account, name, call.now, **values),
                        201,
                    )
                else:
                    share, status = (
                        storage.update_share(conn, account, name, call.now, **values),
                        200,
                    )
            except storage.StorageError as error:
                raise ShareFault(error) from None
            call.record(conn, status)
            return resource, share, status

        resource, share, status = await self.resources.store.write(write)
        try:
            await asyncio.to_thread(self.tree.ensure, share)
            await asyncio.to_thread(self.tree.resize, share)
        except storage.StorageError as error:
            raise ShareFault(error) from None
        return arm.Reply(status, _render_share(resource, share))

    def _read(
        self,
        match: arm.Match,
        work: Callable[[core.Connection, arm.Resource, storage.Account], T],
    ) -> T:
        try:
            return self.resources.store.read_now(lambda conn: work(conn, *self._find(conn, match)))
        except storage.StorageError as error:
            raise ShareFault(error) from None

    def _find(
        self, conn: core.Connection, match: arm.Match
    ) -> tuple[arm.Resource, storage.Account]:
        path = _ACCOUNT
        for name in ("subscription", "group", "account"):
            path = path.replace(f"{{{name}}}", match[name])
        resource = self.resources.get(conn, arm.parse_resource_id(path))
        return resource, storage.get_account(conn, resource.id.name)


def _read_values(wanted: FileShare) -> dict[str, Any]:
    if (wanted.enabled_protocols or "SMB").upper() != "SMB":
        raise FeatureNotSupported("An NFS share")
    if wanted.signed_identifiers:
        raise FeatureNotSupported("A stored access policy")
    values: dict[str, Any] = {}
    if wanted.share_quota is not None:
        values["quota_gib"] = wanted.share_quota
    if wanted.metadata is not None:
        try:
            values["metadata"] = storage.check_metadata(dict(wanted.metadata))
        except storage.StorageError as error:
            raise ShareFault(error) from None
    if wanted.access_tier is not None:
        known = {tier.casefold(): tier for tier in storage.TIERS}
        if wanted.access_tier.casefold() not in known:
            raise arm.InvalidParameter(f"accessTier must be one of {', '.join(storage.TIERS)}.")
        values["tier"] = known[wanted.access_tier.casefold()]
    return values


def _read_page(text: str) -> int:
    if not text:
        return 5_000
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 5_000:  # noqa: PLR2004
        raise arm.InvalidParameter("$maxpagesize is a number from 1 to 5000.")
    return int(text)


def _read_filter(text: str) -> str:
    if not text:
        return ""
    found = re.fullmatch(r"\s*startswith\(name,\s*([a-z0-9-]+)\)\s*", text)
    if found is None:
        raise arm.InvalidFilterInQueryString("only startswith(name, …) is understood here")
    return found[1]


def _render_service(resource: arm.Resource) -> dict[str, Any]:
    return {
        "id": f"{resource.id.text}/fileServices/default",
        "name": "default",
        "type": _PREFIX,
        "sku": resource.document.get("sku"),
        "properties": {
            "cors": {"corsRules": []},
            "shareDeleteRetentionPolicy": {"enabled": False, "days": 0},
        },
    }


def _render_share(resource: arm.Resource, share: storage.FileShare) -> dict[str, Any]:
    return {
        "id": f"{resource.id.text}/fileServices/default/shares/{share.name}",
        "name": share.name,
        "type": f"{_PREFIX}/shares",
        "etag": share.etag,
        "properties": {
            "accessTier": share.tier,
            "enabledProtocols": "SMB",
            "lastModifiedTime": share.updated,
            "leaseState": "available",
            "leaseStatus": "unlocked",
            "metadata": dict(share.metadata),
            "shareQuota": share.quota_gib,
        },
    }
