"""What the runtime tells about containers: values, no behaviour."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

INSTANCE_LABEL = "silo.instance"
GROUP_LABEL = "silo.group"
CONTAINER_LABEL = "silo.container"


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password for a registry."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that the registry takes as it is."""

    token: str = field(repr=False)


Credentials = Callable[[str], Awaitable[Basic | Bearer | None]]
"""Called with the full reference, only when the registry asks who we are."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is; ``total`` grows while manifests are read."""

    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image on this machine, unpacked, ready to start."""

    reference: str
    digest: str
    """Of the manifest for this machine's architecture."""
    chain: str
    """Name of the snapshot that holds all its layers."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    user: str = ""
    workdir: str = "/"
    passwd: str = field(default="", repr=False)
    """``/etc/passwd`` of the image; names of users are looked up here, never in the machine's."""
    groups: str = field(default="", repr=False)


class Status(StrEnum):
    """Where a container's process stands."""

    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container's process ended."""

    code: int
    at: datetime | None
    oom: bool = False
    """The kernel killed it, or one of its processes, for want of memory."""


@dataclass(frozen=True, slots=True)
class Found:
    """A container that the runtime knows, whoever made it and whenever."""

    id: str
    labels: Mapping[str, str]
    status: Status
    pid: int = 0
    exit: Exit | None = None
    """Set when stopped, also when it ended while nobody watched."""
    made: datetime | None = None
    """When it was made; its program began a moment later."""

    @property
    def group(self) -> str:
        """The uid of the group it belongs to."""
        return self.labels.get(GROUP_LABEL, "")

    @property
    def name(self) -> str:
        """Its name in the group."""
        return self.labels.get(CONTAINER_LABEL, "")


@dataclass(frozen=True, slots=True)
class Stats:
    """What a container has used so far and uses now."""

    cpu_ns: int
    """Processor time since its start."""
    memory_bytes: int
    """Without the page cache that the kernel would give back at once."""
    memory_limit_bytes: int | None = None
    processes: int = 0
    throttled_ns: int = 0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something containerd told about a container."""

    topic: str
    """``start``, ``exit``, ``oom``, ``create``, ``delete``, ``exec-added``, …."""
    container_id: str
    at: datetime
    exit_code: int | None = None
    exec_id: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in characters."""

    columns: int = 80
    rows: int = 24
