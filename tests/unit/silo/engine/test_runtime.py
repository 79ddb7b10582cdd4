"""What is left of a container that is to be deleted."""

from types import SimpleNamespace

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


class Client:
    """Has nothing to say, whatever it is asked."""

    containers = snapshots = sandboxes = SimpleNamespace(delete=None, remove=None)

    async def call(self, *_question):
        pass


async def test_the_log_of_a_container_that_lives_stays_open(tmp_path, monkeypatch):
    ending, logger = Ending(), Logger()
    for name, part in (("Client", Client()), ("Ending", ending), ("Logger", logger)):
        monkeypatch.setattr(runtimes, name, lambda *_words, part=part: part)
    paths = engine.Paths(tmp_path, tmp_path)
    binaries = SimpleNamespace(logger=None)
    runtime = engine.Runtime(binaries, paths, core.SystemClock(), None)

    ending.lives = True
    with pytest.raises(engine.EngineUnavailable):
        await runtime.delete("web")
    assert logger.closed == []

    ending.lives = False
    await runtime.delete("web")
    assert logger.closed == ["web"]
