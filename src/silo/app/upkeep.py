"""Loops of the control process that keep the house clean: content that nothing links."""

import asyncio

import structlog

from silo import core, registry
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
