"""What stays behind of a logger that does not start."""

import os
from pathlib import Path

import pytest

from silo.engine.listeners import Listener


async def test_no_pipe_stays_open_when_the_logger_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = os.pipe

    def note() -> tuple[int, int]:
        ends = make()
        made.extend(ends)
        return ends

    monkeypatch.setattr(os, "pipe", note)
    listener = Listener(tmp_path / "output")
    with pytest.raises(FileNotFoundError):
        await listener.open(tmp_path / "no-logger", tmp_path / "log")
    listener.release()

    for end in made:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(end)
    assert made
