"""Builds the engine's programs from their Go modules, once per set of sources and flags.

Each part (a folder under ``go`` with a ``go.mod`` of its own) is built into the cache under the
hash of all that goes into it; the engine's folder collects hard links to the parts. Whoever comes
second waits for the first.
"""

import argparse
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import licences

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "go"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "silo"
MACHINE = platform.machine()
PLATFORM_TAG = f"manylinux_2_17_{MACHINE}.musllinux_1_1_{MACHINE}"
"""Every program is linked statically, so any Linux of this architecture runs it."""
GO_VERSION = "1.27.3"

_PLAIN = "-s -w"
_STATIC = '-s -w -extldflags "-static"'

VERSIONS = {
    "go": GO_VERSION,
    "containerd": "v2.4.2",
    "runc": "v1.5.2",
    "gvisor": "v0.0.0-20260905035102-160fafc42237",
    "cni-plugins": "v1.9.1",
}
"""What the modules pin; kept beside the programs and shown by ``silo doctor``."""


class BuildFailed(Exception):
    """The engine could not be built; the text says what the compiler said."""


@dataclass(frozen=True, slots=True)
class Program:
    """One binary: its name, the Go package it comes from, and how it is built."""

    name: str
    package: str
    tags: str = ""
    cgo: bool = False
    linker: str = _PLAIN


_CONTAINERD = "github.com/containerd/containerd/v2"
_CONTAINERD_LINKER = f"{_PLAIN} -X {_CONTAINERD}/version.Version={VERSIONS['containerd']}"
_RUNSC_LINKER = f"{_PLAIN} -X gvisor.dev/gvisor/runsc/version.version={VERSIONS['gvisor']}"
_CNI = "github.com/containernetworking/plugins"
_CNI_LINKER = f"{_PLAIN} -X {_CNI}/pkg/utils/buildversion.BuildVersion={VERSIONS['cni-plugins']}"
PARTS: dict[str, tuple[Program, ...]] = {
    "containerd": (
        *(
            Program(name, f"{_CONTAINERD}/cmd/{name}", linker=_CONTAINERD_LINKER)
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        ),
        # Its first process is C; seccomp comes from libseccomp, so it needs the C compiler.
        Program(
            "runc",
            "github.com/opencontainers/runc",
            tags="seccomp netgo osusergo",
            cgo=True,
            linker=_STATIC,
        ),
    ),
    # By itself: its shim does not compile against the API of the containerd above.
    "gvisor": (
        Program("runsc", "gvisor.dev/gvisor/runsc", linker=_RUNSC_LINKER),
        Program("containerd-shim-runsc-v1", "./shim"),
    ),
    # For nodes of Kubernetes clusters, whose containerd asks plugins for a pod's network.
    "cni": (
        Program("bridge", f"{_CNI}/plugins/main/bridge", linker=_CNI_LINKER),
        Program("host-local", f"{_CNI}/plugins/ipam/host-local", linker=_CNI_LINKER),
        Program("loopback", f"{_CNI}/plugins/main/loopback", linker=_CNI_LINKER),
        Program("portmap", f"{_CNI}/plugins/meta/portmap", linker=_CNI_LINKER),
    ),
    "silo": (
        Program("silo-logger", "./cmd/silo-logger"),
        Program("silo-init", "./cmd/silo-init"),
    ),
}


def find_built() -> Path | None:
    """Return the folder of the built engine, or None before it was built."""
    if not SOURCES.is_dir():
        return None
    folder = engine_folder()
    return folder if (folder / ".complete").exists() else None


def engine_folder() -> Path:
    """Return where the engine is, built or not; the name carries everything it is made of."""
    return CACHE / f"engine-{_digest(*(_key(part) for part in PARTS))}"


def build_engine(go: Path, work: Path | None = None) -> Path:
    """Build what is not there yet and return the engine's folder.

    The modules and compiled packages are kept in ``work``; without it, until all is built.

    Raises:
        BuildFailed: with the compiler's words.

    """
    folder = engine_folder()
    with _once(folder) as wanted:
        if wanted:
            # Outlives a failure, so that the second attempt need not compile all again.
            own = CACHE / ".go-engine"
            _collect([_build_part(part, go, work or own) for part in PARTS], folder)
            shutil.rmtree(own, ignore_errors=True)
    return folder


def _key(part: str) -> str:
    files = sorted(path for path in (SOURCES / part).rglob("*") if path.is_file())
    inputs = [repr(PARTS[part]), GO_VERSION, MACHINE]
    inputs += [f"{path.relative_to(SOURCES)}\n{path.read_text()}" for path in files]
    return _digest(*inputs)


def _digest(*inputs: str) -> str:
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


def _build_part(part: str, go: Path, work: Path) -> Path:
    folder = CACHE / f"engine-{part}-{_key(part)}"
    with _once(folder) as wanted:
        if not wanted:
            return folder
        print(f"building {folder.name}", flush=True)
        module = SOURCES / part
        for program in PARTS[part]:
            _compile(program, go, module, work, folder / "bin")
        if any(program.package.startswith("./") for program in PARTS[part]):
            # Our own code: an engine whose programs fail their tests is none.
            _run([go, "test", "./..."], module, {**_environment(work), "CGO_ENABLED": "0"})
        packages = [program.package for program in PARTS[part]]
        command: list[str | Path] = [go, "list", "-deps", "-f", licences.FORMAT, *packages]
        listed = _run(command, module, _environment(work))
        found = licences.gather(listed, folder / "licences")
        if any(program.cgo for program in PARTS[part]):
            found += licences.gather_libraries(folder / "licences")
        (folder / "licences.json").write_text(json.dumps(found, indent=1))
    return folder


def _compile(program: Program, go: Path, module: Path, work: Path, target: Path) -> None:
    environment = {**_environment(work), "CGO_ENABLED": "1" if program.cgo else "0"}
    tags = ["-tags", program.tags] if program.tags else []
    command: list[str | Path] = [go, "build", "-trimpath", *tags, "-ldflags", program.linker]
    _run([*command, "-o", target / program.name, program.package], module, environment)


def _environment(work: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-trimpath -modcacherw -buildvcs=false",
        "GOPATH": str(work),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    environment.pop("GOROOT", None)
    return environment


def _collect(parts: list[Path], folder: Path) -> None:
    (folder / "bin").mkdir()
    found: list[object] = []
    for part in parts:
        for path in sorted((part / "bin").iterdir()):
            os.link(path, folder / "bin" / path.name)
        shutil.copytree(part / "licences", folder / "licences", dirs_exist_ok=True)
        found += json.loads((part / "licences.json").read_text())
    (folder / "licences.json").write_text(json.dumps(found, indent=1))
    (folder / "versions.json").write_text(json.dumps(VERSIONS, indent=1))


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Give True to the one who has to fill the folder; the others wait until it is full."""
    done = folder / ".complete"
    if done.exists():
        yield False
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield True
        done.touch()


def _run(command: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = " ".join(map(str, command))
        raise BuildFailed(f"{words} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def main() -> None:
    """Build with the Go toolchain given and print where the engine is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("go", type=Path, help="the go command")
    parser.add_argument("--work", type=Path, help="where to keep modules and compiled packages")
    given = parser.parse_args()
    try:
        print(build_engine(given.go, given.work))
    except (BuildFailed, licences.NoLicence) as problem:
        sys.exit(f"building the engine failed: {problem}")


if __name__ == "__main__":
    main()
