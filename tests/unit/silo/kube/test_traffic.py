import asyncio
from types import SimpleNamespace

from tests.unit.silo.kube import kube_world as world

from silo.kube import following, traffic


async def test_what_stops_policies_does_not_stop_balancing(tmp_path, monkeypatch):
    class Api:
        def __init__(self, *_):
            pass

        async def close(self):
            pass

    ended, balances = asyncio.Event(), asyncio.Event()

    class Guarding:
        def __init__(self, *_):
            self.tries = 0

        async def run(self, _api):
            self.tries += 1
            if self.tries > 2:
                ended.set()
            raise ValueError("a bug")

    class Balancing:
        def __init__(self, *_):
            assert not balances.is_set()

        async def run(self, _api):
            balances.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(following, "Api", Api)
    monkeypatch.setattr(following, "_RETRY_S", 0.0)
    monkeypatch.setattr(traffic, "Guarding", Guarding)
    monkeypatch.setattr(traffic, "Balancing", Balancing)
    plan = SimpleNamespace(uid=world.UID, policies=True)
    ground = SimpleNamespace(
        locate=lambda _uid: world.paths_in(tmp_path), networks=None, addresses=object(), clock=None
    )
    answers = asyncio.Event()
    answers.set()
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
        running = tasks.create_task(traffic.Traffic(plan, ground).tend(answers))
        await balances.wait()
        await ended.wait()
        running.cancel()
