"""How much a subscription may have, and how much the machine can hold. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from silo import engine

from . import errors
from .properties import ContainerGroup, GpuResource
from .wish import Wish

GIB = 1 << 30
_KEPT_BACK_BYTES = 256 << 20
"""For Silo and the machine."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one subscription may have; Azure's defaults."""

    groups: int = 100
    cores: float = 100.0


@dataclass(frozen=True, slots=True)
class Held:
    """What groups hold, or one asks for."""

    groups: int = 0
    cpu: float = 0.0
    memory_gb: float = 0.0
    own_bytes: int = 0
    """Memory that sandboxes take for themselves, beside their groups'."""

    def __add__(self, other: "Held") -> "Held":
        return Held(
            self.groups + other.groups,
            self.cpu + other.cpu,
            self.memory_gb + other.memory_gb,
            self.own_bytes + other.own_bytes,
        )


def measure_group(group: ContainerGroup, wish: Wish) -> Held:
    """Return what a group holds; a stopped one no cpu and no memory."""
    if wish.wanted == "stopped":
        return Held(groups=1)
    requests = [
        one.properties.resources.requests
        for one in group.containers
        if one.properties.resources and one.properties.resources.requests
    ]
    return Held(
        1,
        round(sum(one.cpu or 0.0 for one in requests), 3),
        round(sum(one.memory_in_gb or 0.0 for one in requests), 3),
        engine.SANDBOX_BYTES if wish.level == engine.Level.SANDBOX else 0,
    )


def check_quota(location: str, quota: Quota, held: Held, asked: Held) -> None:
    """Hold a subscription to its share.

    Raises:
        ContainerGroupQuotaReached: naming the quota.

    """
    for name, limit, used, more in (
        ("ContainerGroups", quota.groups, held.groups, asked.groups),
        ("StandardCores", quota.cores, held.cpu, asked.cpu),
    ):
        if used + more > limit:
            raise errors.ContainerGroupQuotaReached(name, location, limit, used, more)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a machine may promise to groups."""

    machine: engine.Capacity
    cpu_overcommit: float
    """Times that each core is promised; memory is promised once only."""

    def has_room(self, held: Held, asked: Held) -> bool:
        """Tell whether a group fits beside what is held already, and on the machine at all."""
        total = held + asked
        memory_bytes = max(0, self.machine.memory_bytes - _KEPT_BACK_BYTES)
        return (
            asked.cpu <= self.machine.cores
            and total.cpu <= self.machine.cores * self.cpu_overcommit
            and total.memory_gb * GIB + total.own_bytes <= memory_bytes
        )


def check_capacity(
    location: str, promise: Promise, group: ContainerGroup, held: Held, asked: Held
) -> None:
    """Refuse what the machine has not, or cannot hold beside what it holds already.

    Raises:
        ServiceUnavailable: in Azure's words.

    """
    windows = (group.os_type or "").casefold() == "windows"
    gpus = list(_iterate_gpus(group))
    if windows or gpus or not promise.has_room(held, asked):
        words = [
            f"'{asked.cpu:g}' CPU '{asked.memory_gb:g}' GB memory",
            f"'{'Windows' if windows else 'Linux'}' OS",
            *(f"'{one.count}' '{one.sku}' GPU" for one in gpus),
            *(["virtual network"] if group.subnet_ids else []),
        ]
        raise errors.ServiceUnavailable(location, " ".join(words))


def _iterate_gpus(group: ContainerGroup) -> Iterator[GpuResource]:
    for container in group.containers:
        resources = container.properties.resources
        for amount in (resources.requests, resources.limits) if resources else ():
            if amount is not None and amount.gpu is not None and amount.gpu.count:
                yield amount.gpu


def render_usages(
    subscription: str, location: str, quota: Quota, held: Held
) -> list[dict[str, object]]:
    """Return how much of its share a subscription has used, as Azure shows it."""
    rows = (
        ("ContainerGroups", "Container Groups", quota.groups, held.groups),
        ("StandardCores", "Standard Cores", quota.cores, held.cpu),
    )
    place = (
        f"/subscriptions/{subscription}/providers/Microsoft.ContainerInstance/locations/{location}"
    )
    return [
        {
            "id": f"{place}/usages/{name}",
            "unit": "Count",
            "currentValue": int(-(-used // 1)),
            "limit": int(limit),
            "name": {"value": name, "localizedValue": text},
        }
        for name, text, limit, used in rows
    ]
