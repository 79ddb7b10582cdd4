"""What a group of containers shall be: plain values, handed to the engine by whoever asks.

Secrets are in the clear here and only here; a plan is never printed, logged or stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

Protocol = Literal["TCP", "UDP"]
Wanted = Literal["running", "stopped"]


class Level(StrEnum):
    """How far a group is kept from the machine and from its neighbours, weakest first."""

    PROCESS = "process"
    """The kernel's own namespaces (runc)."""
    SANDBOX = "sandbox"
    """A kernel in user space (gVisor)."""
    HYPERVISOR = "hypervisor"
    """A virtual machine (Kata)."""

    @property
    def strength(self) -> int:
        """The place in the order, weakest first."""
        return list(Level).index(self)


class Restart(StrEnum):
    """What happens when a container ends by itself."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a container or a group listens on."""

    protocol: Protocol
    number: int


@dataclass(frozen=True, slots=True)
class Balanced:
    """An address that several groups of a router answer for; each connection goes to one."""

    address: str
    """Of the public pool, or of the router's own space."""
    ports: tuple[Port, ...]
    members: tuple[str, ...]
    """Their uids."""


@dataclass(frozen=True, slots=True)
class HttpGet:
    """A probe's request; a status from 200 to 399 is well."""

    path: str
    port: int
    scheme: Literal["http", "https"] = "http"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """How to find out whether a container is well; one of ``command`` and ``http`` is set."""

    command: tuple[str, ...] | None = None
    http: HttpGet | None = None
    initial_delay_s: int = 0
    period_s: int = 10
    failure_threshold: int = 3
    success_threshold: int = 1
    timeout_s: int = 1


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a container sees a volume of the group."""

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Security:
    """What a container may do; ``None`` is what the image says."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    allow_privilege_escalation: bool = False
    read_only_root: bool = False
    added_capabilities: tuple[str, ...] = ()
    dropped_capabilities: tuple[str, ...] = ()
    seccomp_profile: str | None = None
    """JSON as Docker and Azure take it; ``None`` is the default profile."""


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """One container of a group."""

    name: str
    image: str
    """As it was given: ``nginx``, ``one.azurecr.io/web:1``, ``…@sha256:…``."""
    command: tuple[str, ...] | None = None
    """Replaces entry point and arguments; ``None`` is what the image says."""
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Environment that is never to be found on disk in the clear."""
    working_dir: str | None = None
    cpu: float = 1.0
    """Cores that are held for it."""
    memory_bytes: int = 0
    cpu_limit: float | None = None
    """Cores it may use at most; ``None`` is what the group holds."""
    memory_limit_bytes: int | None = None
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    liveness: Probe | None = None
    readiness: Probe | None = None
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True)
class EmptyDir:
    """A folder that lives as long as the group."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Files that are kept in memory only."""

    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GitRepo:
    """A folder filled from a repository when the group starts."""

    repository: str
    directory: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A folder of this machine that outlives the group."""

    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """A volume that containers of the group may mount by its name."""

    name: str
    source: EmptyDir | Secret | GitRepo | Share


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """How a group is reached."""

    router: str = "default"
    """``default``, or the uid of the virtual network."""
    address: str | None = None
    """The private address that is wanted; ``None`` is any free one."""
    subnet: str | None = None
    """As ``10.0.1.0/24``."""
    ipv6: str | None = None
    """The address of version 6 that it has besides, in a virtual network."""
    public_address: str | None = None
    ports: tuple[Port, ...] = ()
    """What is published on the public address, and nothing else."""
    hostname: str = ""
    dns_servers: tuple[str, ...] = ()
    """Empty: the engine's own resolver."""
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Full names under which the group is found by others."""
    owner: Path | None = None
    """The user namespace that administers the group's network; ``None`` is the machine's."""


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """One group: containers that share a network namespace, volumes and a life."""

    uid: str
    generation: int
    """A greater one replaces what runs."""
    name: str
    level: Level = Level.SANDBOX
    restart: Restart = Restart.ALWAYS
    init: tuple[ContainerPlan, ...] = ()
    """Run one after another to their end, before the others start."""
    containers: tuple[ContainerPlan, ...] = ()
    volumes: tuple[VolumePlan, ...] = ()
    network: NetworkPlan = field(default_factory=NetworkPlan)
    wanted: Wanted = "running"
