"""What is left of a container that is to be deleted."""

import asyncio
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest

from silo import core, engine
from silo.engine import runtime as runtimes


class Ending:
    """Ends containers, except those that live on."""

    lives = False

    async def delete(self, _container_id):
        if self.lives:
            raise engine.EngineUnavailable("The engine is away.")


class Logger:
    def __init__(self):
        self.closed = []

    async def close(self, container_id):
        self.closed.append(container_id)

    def list_ids(self):
        return ["lives", "spoke"]


class Client:
    """Has nothing to say, whatever it is asked; knows what was removed."""

    containers = SimpleNamespace(delete="record")
    snapshots = SimpleNamespace(remove="snapshot")
    sandboxes = SimpleNamespace(delete="sandbox")

    def __init__(self):
        self.removed = []

    async def call(self, question, _request):
        self.removed.append(question)


@pytest.fixture
def parts(tmp_path, monkeypatch):
    ending, logger = Ending(), Logger()
    for name, part in (("Client", Client()), ("Ending", ending), ("Logger", logger)):
        monkeypatch.setattr(runtimes, name, lambda *_words, part=part: part)
    paths = engine.Paths(tmp_path, tmp_path)
    binaries = SimpleNamespace(logger=None)
    return engine.Runtime(binaries, paths, core.SystemClock(), None), ending, logger


async def test_the_log_of_a_container_that_lives_stays_open(parts):
    runtime, ending, logger = parts
    ending.lives = True
    with pytest.raises(engine.EngineUnavailable):
        await runtime.delete("web")
    assert logger.closed == []

    ending.lives = False
    await runtime.delete("web")
    assert logger.closed == ["web"]


async def test_what_a_cut_off_deletion_leaves_can_be_found_again(parts, monkeypatch):
    runtime, _, logger = parts
    writing = asyncio.Event()

    async def never(_container_id):
        writing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(logger, "close", never)
    async with asyncio.TaskGroup() as tasks:
        deleting = tasks.create_task(runtime.delete("web"))
        await writing.wait()
        deleting.cancel()
    # Deletions of groups go by containerd's records.
    assert "record" not in runtime._client.removed

    monkeypatch.undo()
    await runtime.delete("web")
    assert runtime._client.removed[-1] == "record"
    assert logger.closed == ["web"]


async def test_pipes_and_secrets_of_containers_that_are_no_more_go(parts, tmp_path, monkeypatch):
    runtime, _, logger = parts
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for container in ("lives", "knew"):
        (secrets / container).touch()
    listed = AsyncMock(side_effect=engine.EngineUnavailable("The engine is away."))
    monkeypatch.setattr(runtime, "list_containers", listed)
    with pytest.raises(engine.EngineUnavailable):
        await runtime.sweep()
    assert logger.closed == []

    monkeypatch.setattr(
        runtime, "list_containers", AsyncMock(return_value=[SimpleNamespace(id="lives")])
    )
    await runtime.sweep()

    assert sorted(logger.closed) == ["knew", "spoke"]
    assert [path.name for path in secrets.iterdir()] == ["lives"]
