"""What is done on the machine for one cluster, one thing at a time, and what is to run of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog

from .errors import StepFailed
from .processes import Keeper, Process

log = structlog.get_logger()

_TEND_S = 0.5
_LOOKS_AT_ONCE = 2

P = ParamSpec("P")
T = TypeVar("T")


class Tending:
    """Starts programs and starts them again when they end."""

    def __init__(self, uid: str, keeper: Keeper) -> None:
        self._uid = uid
        self._keeper = keeper
        self._tended: dict[str, Process] = {}
        # Threads of the cluster's own: what waits for its nodes holds nobody else up.
        self._thread = ThreadPoolExecutor(1, "cluster")
        self._lookers = ThreadPoolExecutor(_LOOKS_AT_ONCE, "cluster-looks")
        self._closed = False

    def close(self) -> None:
        """Change nothing on the machine any more; returns once nothing is being changed."""
        self._closed = True
        self._thread.shutdown()
        self._lookers.shutdown()

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Change something on the machine: one thing at a time, and nothing once we are closed.

        Who waits may be cancelled, but not the work: what it leaves is there for ``close`` to see.
        """

        def unless_closed() -> T:
            if self._closed:
                raise StepFailed("the cluster is no longer tended")
            return work(*args, **kwargs)

        return await self._hand_over(self._thread, unless_closed)

    async def look(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask something that may take a moment; it changes nothing and waits for no change."""
        return await self._hand_over(self._lookers, lambda: work(*args, **kwargs))

    async def _hand_over(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            done = asyncio.get_running_loop().run_in_executor(threads, work)
        except RuntimeError:
            raise StepFailed("the cluster is no longer tended") from None
        return await done

    async def ensure(self, process: Process) -> None:
        """Have a program run from now on."""
        # Noted at once: what is told to end meanwhile is not begun again.
        self._tended[process.name] = process
        await self.do(self._keeper.ensure, process)

    def runs(self, name: str) -> bool:
        """Tell whether a program runs, tended or not."""
        return self._keeper.is_running(name)

    def find(self, name: str) -> int:
        """Return the process of a program that runs."""
        return self._keeper.find(name)

    async def end(self, names: tuple[str, ...]) -> None:
        """End programs, in this order, and leave them so."""
        for name in names:
            self._tended.pop(name, None)
            await self.do(self._keeper.end, name)

    async def run(self) -> None:
        """Start again whatever of it ends."""
        while True:
            await asyncio.sleep(_TEND_S)
            for name in list(self._tended):
                process = self._tended.get(name)
                if process is not None and await self.do(self._again, process):
                    log.warning("program of a cluster ended", cluster=self._uid, program=name)

    def _again(self, process: Process) -> bool:
        """Start a program that ended, unless it is to be another one by now, or none."""
        return self._tended.get(process.name) is process and self._keeper.ensure(process)
