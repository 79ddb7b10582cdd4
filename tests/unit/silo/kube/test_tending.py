import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from silo import kube
from silo.kube.tending import Tending

MANY = 4
WAIT_S = 30


async def test_cluster_that_waits_for_itself_holds_up_nobody_else():
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    go, tending = threading.Event(), Tending("c", None)
    try:
        async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
            for _ in range(MANY):
                tasks.create_task(tending.do(go.wait, WAIT_S))
                tasks.create_task(tending.look(go.wait, WAIT_S))
            await asyncio.sleep(0)
            await asyncio.to_thread(go.set)
    finally:
        go.set()
    tending.close()


async def test_one_thing_is_changed_at_a_time():
    tending, inside, most = Tending("c", None), [], []

    def change():
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(MANY):
            tasks.create_task(tending.do(change))
    tending.close()

    assert most == [1] * MANY


async def test_nothing_is_changed_once_it_is_closed_and_what_was_begun_is_at_its_end():
    tending, begun, go, done = Tending("c", None), threading.Event(), threading.Event(), []

    def change():
        begun.set()
        go.wait(WAIT_S)
        done.append("first")

    work = asyncio.ensure_future(tending.do(change))  # noqa: TID251 - to be given up
    await asyncio.to_thread(begun.wait, WAIT_S)
    waiting = asyncio.ensure_future(tending.do(done.append, "second"))  # noqa: TID251 - as above
    await asyncio.sleep(0)
    work.cancel()
    closing = asyncio.ensure_future(asyncio.to_thread(tending.close))  # noqa: TID251 - as above
    go.set()
    await closing

    assert done[0] == "first"
    with pytest.raises(kube.StepFailed):
        await tending.do(done.append, "third")
    await asyncio.wait([waiting])
    assert "third" not in done
