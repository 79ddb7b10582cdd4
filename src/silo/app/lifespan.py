"""What a worker does beside answering: background loops that live as long as it does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send


class Lifespan:
    """An ASGI application that runs loops from start-up to shut-down (ASGI lifespan 2.0)."""

    def __init__(
        self,
        app: ASGIApp,
        loops: Sequence[Callable[[], Awaitable[None]]],
        close: Callable[[], Awaitable[None]],
    ) -> None:
        """``loops`` run until cancelled; ``close`` runs last, when no request is left."""
        self._app = app
        self._loops = loops
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand requests on; tend the loops over the worker's life."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_forever(loop)) for loop in self._loops]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            for task in tasks:
                task.cancel()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})


async def _forever(loop: Callable[[], Awaitable[None]]) -> None:
    await loop()
