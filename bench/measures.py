"""What is measured: each measure, how it is taken once, and what it has to be."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from .clients import Rate, run_curls, run_wrk
from .pusher import run_pushes
from .report import Row, Target
from .session import LARGE_BYTES, REPOSITORY, TAG, Session
from .target import Target as Server

CLIENTS = 8
_MANIFEST = f"/v2/{REPOSITORY}/manifests/{TAG}"


@dataclass(frozen=True, slots=True)
class Scale:
    """How long and how often."""

    runs: int
    wrk_s: float
    large_bytes: int
    pushes_1mib: int
    """By each client."""
    pushes_1kib: int
    mixed_s: float
    repositories: int


FULL = Scale(
    runs=3,
    wrk_s=8,
    large_bytes=LARGE_BYTES,
    pushes_1mib=60,
    pushes_1kib=150,
    mixed_s=600,
    repositories=10_000,
)
QUICK = Scale(
    runs=1,
    wrk_s=2,
    large_bytes=2**26,
    pushes_1mib=10,
    pushes_1kib=30,
    mixed_s=30,
    repositories=200,
)


@dataclass(frozen=True, slots=True)
class Load:
    """A measure of serving: run against one registry, then the other, several times."""

    name: str
    unit: str
    tls: bool
    target: Target | None
    run: Callable[[Session, Server, Scale], Rate | float]
    with_peer: bool = True


def _get_manifest(_session: Session, server: Server, scale: Scale) -> Rate:
    return run_wrk(server, _MANIFEST, server.sign_in(REPOSITORY, "pull"), scale.wrk_s)


def _get_large(session: Session, server: Server, scale: Scale) -> float:
    path = f"/v2/{REPOSITORY}/blobs/{session.large_digest}"
    token = server.sign_in(REPOSITORY, "pull")
    return run_curls(server, path, token, clients=CLIENTS, size=scale.large_bytes)


def _push_1mib(_session: Session, server: Server, scale: Scale) -> Rate:
    return run_pushes(server, "bench/pushed", size=2**20, clients=CLIENTS, count=scale.pushes_1mib)


def _push_1kib(_session: Session, server: Server, scale: Scale) -> Rate:
    return run_pushes(server, "bench/small", size=2**10, clients=CLIENTS, count=scale.pushes_1kib)


def _get_group(session: Session, server: Server, scale: Scale) -> Rate:
    return run_wrk(server, session.group_path, server.sign_in("", ""), scale.wrk_s)


LOADS = (
    Load("registry.manifest_get", "requests/s", False, Target("ratio", 10), _get_manifest),
    Load("registry.blob_get_1gib_x8", "MiB/s", False, Target("ratio", 1.2), _get_large),
    Load("registry.blob_push_1mib_x8", "blobs/s", False, Target("ratio", 2), _push_1mib),
    Load("registry.blob_push_1kib_x8", "blobs/s", False, None, _push_1kib),
    Load("arm.get", "requests/s", False, Target("silo", 2000), _get_group, with_peer=False),
    Load("registry.manifest_get_tls", "requests/s", True, None, _get_manifest),
    Load("registry.blob_get_1gib_x8_tls", "MiB/s", True, Target("ratio", 1), _get_large),
    Load("registry.blob_push_1mib_x8_tls", "blobs/s", True, None, _push_1mib),
    Load("arm.get_tls", "requests/s", True, None, _get_group, with_peer=False),
)


def take(load: Load, session: Session, scale: Scale) -> Row:
    """Take one measure several times, both servers in turn; return the medians."""
    session.open(tls=load.tls)
    servers = session.targets if load.with_peer else (session.arm_target,)
    found: dict[str, list[Rate | float]] = {server.name: [] for server in servers}
    for number in range(scale.runs):
        for server in servers if number % 2 else reversed(servers):
            found[server.name].append(load.run(session, server, scale))
    more: dict[str, object] = {}
    middles: dict[str, float] = {}
    for name, taken in found.items():
        rates = [one for one in taken if isinstance(one, Rate)]
        if rates:
            middle = sorted(rates, key=lambda one: one.per_s)[len(rates) // 2]
            more[f"{name}_p50_p99_ms"] = [round(middle.p50_ms, 3), round(middle.p99_ms, 3)]
        values = [one.per_s if isinstance(one, Rate) else one for one in taken]
        middles[name] = statistics.median(values)
        more[f"{name}_runs"] = [round(value, 1) for value in values]
    return Row(load.name, middles["silo"], middles.get("peer"), load.unit, load.target, more)
