"""File shares as volumes: each is seen from every node, and by whoever has the account's key."""

from pathlib import Path
from typing import Protocol

from .attaching import Source


class Shares(Protocol):
    """Who has file shares; they are known by their cluster and their name."""

    async def make(self, cluster: str, name: str, gib: int) -> None:
        """Have a share; repeatable."""
        ...

    async def open(self, cluster: str, name: str) -> Path:
        """Return the folder that its files are in."""
        ...

    async def grow(self, cluster: str, name: str, gib: int) -> bool:
        """Make a share larger; tell whether it is, for it may be in use."""
        ...

    async def remove(self, cluster: str, name: str) -> None:
        """Have a share go with all that is in it; repeatable."""
        ...

    async def clear(self, cluster: str) -> None:
        """Have all shares of a cluster go; repeatable."""
        ...


class ShareVolumes:
    """The shares of one cluster."""

    is_exclusive = False

    def __init__(self, cluster: str, shares: Shares) -> None:
        self._cluster = cluster
        self._shares = shares

    async def make(self, name: str, gib: int) -> None:
        """Have a share; repeatable."""
        await self._shares.make(self._cluster, name, gib)

    async def open(self, name: str) -> Source:
        """Return what a node is given."""
        return Source(await self._shares.open(self._cluster, name))

    async def grow(self, name: str, gib: int) -> bool:
        """Make a share larger; tell whether it is."""
        return await self._shares.grow(self._cluster, name, gib)

    async def remove(self, name: str) -> None:
        """Have a share go with all that is in it; repeatable."""
        await self._shares.remove(self._cluster, name)
