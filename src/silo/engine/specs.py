"""What a container is told to be: OCI runtime-spec JSON from a plan; pure.

Source: runtime-spec 1.2, config.md and config-linux.md · capabilities(7) · user_namespaces(7).
A container of the process level has a user namespace of its own: its root is nobody on the
machine. Its network namespace belongs to the machine, so it can change nothing of its network.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import seccomp
from .containers import Image
from .errors import ContainerRefused
from .plans import ContainerPlan, Level
from .users import User, find_user

IDS = 65536
"""User and group ids of one group's containers."""
INIT = "/.silo/init"
SECRETS = "/.silo/environment"
CAPABILITIES = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
"""What root has inside; Docker's without making devices and raw packets."""
ADDABLE = frozenset({*CAPABILITIES, "CAP_IPC_LOCK", "CAP_SYS_NICE", "CAP_SYS_PTRACE"})
"""What a plan may ask for where the kernel is the machine's."""
MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys"),
    *("/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list"),
    *("/proc/timer_stats", "/sys/devices/system/cpu/cpu0/thermal_throttle"),
    *("/sys/devices/virtual/powercap", "/sys/firmware"),
)
READ_ONLY = (
    "/sys/fs/cgroup",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
)
SEEN = ("/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage")
"""What language run times read to size themselves; the rest of the machine's /sys stays outside."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PERIOD_US = 100_000
_SMALLEST_QUOTA_US = 1000
"""The kernel's least; a hundredth of a core."""
_PROCESSES = 4096
_FILES = 65536


@dataclass(frozen=True, slots=True)
class Place:
    """Where one container stands: what its group has given it."""

    instance: str
    group: str
    container_id: str
    level: Level
    netns: str
    hostname: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    """Small files of the group, inside → outside: ``/etc/hosts`` → ``/run/…``."""
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Name of a volume → its folder on this machine."""
    cpu: float | None = None
    """Cores that the group holds: the most a container without a limit may use."""
    memory_bytes: int | None = None
    """Memory that the group holds."""
    first_id: int = 0
    """What root inside is outside; 0: no user namespace (the sandbox keeps its own users)."""
    machine: str = ""
    """Architecture; empty is this machine's."""


def build_spec(plan: ContainerPlan, image: Image, place: Place) -> dict[str, Any]:
    """Return config.json of a container.

    Raises:
        ContainerRefused: the plan asks for what no container gets, or what the image lacks.

    """
    capabilities = _list_capabilities(plan, place.level)
    user = find_user(image, plan.security.run_as_user, plan.security.run_as_group)
    return {
        "ociVersion": "1.2.1",
        "hostname": place.hostname or plan.name,
        "process": _render_process(plan, image, user, capabilities),
        "root": {"path": "rootfs", "readonly": plan.security.read_only_root},
        "mounts": [*_system_mounts(place), *_file_mounts(place), *_volume_mounts(plan, place)],
        "linux": _render_linux(plan, place, capabilities),
        "annotations": {"silo.group": json.dumps(_render_limits(place))},
    }


def with_secrets(spec: dict[str, Any], init: str, secrets: str) -> dict[str, Any]:
    """Return the spec of a container whose program starts behind silo-init.

    Shape: ``init`` and ``secrets`` are files of this machine.
    """
    process = {**spec["process"], "args": [INIT, SECRETS, *spec["process"]["args"]]}
    mapped = any(entry["type"] == "user" for entry in spec["linux"]["namespaces"])
    files = [_bind(init, INIT, mapped), _bind(secrets, SECRETS, mapped)]
    return {**spec, "process": process, "mounts": [*spec["mounts"], *files]}


def with_most_files(spec: dict[str, Any], most: int) -> dict[str, Any]:
    """Return the spec with no more open files than this machine lets its services have."""
    limits = [
        {**limit, "hard": min(limit["hard"], most), "soft": min(limit["soft"], most)}
        if limit["type"] == "RLIMIT_NOFILE"
        else limit
        for limit in spec["process"]["rlimits"]
    ]
    return {**spec, "process": {**spec["process"], "rlimits": limits}}


def build_process(
    spec: dict[str, Any], args: tuple[str, ...], terminal: bool, env: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """Return the process spec of one more program in a running container."""
    process = spec["process"]
    prefix = process["args"][:2] if process["args"][:2] == [INIT, SECRETS] else []
    added = [*(("TERM", "xterm-256color"),) * terminal, *env]
    return {
        **process,
        "args": [*prefix, *args],
        "env": _merge(tuple(_split(line) for line in process["env"]), tuple(added)),
        "terminal": terminal,
    }


def _render_process(
    plan: ContainerPlan, image: Image, user: User, capabilities: list[str]
) -> dict[str, Any]:
    args = plan.command if plan.command is not None else (*image.entrypoint, *image.cmd)
    if not args:
        raise ContainerRefused("The image names no program to start, and neither does the group.")
    env = _merge((("PATH", PATH),), image.env, plan.environment)
    working_dir = plan.working_dir or image.workdir or "/"
    if any("\0" in text for text in (*args, *env, working_dir)):
        raise ContainerRefused("Commands and environment variables cannot hold a NUL byte.")
    # Whoever is not root has capabilities only through files, as everywhere on Linux.
    held = capabilities if user.uid == 0 else []
    return {
        "terminal": False,
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "umask": 0o022,
            "additionalGids": list(user.additional),
        },
        "args": list(args),
        "env": env,
        "cwd": working_dir if working_dir.startswith("/") else f"/{working_dir}",
        "capabilities": {"bounding": capabilities, "effective": held, "permitted": held},
        "noNewPrivileges": not plan.security.allow_privilege_escalation,
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": _FILES, "soft": _FILES}],
    }


def _list_capabilities(plan: ContainerPlan, level: Level) -> list[str]:
    added = {_capability(name) for name in plan.security.added_capabilities}
    dropped = {_capability(name) for name in plan.security.dropped_capabilities}
    if level is Level.PROCESS and (refused := added - ADDABLE):
        raise ContainerRefused(
            f"Containers of isolation level 'process' cannot have {', '.join(sorted(refused))}."
        )
    if "CAP_ALL" in dropped:
        return sorted(added - {"CAP_ALL"})
    return sorted({*CAPABILITIES, *added} - dropped - {"CAP_ALL"})


def _capability(name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith("CAP_") else f"CAP_{upper}"


def _merge(*layers: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the environment; a later layer wins and a name keeps its first place."""
    merged = {name: value for layer in layers for name, value in layer}
    return [f"{name}={value}" for name, value in merged.items()]


def _split(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value


def _system_mounts(place: Place) -> list[dict[str, Any]]:
    mounts = [
        _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount(
            *("/dev/pts", "devpts", "nosuid", "noexec", "newinstance"),
            *("ptmxmode=0666", "mode=0620", "gid=5"),
        ),
        _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),  # noqa: S108
        _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
    ]
    if place.first_id == 0:
        return [*mounts, _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro")]
    # sysfs shows the network namespace, which belongs to the machine: the kernel does not let
    # this user namespace mount it. These few folders are all that programs look for.
    return [
        *mounts,
        _mount("/sys", "tmpfs", "nosuid", "noexec", "nodev", "ro", "mode=755", "size=64k"),
        *(_bind(path, path, False, "noexec") for path in SEEN),
        _mount("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
    ]


def _mount(path: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": path, "type": kind, "source": kind, "options": list(options)}


def _bind(
    source: str, path: str, mapped: bool, *options: str, read_only: bool = True
) -> dict[str, Any]:
    words = ["rbind", "rprivate", "nosuid", "nodev", "ro" if read_only else "rw", *options]
    # Mapped: what root inside writes belongs to root on disk too, whatever ids the group has.
    return {
        "destination": path,
        "type": "bind",
        "source": source,
        "options": [*words, *(("idmap",) if mapped else ())],
    }


def _file_mounts(place: Place) -> list[dict[str, Any]]:
    return [
        _bind(outside, inside, False, "noexec") for inside, outside in sorted(place.files.items())
    ]


def _volume_mounts(plan: ContainerPlan, place: Place) -> list[dict[str, Any]]:
    mapped = place.first_id != 0
    return [
        _bind(place.volumes[mount.volume], mount.path, mapped, read_only=mount.read_only)
        # An outer folder first, or it would hide what is mounted inside it.
        for mount in sorted(plan.mounts, key=lambda mount: mount.path.rstrip("/").count("/"))
    ]


def _render_linux(plan: ContainerPlan, place: Place, capabilities: list[str]) -> dict[str, Any]:
    kinds = ("pid", "ipc", "uts", "mount", "cgroup")
    namespaces = [{"type": kind} for kind in kinds] + [{"type": "network", "path": place.netns}]
    linux: dict[str, Any] = {
        "namespaces": namespaces,
        "cgroupsPath": f"/silo/{place.instance}/{place.group}/{place.container_id}",
        "resources": _render_resources(plan, place),
        "maskedPaths": list(MASKED),
        "readonlyPaths": list(READ_ONLY),
        "seccomp": seccomp.render_seccomp(
            capabilities, plan.security.seccomp_profile, place.machine
        ),
    }
    if place.first_id:
        mapping = [{"containerID": 0, "hostID": place.first_id, "size": IDS}]
        namespaces.append({"type": "user"})
        linux |= {"uidMappings": mapping, "gidMappings": mapping}
    return linux


def get_quota(cpu: float) -> int:
    """Return the microseconds of processor time in each period that so many cores are."""
    return max(_SMALLEST_QUOTA_US, int(cpu * PERIOD_US))


def _render_limits(place: Place) -> dict[str, Any]:
    """Return what the whole group may use, for a sandbox that holds all of it."""
    limits: dict[str, Any] = {}
    if place.cpu:
        quota = get_quota(place.cpu)
        shares = max(2, int(place.cpu * 1024))
        limits["cpu"] = {"shares": shares, "period": PERIOD_US, "quota": quota}
    if place.memory_bytes:
        limits["memory"] = {"limit": place.memory_bytes, "swap": place.memory_bytes}
    return limits


def _render_resources(plan: ContainerPlan, place: Place) -> dict[str, Any]:
    cpu = plan.cpu_limit or place.cpu or plan.cpu
    memory = plan.memory_limit_bytes or place.memory_bytes or plan.memory_bytes
    resources: dict[str, Any] = {
        "devices": [{"allow": False, "access": "rwm"}],
        "pids": {"limit": _PROCESSES},
        "cpu": {
            "shares": max(2, int(plan.cpu * 1024)),
            "period": PERIOD_US,
            "quota": get_quota(cpu),
        },
    }
    if memory:
        # As much with swap as without: there is none.
        resources["memory"] = {"limit": memory, "swap": memory}
        if plan.memory_bytes:
            resources["memory"]["reservation"] = min(plan.memory_bytes, memory)
    return resources
