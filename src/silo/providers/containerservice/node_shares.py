"""The file shares that a cluster's claims get: in a storage account of its node resource group.

The account is made with the first share. As on Azure it is a resource that the cluster's owner
sees, and its shares are what ``az storage file`` lists; with the group it goes.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from silo import arm, core, storage

from . import errors
from .wish import HIDDEN

_TYPE = "Microsoft.Storage/storageAccounts"


@dataclass(frozen=True, slots=True)
class NodeShares:
    """Makes shares for clusters, which are known by their uid."""

    resources: arm.Resources
    vault: core.Vault
    tree: storage.Tree

    async def make(self, cluster: str, name: str, gib: int) -> None:
        """Have a share of this size; repeatable."""
        now = self.resources.clock.now()

        def write(conn: core.Connection) -> storage.FileShare:
            account = self._ensure_account(conn, cluster)
            found = storage.find_share(conn, account, name)
            return found or storage.create_share(conn, account, name, now, quota_gib=gib)

        share = await self.resources.store.write(write)
        await asyncio.to_thread(self.tree.ensure, share)

    async def open(self, cluster: str, name: str) -> Path:
        """Return where a share's files are.

        Raises:
            StorageError: it is no more, or cannot be held to its quota.

        """

        def read(conn: core.Connection) -> storage.FileShare:
            account = self._get_account(conn, cluster)
            key = storage.list_keys(conn, self.vault, account)[0].value
            # As everybody who mounts with a key: the account's owner may close it to keys.
            return storage.resolve_share(
                conn, self.vault, account=account.name, key=key, share=name
            )

        share = await self.resources.store.read(read)
        return await asyncio.to_thread(self.tree.open_for_group, share, read_only=False)

    async def grow(self, cluster: str, name: str, gib: int) -> bool:
        """Raise a share's quota; tell whether its file system is as large."""
        now = self.resources.clock.now()

        def write(conn: core.Connection) -> storage.FileShare:
            share = self._get(conn, cluster, name)
            if share.quota_gib >= gib:
                return share
            account = self._get_account(conn, cluster)
            return storage.update_share(conn, account, name, now, quota_gib=gib)

        share = await self.resources.store.write(write)
        return await asyncio.to_thread(self.tree.resize, share)

    async def remove(self, cluster: str, name: str) -> None:
        """Have a share go with all that is in it; repeatable."""

        def write(conn: core.Connection) -> storage.FileShare | None:
            try:
                share = self._get(conn, cluster, name)
            except storage.ShareNotFound:
                return None
            storage.delete_share(conn, self._get_account(conn, cluster), name)
            return share

        share = await self.resources.store.write(write)
        if share is not None:
            await asyncio.to_thread(self.tree.discard, share)

    async def clear(self, cluster: str) -> None:
        """Have all shares of a cluster go now, for the account goes with its group; repeatable."""

        def read(conn: core.Connection) -> list[str]:
            account = self._find_account(conn, cluster)
            return [one.name for one in storage.list_shares(conn, account)] if account else []

        for name in await self.resources.store.read(read):
            await self.remove(cluster, name)

    def _get(self, conn: core.Connection, cluster: str, name: str) -> storage.FileShare:
        return storage.get_share(conn, self._get_account(conn, cluster), name)

    def _get_account(self, conn: core.Connection, cluster: str) -> storage.Account:
        found = self._find_account(conn, cluster)
        if found is None:
            raise storage.ShareNotFound
        return found

    def _find_account(self, conn: core.Connection, cluster: str) -> storage.Account | None:
        """Return the account that was made for a cluster, and never somebody else's of its name."""
        found = storage.find_account(conn, _name_account(cluster))
        if found is None:
            return None
        parent = self._find_group(conn, cluster)
        inside = parent is not None and found.resource_id.casefold().startswith(f"{parent.id.key}/")
        return found if inside else None

    def _find_group(self, conn: core.Connection, cluster: str) -> arm.Resource | None:
        owner = self.resources.find_by_uid(conn, cluster)
        uid = owner.properties[HIDDEN].get("node_group") if owner is not None else ""
        return self.resources.find_by_uid(conn, uid) if uid else None

    def _ensure_account(self, conn: core.Connection, cluster: str) -> storage.Account:
        found = self._find_account(conn, cluster)
        if found is not None:
            return found
        name, group = _name_account(cluster), self._find_group(conn, cluster)
        taken = storage.find_account(conn, name) is not None
        if group is None or group.deleting or taken:
            raise errors.NoShareAccount(name)
        arm.check_locks(conn, group.id, deleting=False)
        id_ = arm.parse_resource_id(f"{group.id.text}/providers/{_TYPE}/{name}")
        document = {
            "location": group.location,
            "sku": {"name": "Standard_LRS", "tier": "Standard"},
            "kind": "StorageV2",
            "tags": {"k8s-azure-created-by": "azure"},
            "properties": {
                "supportsHttpsTrafficOnly": True,
                "minimumTlsVersion": "TLS1_2",
                "allowBlobPublicAccess": False,
                "publicNetworkAccess": "Enabled",
            },
        }
        stamp = arm.make_stamp(self.resources.clock.now())
        made = self.resources.make(id_, document, stamp)
        self.resources.put(conn, replace(made, settled_generation=made.generation))
        account = storage.put_account(conn, name, id_.text)
        storage.set_keys(conn, self.vault, account, self.resources.clock.now())
        return account


def _name_account(cluster: str) -> str:
    """Return an account's name: one for each cluster, and nobody's choice."""
    return f"f{hashlib.sha256(cluster.encode()).hexdigest()[:23]}"
