"""Which program keeps a container, by isolation level, and what that program is told."""

import json
from pathlib import Path

from google.protobuf import any_pb2
from google.protobuf.message import Message

from silo import core

from .api import runc_pb2, runtimeoptions_pb2
from .binaries import Binaries
from .errors import EngineUnavailable
from .paths import Paths
from .plans import Level

Shim = tuple[str, any_pb2.Any]
"""A shim's name, and the options it is started with."""
_RUNC = "io.containerd.runc.v2"
_RUNSC = "io.containerd.runsc.v1"
_KATA = "io.containerd.kata.v2"
_KATA_SHIM = "containerd-shim-kata-v2"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/kata/bin"
"""Where containerd looks for programs that are not ours; Kata's own place is the last."""


def find_lack(level: Level, binaries: Binaries, root: Path = Path("/")) -> str:
    """Return what this machine lacks for a level; nothing where it is available."""
    match level:
        case Level.PROCESS:
            needed = {"runc": binaries.runc}
        case Level.SANDBOX:
            needed = {"gVisor": binaries.runsc, "gVisor's shim": binaries.runsc_shim}
        case Level.HYPERVISOR:
            places = [root / folder.lstrip("/") / _KATA_SHIM for folder in SYSTEM_PATH.split(":")]
            kata = next((place for place in places if place.is_file()), places[-1])
            needed = {"/dev/kvm": root / "dev/kvm", f"Kata Containers ({_KATA_SHIM})": kata}
    missing = [what for what, place in needed.items() if not place.exists()]
    return f"no {' and no '.join(missing)}" if missing else ""


def describe_runtime(
    level: Level, binaries: Binaries, paths: Paths, root: Path = Path("/")
) -> Shim:
    """Return the shim's name and its options.

    Raises:
        EngineUnavailable: this machine does not have the level; a weaker one is never taken.

    """
    lack = find_lack(level, binaries, root)
    if lack:
        raise EngineUnavailable(
            f"Isolation level '{level}' is not available on this machine: {lack}."
        )
    if level is Level.HYPERVISOR:
        # No path: Kata reads the configuration that it was installed with, or /etc's.
        return _KATA, _pack(runtimeoptions_pb2.Options(), "runtimeoptions.v1.Options")
    if level is Level.SANDBOX:
        return _describe_gvisor(binaries, paths)
    options = runc_pb2.Options(binary_name=str(binaries.runc), root=str(paths.run / "runc"))
    return _RUNC, _pack(options, "containerd.runc.v1.Options")


def _describe_gvisor(binaries: Binaries, paths: Paths) -> Shim:
    config = paths.run / "runsc.toml"
    text = (
        f"binary_name = {json.dumps(str(binaries.runsc))}\n"
        f"root = {json.dumps(str(paths.run / 'runsc'))}\n"
        # The containers of a group share the shim of their sandbox.
        "grouping = true\n"
        "[runsc_config]\n"
        # What a container writes is in a file beside its own layer, not in the machine's memory.
        'overlay2 = "root:self"\n'
        'network = "sandbox"\n'
    )
    if not config.exists() or config.read_text() != text:
        core.write_private(config, text.encode())
    options = runtimeoptions_pb2.Options(
        type_url="io.containerd.runsc.v1.options", config_path=str(config)
    )
    return _RUNSC, _pack(options, "runtimeoptions.v1.Options")


def _pack(options: Message, name: str) -> any_pb2.Any:
    # containerd names types without a prefix.
    return any_pb2.Any(type_url=name, value=options.SerializeToString())
