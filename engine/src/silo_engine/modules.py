"""Builds programs from Go modules, once per set of sources and flags.

A kit has parts; each part (a folder with a ``go.mod`` of its own) is built into the cache under the
hash of all that goes into it, and the kit's folder collects hard links to its parts. Whoever comes
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import licences

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "silo"
MACHINE = platform.machine()
PLATFORM_TAG = f"manylinux_2_17_{MACHINE}.musllinux_1_1_{MACHINE}"
"""Every program is linked statically, so any Linux of this architecture runs it."""
GO_VERSION = "1.27.3"
PLAIN = "-s -w"
"""What the linker is told when there is nothing else to tell it."""


class BuildFailed(Exception):
    """A kit could not be built; the text says what the compiler said."""


@dataclass(frozen=True, slots=True)
class Program:
    """One binary: its name, the Go package it comes from, and how it is built."""

    name: str
    package: str
    tags: str = ""
    cgo: bool = False
    linker: str = PLAIN


@dataclass(frozen=True, slots=True)
class Kit:
    """Programs that are built, tried and delivered together."""

    name: str
    label: str
    """What the folder of the whole is called: the name, perhaps with a version."""
    sources: Path
    parts: Mapping[str, tuple[Program, ...]]
    versions: Mapping[str, str]
    """What the modules pin; kept beside the programs."""

    @property
    def folder(self) -> Path:
        """Where the kit is, built or not; the name carries everything it is made of."""
        return CACHE / f"{self.label}-{_digest(*(self._key(part) for part in self.parts))}"

    def find(self) -> Path | None:
        """Return the folder of the built kit, or None before it was built."""
        if not self.sources.is_dir():
            return None
        return self.folder if (self.folder / ".complete").exists() else None

    def build(self, go: Path, work: Path | None = None) -> Path:
        """Build what is not there yet and return the kit's folder.

        The modules and compiled packages are kept in ``work``; without it, until all is built.

        Raises:
            BuildFailed: with the compiler's words.

        """
        folder = self.folder
        with _once(folder) as wanted:
            if wanted:
                # Outlives a failure, so that the second attempt need not compile all again.
                own = CACHE / f".go-{self.name}"
                self._collect([self._build_part(part, go, work or own) for part in self.parts])
                shutil.rmtree(own, ignore_errors=True)
        return folder

    def _key(self, part: str) -> str:
        files = sorted(path for path in (self.sources / part).rglob("*") if path.is_file())
        inputs = [repr(self.parts[part]), GO_VERSION, MACHINE]
        inputs += [f"{path.relative_to(self.sources)}\n{path.read_text()}" for path in files]
        return _digest(*inputs)

    def _build_part(self, part: str, go: Path, work: Path) -> Path:
        folder = CACHE / f"{self.name}-{part}-{self._key(part)}"
        with _once(folder) as wanted:
            if not wanted:
                return folder
            print(f"building {folder.name}", flush=True)
            module, programs = self.sources / part, self.parts[part]
            for program in programs:
                _compile(program, go, module, work, folder / "bin")
            if any(program.package.startswith("./") for program in programs):
                # Our own code: a kit whose programs fail their tests is none.
                _run([go, "test", "./..."], module, {**environment(work), "CGO_ENABLED": "0"})
            packages = [program.package for program in programs]
            command: list[str | Path] = [go, "list", "-deps", "-f", licences.FORMAT, *packages]
            listed = _run(command, module, environment(work))
            found = licences.gather(listed, folder / "licences")
            if any(program.cgo for program in programs):
                found += licences.gather_libraries(folder / "licences")
            (folder / "licences.json").write_text(json.dumps(found, indent=1))
        return folder

    def _collect(self, parts: list[Path]) -> None:
        folder = self.folder
        (folder / "bin").mkdir()
        found: list[object] = []
        for part in parts:
            for path in sorted((part / "bin").iterdir()):
                os.link(path, folder / "bin" / path.name)
            shutil.copytree(part / "licences", folder / "licences", dirs_exist_ok=True)
            found += json.loads((part / "licences.json").read_text())
        (folder / "licences.json").write_text(json.dumps(found, indent=1))
        (folder / "versions.json").write_text(json.dumps(dict(self.versions), indent=1))


def build_here(kit: Kit) -> None:
    """Build with the Go toolchain that the command line names and print where the kit is."""
    parser = argparse.ArgumentParser(description=f"Builds {kit.label}.")
    parser.add_argument("go", type=Path, help="the go command")
    parser.add_argument("--work", type=Path, help="where to keep modules and compiled packages")
    given = parser.parse_args()
    try:
        print(kit.build(given.go, given.work))
    except (BuildFailed, licences.NoLicence) as problem:
        sys.exit(f"building {kit.label} failed: {problem}")


def _digest(*inputs: str) -> str:
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:12]


def _compile(program: Program, go: Path, module: Path, work: Path, target: Path) -> None:
    variables = {**environment(work), "CGO_ENABLED": "1" if program.cgo else "0"}
    tags = ["-tags", program.tags] if program.tags else []
    # As the go command calls what it makes of a package's tests.
    verb = ["test", "-c"] if program.name.endswith(".test") else ["build"]
    command: list[str | Path] = [go, *verb, "-trimpath", *tags, "-ldflags", program.linker]
    _run([*command, "-o", target / program.name, program.package], module, variables)


def environment(work: Path) -> dict[str, str]:
    """Return the environment of the go command, which keeps all that it makes in one folder."""
    variables = {
        **os.environ,
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "-trimpath -modcacherw -buildvcs=false",
        "GOPATH": str(work),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    variables.pop("GOROOT", None)
    return variables


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
