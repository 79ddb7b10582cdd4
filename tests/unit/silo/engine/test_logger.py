"""What stays behind of a logger that does not start."""

import asyncio
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
