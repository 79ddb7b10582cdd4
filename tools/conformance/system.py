"""The small Debian that the tests' images stand on, put together from this machine's mirror."""

import shutil
import subprocess
import tarfile
from pathlib import Path

from tools.strangers import CACHE, SetupFailed, find_command

PACKAGES = (
    *("bash-static", "busybox-static", "ca-certificates", "curl", "dnsutils"),
    *("iperf", "iproute2", "netcat-openbsd", "nginx-light", "wget"),
)
SHELL, TOOLS = "bin/bash-static", "bin/busybox"
_REVISION = 2
"""Of what is done to it afterwards."""
_LEFT_OUT = (
    *(
        "boot",
        "dev",
        "proc",
        "sys",
        "run",
        "debootstrap",
        "var/cache",
        "var/lib/apt",
        "var/log/apt",
    ),
    *("usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man"),
)
_PEOPLE = {
    "etc/passwd": "user-defined-in-image:x:1000:1000::/home:/bin/sh\n",
    "etc/group": "user-defined-in-image:x:1000:\n"
    "group-defined-in-image:x:50000:user-defined-in-image\n",
}
"""Whom a spec of supplemental groups looks for in agnhost's image."""


def find_folder() -> Path:
    """Return where the system is, made or not."""
    return CACHE / f"conformance-system-{_find_release()}-{_REVISION}"


def build(folder: Path) -> None:
    """Make ``system.tar``, and beside it the two static programs that are images of their own."""
    root = folder / "root"
    bootstrap = find_command("debootstrap") or "debootstrap"
    include = f"--include={','.join(PACKAGES)}"
    command = [bootstrap, "--variant=minbase", include, _find_release(), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupFailed(f"debootstrap ended with {done.returncode}:\n{done.stdout[-2000:]}")
    for name in (SHELL, TOOLS):
        shutil.copy2(root / name, folder / Path(name).name)
    for name, lines in _PEOPLE.items():
        with (root / name).open("a") as file:
            file.write(lines)
    _tame_nginx(root)
    with tarfile.open(folder / "system.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(root, arcname="", filter=_choose)
    shutil.rmtree(root)


def _find_release() -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    return told.get("VERSION_CODENAME", "stable").strip('"')


def _tame_nginx(root: Path) -> None:
    """Have it say what it does where a container is heard, and listen where there is a network."""
    for name, target in {"access.log": "stdout", "error.log": "stderr"}.items():
        path = root / "var" / "log" / "nginx" / name
        path.unlink(missing_ok=True)
        path.symlink_to(f"/dev/{target}")
    site = root / "etc" / "nginx" / "sites-available" / "default"
    lines = site.read_text().splitlines(keepends=True)
    site.write_text("".join(line for line in lines if "listen [::]" not in line))


def _choose(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    # The folders stay: a container's devices and filesystems are mounted there.
    left_out = any(entry.name.startswith(f"{name}/") for name in _LEFT_OUT)
    return None if left_out else entry
