import asyncio

import httpx2
from tests.unit.silo.identity.conftest import FakeClock
from tests.unit.silo.identity.test_client_assertions import FOREIGN, make_documents

from silo.identity.federation import Federation


async def test_an_issuer_is_called_once_for_many_that_wait(clock: FakeClock) -> None:
    asked: list[str] = []
    documents = make_documents()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        await asyncio.sleep(0)
        return httpx2.Response(200, json=documents[str(request.url)])

    federation = Federation(clock, transport=httpx2.MockTransport(answer))
    async with asyncio.TaskGroup() as tasks:
        for index in range(5):
            tasks.create_task(federation.get_keys(FOREIGN, f"none-{index}"))

    assert asked == list(documents)
