"""``silo up``: lock the state, make sure of everything it needs, then supervise."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from silo import audit, core, engine, front
from silo.settings import Settings

from . import composition, containers, control, install, serving, teardown
from .errors import CannotStart
from .first_start import ensure_instance
from .service_log import configure_log
from .supervisor import Supervisor, name_process

log = structlog.get_logger()

LOCK = "lock"


Greet = Callable[[Settings, dict[str, Any] | None], None]
"""Tells the user that Silo starts; the credentials are given on the first start only."""


def run(folder: Path, given: dict[str, Any], greet: Greet) -> None:
    """Run an instance in the foreground until it is told to stop.

    Raises:
        CannotStart: with what to change.

    """
    configure_log()
    clock = core.SystemClock()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    except PermissionError:
        raise CannotStart(
            f"{folder} cannot be made by this user; choose another --state."
        ) from None
    with _lock(folder), front.Ports() as ports:
        settings = install.settle_settings(folder, given, ports)
        certificate = install.prepare_files(settings, clock)
        credentials = ensure_instance(settings, clock)
        shares = containers.open_shares(settings)
        shares.attach()
        greet(settings, credentials)
        name_process("silo")
        Supervisor(
            {
                "control": lambda: control.run_control(
                    settings, lambda: composition.open_loops(settings, clock)
                ),
                "doors": lambda: serving.serve(
                    settings, certificate, lambda: composition.open_doors(settings, clock)
                ),
            },
            clock,
            _foundations(settings),
        ).run()
        shares.release()
        teardown.leave(settings)


def _foundations(settings: Settings) -> dict[str, Callable[[], None]]:
    binaries = engine.find_binaries()
    obstacle = engine.find_obstacle(binaries)
    if binaries is None or obstacle:
        log.warning("no container engine", reason=obstacle)
        return {}
    paths = engine.Paths.of_instance(settings.state, settings.id)
    return {"containerd": lambda: engine.exec_containerd(binaries, paths, settings.bundle)}


def find_running(folder: Path) -> int | None:
    """Return the process id of the instance that holds this state, or None."""
    try:
        with (folder / LOCK).open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
    except FileNotFoundError:
        return None
    return None


def verify_audit(settings: Settings) -> audit.Verification:
    """Recompute the chain of the log from the files, whether Silo runs or not."""
    store = core.Store(settings.database)
    with contextlib.closing(store):
        checkpoints = composition.open_checkpoints(settings, core.SystemClock())
        return store.read_now(checkpoints.verify)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CannotStart(
                f"another silo (process {file.read().strip() or 'unknown'}) runs on {folder};"
                " stop it with silo down, or choose another --state."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
