"""The control process: what there must be one of - proxies, DNS, the loops that settle wishes."""

import asyncio
import contextlib
import ctypes
import signal
from collections.abc import Awaitable, Callable, Sequence

from silo import core, engine, front
from silo.settings import Settings

from .group_names import GroupNames

TRIM_AFTER_S = 3.0
"""By then the loops have started; what their start took lies unused in the heap."""


def run_control(settings: Settings, loops: Callable[[], Sequence[Awaitable[None]]]) -> None:
    """Run until SIGTERM; ``loops`` makes the endless coroutines of the other rooms."""
    engine.raise_limit()
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(settings, loops))


async def _run(settings: Settings, loops: Callable[[], Sequence[Awaitable[None]]]) -> None:
    names = settings.names
    silo = (front.local_address(settings.listen), settings.port)
    address = front.reachable_address(settings.listen)
    known = GroupNames(core.Store(settings.database), names, address)
    dns = front.DnsServer(names.domain, lambda name: list(known.list_addresses(name) or ()))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as group:
        endless = (
            front.Proxy(names.claims, silo, known.find_group).run(settings.proxy_port),
            front.Proxy(names.claims_with_azure, silo, known.find_group).run(
                settings.azure_proxy_port
            ),
            dns.run(settings.listen, settings.dns_port),
            *loops(),
        )
        tasks = [group.create_task(_endless(one)) for one in endless]
        loop.call_later(TRIM_AFTER_S, _trim)
        await stop.wait()
        for task in tasks:
            task.cancel()


def _trim() -> None:
    """Give unused heap back to the machine (``malloc_trim(3)``, where the C library has it)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


async def _endless(awaitable: Awaitable[None]) -> None:
    await awaitable
