"""The programs that the engine consists of, and where this machine has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Binaries:
    """Absolute paths of one set of programs that were built and tried together."""

    containerd: Path
    shim: Path
    runc: Path
    runsc: Path
    runsc_shim: Path
    logger: Path
    """Writes what containers say; one for all of an instance."""
    init: Path
    """Gives a container its secret environment; static, so it runs in any image."""
    versions: Mapping[str, str]

    @property
    def programs(self) -> tuple[Path, ...]:
        """All of them."""
        return (
            self.containerd,
            self.shim,
            self.runc,
            self.runsc,
            self.runsc_shim,
            self.logger,
            self.init,
        )

    @property
    def folder(self) -> Path:
        """The folder that holds all of them."""
        return self.containerd.parent


def find_binaries() -> Binaries | None:
    """Return the engine that is installed or, in a checkout, built; None where there is none."""
    try:
        import silo_engine  # noqa: PLC0415 - a wheel of its own, which not every machine has
    except ImportError:
        return None
    folder = silo_engine.find_folder()
    return None if folder is None else read_binaries(folder)


def read_binaries(folder: Path) -> Binaries | None:
    """Return the programs in an engine's folder, or None when one of them is missing."""
    programs = folder / "bin"
    found = Binaries(
        containerd=programs / "containerd",
        shim=programs / "containerd-shim-runc-v2",
        runc=programs / "runc",
        runsc=programs / "runsc",
        runsc_shim=programs / "containerd-shim-runsc-v1",
        logger=programs / "silo-logger",
        init=programs / "silo-init",
        versions=json.loads((folder / "versions.json").read_text()),
    )
    return found if all(path.is_file() for path in found.programs) else None
