import asyncio

from tests.unit.silo.kube import kube_world as world

from silo.kube import following
from silo.kube.errors import StepFailed


async def test_who_does_not_answer_is_asked_again(tmp_path, monkeypatch):
    closed = []

    class FakeApi:
        def __init__(self, *_):
            pass

        async def close(self):
            closed.append(self)

    monkeypatch.setattr(following, "Api", FakeApi)
    monkeypatch.setattr(following, "_RETRY_S", 0.0)
    problems = [StepFailed("no"), ValueError("a bug")]
    asked = asyncio.Event()

    async def look(_api):
        if problems:
            raise problems.pop()
        asked.set()
        await asyncio.Event().wait()

    answers = asyncio.Event()
    paths = world.paths_in(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(following.follow(world.PLAN, paths, answers, look))
        await asyncio.sleep(0)
        assert len(problems) == 2
        answers.set()
        async with asyncio.timeout(20):
            await asked.wait()
        running.cancel()

    assert len(closed) == 3
