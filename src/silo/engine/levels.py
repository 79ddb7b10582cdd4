"""Which program keeps a container, by isolation level, and what that program is told."""

import json

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


def describe_runtime(level: Level, binaries: Binaries, paths: Paths) -> Shim:
    """Return the shim's name and its options.

    Raises:
        EngineUnavailable: this machine does not have the level; a weaker one is never taken.

    """
    if level is Level.HYPERVISOR:
        raise EngineUnavailable("Isolation level 'hypervisor' is not available on this machine.")
    needed = (binaries.runc,) if level is Level.PROCESS else (binaries.runsc, binaries.runsc_shim)
    if not all(program.is_file() for program in needed):
        raise EngineUnavailable(f"Isolation level '{level}' is not available on this machine.")
    if level is Level.SANDBOX:
        return _describe_gvisor(binaries, paths)
    options = runc_pb2.Options(binary_name=str(binaries.runc), root=str(paths.run / "runc"))
    return _RUNC, _pack(options, "containerd.runc.v1.Options")


def _describe_gvisor(binaries: Binaries, paths: Paths) -> Shim:
    config = paths.run / "runsc.toml"
    text = (
        f"binary_name = {json.dumps(str(binaries.runsc))}\n"
        f"root = {json.dumps(str(paths.run / 'runsc'))}\n"
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
