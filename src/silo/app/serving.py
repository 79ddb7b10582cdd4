"""The HTTP server: granian's workers, each of which runs every door.

HTTP/1.1 alone: docker, az and the SDKs gain nothing from HTTP/2 here, and its header and
stream buffers would be memory that a stranger can claim (decision 0003).
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server
from starlette.types import ASGIApp

from silo.settings import Settings

from .supervisor import die_with_parent, name_process

HEADER_TIMEOUT_MS = 10_000
"""A client that has not sent its headers by then is cut off."""
HEADER_BYTES = 128 * 1024
"""Buffer for one request's headers; az sends tokens of a few KiB."""
BACKLOG = 1024
FILE_THREADS = 1
"""Of one worker, reading the files that are sent: with two, a third of the speed is lost to
handing over between them."""
TLS_THREADS = 2
"""Of one worker; encrypting a download must not hold up the worker's other answers."""
DRAIN_S = 30
"""How long requests in flight may go on after SIGTERM."""


def serve(
    settings: Settings, certificate: tuple[Path, Path] | None, build: Callable[[], ASGIApp]
) -> None:
    """Serve until SIGTERM; ``build`` runs once in each worker."""
    master = os.getpid()

    def load() -> ASGIApp:
        # Forked from the master, a worker has its handlers until granian sets its own: a SIGTERM
        # between the two would be lost, and the worker killed only after DRAIN_S.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(master)
        name_process("silo-worker")
        return build()

    server = Server(
        "silo",
        address=settings.listen,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        runtime_mode=RuntimeModes.mt if certificate else RuntimeModes.st,
        runtime_threads=TLS_THREADS if certificate else 1,
        runtime_blocking_threads=FILE_THREADS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=HEADER_BYTES
        ),
        websockets=True,
        backlog=BACKLOG,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_S,
        ssl_cert=certificate[0] if certificate else None,
        ssl_key=certificate[1] if certificate else None,
        ssl_protocol_min=SSLProtocols.tls12,
    )
    server.serve(target_loader=load, wrap_loader=False)
