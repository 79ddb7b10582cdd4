"""Which program keeps a container, by isolation level, and what that program is told."""

from google.protobuf import any_pb2

from .api import runc_pb2
from .binaries import Binaries
from .errors import EngineUnavailable
from .paths import Paths
from .plans import Level

Shim = tuple[str, any_pb2.Any]
"""A shim's name, and the options it is started with."""
_RUNC = "io.containerd.runc.v2"


def describe_runtime(level: Level, binaries: Binaries, paths: Paths) -> Shim:
    """Return the shim's name and its options.

    Raises:
        EngineUnavailable: this machine does not have the level; a weaker one is never taken.

    """
    if level is Level.HYPERVISOR:
        raise EngineUnavailable("Isolation level 'hypervisor' is not available on this machine.")
    program = binaries.runc if level is Level.PROCESS else binaries.runsc
    if not program.is_file():
        raise EngineUnavailable(f"Isolation level '{level}' is not available on this machine.")
    options = runc_pb2.Options(binary_name=str(program), root=str(paths.run / program.name))
    packed = any_pb2.Any()
    packed.Pack(options, type_url_prefix="")
    # containerd names types without a prefix.
    packed.type_url = packed.type_url.lstrip("/")
    return _RUNC, packed
