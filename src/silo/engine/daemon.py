"""containerd as a child of the supervisor: its folders, its configuration, its start.

It is private to this instance. It ends with the supervisor; the shims, and with them the
containers, go on and are found again by the next one.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from silo import core

from .binaries import Binaries
from .errors import EngineUnavailable
from .levels import SYSTEM_PATH
from .paths import Paths

START_S = 30.0
"""Cold, on a busy machine, containerd is ready in well under a second."""
_POLL_S = 0.02
_DISABLED = (
    # Kubernetes' interface: nodes run a containerd of their own.
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.nri.v1.nri",
    # Ways to keep layers other than overlayfs.
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.differ.v1.erofs",
    # What looks into /opt or restarts containers by itself.
    "io.containerd.image-verifier.v1.bindir",
    "io.containerd.internal.v1.opt",
    "io.containerd.monitor.container.v1.restart",
    # Telemetry is asked for by gRPC, not sent anywhere.
    "io.containerd.internal.v1.tracing",
    "io.containerd.tracing.processor.v1.otlp",
)
_KEPT = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def find_obstacle(binaries: Binaries | None, user: int | None = None) -> str | None:
    """Return why a Silo of this user (ours) runs no containers, or None when it does."""
    if (os.geteuid() if user is None else user) != 0:
        return "container groups need Silo to run as root"
    if binaries is None:
        return "container groups need the silo-engine package, which is not installed"
    return None


def prepare(paths: Paths) -> None:
    """Make the engine's folders, for nobody else to look into."""
    # Whoever of us came first made this one with a umask that lets nobody pass.
    paths.run.parent.mkdir(exist_ok=True)
    paths.run.parent.chmod(0o711)
    for folder in (paths.run, paths.state, paths.containerd):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    # Root in a container is somebody else here and has to get to its own files below.
    paths.run.chmod(0o711)
    core.write_private(paths.config, render_config(paths).encode())


def render_config(paths: Paths) -> str:
    """Return containerd's configuration."""
    return f"""version = 3
root = {_quote(paths.containerd)}
state = {_quote(paths.run / "containerd")}
disabled_plugins = [{", ".join(map(_quote, _DISABLED))}]

[grpc]
address = {_quote(paths.socket)}
uid = 0
gid = 0

[ttrpc]
address = {_quote(paths.run / "containerd.ttrpc.sock")}

[debug]
level = "warn"
format = "json"
"""


def exec_containerd(binaries: Binaries, paths: Paths, authorities: Path) -> None:
    """Become containerd; a child that the supervisor forked ends here."""
    prepare(paths)
    # A session of its own: the Ctrl-C of a terminal is for the supervisor to pass on in order.
    os.setsid()
    # Ours keeps everything from everybody; root in a container, who is somebody else on the
    # machine, has to pass through the folders that containerd makes.
    os.umask(0o022)
    # Python ignores these, and what is ignored stays ignored in every program started from here.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    environment = {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PATH": f"{binaries.folder}:{SYSTEM_PATH}",
        "SSL_CERT_FILE": str(authorities),
    }
    execute(binaries.containerd, ["--config", str(paths.config)], environment)


def execute(program: Path, arguments: list[str], environment: Mapping[str, str]) -> None:
    """Replace this process by a program (man 2 execve)."""
    os.execve(program, [program.name, *arguments], environment)  # noqa: S606


async def wait_until_ready(paths: Paths, clock: core.Clock) -> None:
    """Return once containerd accepts connections.

    Raises:
        EngineUnavailable: it does not within half a minute.

    """
    deadline = clock.monotonic() + START_S
    while not is_ready(paths):
        if clock.monotonic() > deadline:
            raise EngineUnavailable(f"containerd does not answer at {paths.socket}")
        await asyncio.sleep(_POLL_S)


def is_ready(paths: Paths) -> bool:
    """Return whether containerd accepts connections on its socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(paths.socket))
            # containerd makes it 0660; the folder keeps others out, and so does the socket now.
            paths.socket.chmod(0o600)
        except OSError:
            return False
    return True


def _quote(value: str | Path) -> str:
    # A basic string of TOML is written like one of JSON.
    return json.dumps(str(value))
