"""What is left of a container that is to be deleted."""

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
    """Has nothing to say, whatever it is asked."""

    containers = snapshots = sandboxes = SimpleNamespace(delete=None, remove=None)

    async def call(self, *_question):
        pass


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
