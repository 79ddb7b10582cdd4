"""Loops of the control process that keep the house clean: content, log, sign-in leftovers."""

import asyncio

import structlog

from silo import audit, core, registry
from silo.settings import Settings

log = structlog.get_logger()

COLLECT_S = 600.0
"""Unlinked content waits at least this long; it costs disk, not correctness."""
CHECKPOINT_S = 60.0
"""How much of the log's tail could be cut off without a signed note that shows it."""


async def collect_content(store: core.Store, settings: Settings, clock: core.Clock) -> None:
    """Remove content that nothing links, for ever."""
    while True:
        try:
            gone = await registry.collect(store, settings.content, clock)
            log.info("content collected", blobs=gone.blobs, bytes=gone.size)
        except (core.SiloError, OSError) as error:
            log.warning("content was not collected", reason=str(error))
        await asyncio.sleep(COLLECT_S)


async def take_checkpoints(store: core.Store, checkpoints: audit.Checkpoints) -> None:
    """Note outside the database how far the log has come, for ever."""
    while True:
        try:
            store.read_now(checkpoints.take)
        except (core.SiloError, OSError) as error:
            log.warning("no checkpoint was taken", reason=str(error))
        await asyncio.sleep(CHECKPOINT_S)
