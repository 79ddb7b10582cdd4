"""Loops of the control process that keep the house clean: content that nothing links."""

import asyncio

import structlog

from silo import core, registry, storage
from silo.settings import Settings

log = structlog.get_logger()

COLLECT_S = 600.0
"""Unlinked content waits at least this long; it costs disk, not correctness."""


async def collect_content(store: core.Store, settings: Settings, clock: core.Clock) -> None:
    """Remove content that nothing links, for ever."""
    while True:
        try:
            gone = await registry.collect(store, settings.content, clock)
            log.info("content collected", blobs=gone.blobs, bytes=gone.size)
        except (core.SiloError, OSError) as error:
            log.warning("content was not collected", reason=str(error))
        await asyncio.sleep(COLLECT_S)


async def sweep_shares(store: core.Store, tree: storage.Tree, clock: core.Clock) -> None:
    """Remove the folders of shares that are no more, for ever."""
    while True:
        try:
            if gone := await asyncio.to_thread(
                tree.sweep, lambda: store.read_now(storage.list_folders), clock.now()
            ):
                log.info("folders of deleted shares removed", shares=gone)
        except (core.SiloError, OSError) as error:
            log.warning("shares were not swept", reason=str(error))
        await asyncio.sleep(COLLECT_S)
