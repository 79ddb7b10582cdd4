"""The process that ``silo up`` is: it starts the others, restarts what dies, stops all together.

It stays single-threaded, so that a child can be forked at any time, and imports everything
first, so that the children share its memory. A child never outlives it (``PR_SET_PDEATHSIG``).
"""

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from silo import core

log = structlog.get_logger()

STOP_GRACE_S = 40.0
"""Longer than the HTTP server gives requests in flight (``serving.DRAIN_S``)."""
QUICK_DEATH_S = 2.0
"""A child that lived shorter than this is started again only after a pause."""
MAX_PAUSE_S = 5.0

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_NAME_BYTES = 15
"""man 2 prctl: the kernel keeps so many bytes of a process's name."""

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def name_process(name: str) -> None:
    """Set the name that ``ps`` shows."""
    _prctl(_PR_SET_NAME, ctypes.c_char_p(name.encode()[:_NAME_BYTES]))


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone, however that went."""
    _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, argument: object) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@dataclass(slots=True)
class _Child:
    name: str
    run: Callable[[], None]
    stands_under_others: bool = False
    pid: int = 0
    started: float = 0.0
    quick_deaths: int = 0
    start_at: float = 0.0


class Supervisor:
    """Keeps a set of named children running until SIGTERM or SIGINT."""

    def __init__(
        self,
        children: Mapping[str, Callable[[], None]],
        clock: core.Clock,
        foundations: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        """Take what to run; the foundations start before the rest and stop after it."""
        self._children = [
            *(_Child(name, run, True) for name, run in (foundations or {}).items()),
            *(_Child(name, run) for name, run in children.items()),
        ]
        self._clock = clock

    def run(self) -> None:
        """Start the children, tend them, and return once all have stopped."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        gc.collect()
        gc.freeze()  # keeps the collector's writes from unsharing the children's memory
        # Counts what is left: measured by the frozen heap (CPython's long_lived_total), garbage
        # would have to be a quarter of it before anybody looked.
        gc.collect()
        while True:
            for child in self._children:
                if not child.pid and self._clock.monotonic() >= child.start_at:
                    self._start(child)
            received = signal.sigtimedwait(_SIGNALS, self._next_start_s())
            self._reap()
            if received is not None and received.si_signo != signal.SIGCHLD:
                break
        self._stop()

    def _next_start_s(self) -> float:
        waiting = [child.start_at for child in self._children if not child.pid]
        return max(0.0, min(waiting, default=1e9) - self._clock.monotonic())

    def _start(self, child: _Child) -> None:
        parent = os.getpid()
        child.started = self._clock.monotonic()
        child.pid = os.fork()
        if child.pid:
            return
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            die_with_parent(parent)
            name_process(f"silo-{child.name}")
            child.run()
        except KeyboardInterrupt:
            os._exit(0)
        except BaseException:
            log.exception("process failed", process=child.name)
            os._exit(1)
        os._exit(0)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for child in self._children:
                if child.pid == pid:
                    self._note_death(child, os.waitstatus_to_exitcode(status))

    def _note_death(self, child: _Child, code: int) -> None:
        now = self._clock.monotonic()
        child.pid = 0
        quick = now - child.started < QUICK_DEATH_S
        child.quick_deaths = child.quick_deaths + 1 if quick else 0
        child.start_at = now + min(MAX_PAUSE_S, 0.5 * child.quick_deaths)
        log.warning("process ended", process=child.name, code=code)

    def _stop(self) -> None:
        deadline = self._clock.monotonic() + STOP_GRACE_S
        for under in (False, True):
            self._end(
                [child for child in self._children if child.stands_under_others is under], deadline
            )

    def _end(self, children: Sequence[_Child], deadline: float) -> None:
        self._signal(children, signal.SIGTERM)
        while any(child.pid for child in children):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                self._signal(children, signal.SIGKILL)
                left = 1.0
            signal.sigtimedwait({signal.SIGCHLD}, left)
            self._reap()

    def _signal(self, children: Sequence[_Child], number: int) -> None:
        for child in children:
            if child.pid:
                os.kill(child.pid, number)
