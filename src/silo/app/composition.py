"""Where the rooms meet: what each needs of the others is handed over here, by name."""

from collections.abc import Awaitable, Sequence

from starlette.types import ASGIApp

from silo import core, front
from silo.settings import Settings

from .lifespan import Lifespan


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
