"""A program at a terminal: what ``az container exec`` wants to be run at."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import programs

ROWS, COLUMNS = 40, 132


class Terminal:
    """One program with a terminal of its own; everything that it says is kept."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.command = tuple(map(str, command))
        self.process = subprocess.Popen(
            self.command,
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._said = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # the last one at the other side has left
                return
            if not piece:
                return
            self._said += piece

    @property
    def said(self) -> str:
        """Everything so far, lines ended as everywhere else."""
        return self._said.decode(errors="replace").replace("\r\n", "\n")

    def type(self, words: str) -> None:
        """Type some words."""
        os.write(self._master, words.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def wait_for(self, words: str, timeout_s: float = 60.0) -> str:
        """Return everything so far as soon as these words are in it.

        Raises:
            ProgramFailed: they never come.

        """
        deadline = time.monotonic() + timeout_s
        while words not in self.said:
            if time.monotonic() > deadline or not self._reader.is_alive():
                self.process.kill()
                self.process.wait()
                raise programs.ProgramFailed(f"waited for {words!r} of {self.command}: {self.said}")
            time.sleep(0.02)
        return self.said

    def finish(self, timeout_s: float = 60.0) -> programs.Outcome:
        """Wait for its end."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.wait()
            raise programs.ProgramFailed(f"{self.command} does not end: {self.said}") from error
        self._reader.join(5)
        os.close(self._master)
        return programs.Outcome(self.command, code, self.said, "")
