"""The control process: what there must be one of - proxies, DNS, the loops that settle wishes."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence

from silo import core, front
from silo.settings import Settings

from .group_names import GroupNames


def run_control(settings: Settings, loops: Callable[[], Sequence[Awaitable[None]]]) -> None:
    """Run until SIGTERM; ``loops`` makes the endless coroutines of the other rooms."""
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
        await stop.wait()
        for task in tasks:
            task.cancel()


async def _endless(awaitable: Awaitable[None]) -> None:
    await awaitable
