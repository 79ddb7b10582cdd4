"""What stays behind of a logger that does not start."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from silo.engine import EngineUnavailable, logger


async def test_a_logger_that_cannot_be_started_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "_PATIENCE_S", 0.05)
    before = set(Path("/proc/self/fd").iterdir())
    asked = logger.Logger(tmp_path / "no-logger", tmp_path)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await asked.open("app", tmp_path / "app.log")
    assert (tmp_path / "output" / "app" / "stdout").is_fifo()

    await asked.close("app")

    assert list((tmp_path / "output").iterdir()) == []
    assert set(Path("/proc/self/fd").iterdir()) <= before


async def test_a_container_without_pipes_is_closed_in_peace(tmp_path: Path) -> None:
    async with asyncio.timeout(5):
        await logger.Logger(tmp_path / "no-logger", tmp_path).close("app")


async def test_a_logger_of_an_earlier_silo_gives_way_while_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    served = threading.Event()
    given: list[bool] = []

    def end(_run: Path, _keep: Path) -> None:
        loop.call_soon_threadsafe(served.set)
        given.append(served.wait(10))

    monkeypatch.setattr(logger, "end_logger", end)
    await logger.Logger(tmp_path / "logger", tmp_path).take_up()

    assert given == [True]


def test_only_a_logger_of_another_program_is_ended(tmp_path: Path) -> None:
    code = "import time; print(flush=True); time.sleep(60)"
    words = [sys.executable, "-c", code, "--folder", tmp_path / "output", ""]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as old:
        try:
            assert old.stdout is not None
            old.stdout.readline()  # Before it runs the kernel may not tell its arguments yet.
            own = Path(f"/proc/{old.pid}/exe")
            logger.end_logger(tmp_path, keep=own)
            assert old.poll() is None
            logger.end_logger(tmp_path, keep=tmp_path / "new")
            assert old.wait(10) == -signal.SIGTERM
        finally:
            old.kill()


async def test_a_container_that_has_no_log_yet_is_held_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "_PATIENCE_S", 0.05)
    before = logger.Logger(tmp_path / "no-logger", tmp_path)
    with pytest.raises(EngineUnavailable):
        await before.open("app", tmp_path / "app.log")
    with (tmp_path / "output" / "app" / "stdout").open("r+b", buffering=0) as container:
        container.write(b"said while nobody wrote it down")
        before.leave()
        after = logger.Logger(tmp_path / "no-logger", tmp_path)
        with pytest.raises(OSError, match="no-logger"):  # it is to be written, so one is started
            await after.take_up()
    # The container is gone: what it said is in the pipe for as long as that is held.
    reading = os.open(tmp_path / "output" / "app" / "stdout", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        assert pipe.read(100) == b"said while nobody wrote it down"
    after.leave()
