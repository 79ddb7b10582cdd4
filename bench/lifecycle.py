"""Measures of being there: starting, starting after a crash, memory at rest and under load."""

import statistics
import time
from collections.abc import Callable

from .clients import run_wrk
from .images import copy_repositories, create_repositories, push_image
from .measures import Scale
from .pusher import run_pushes
from .report import Row, Target
from .session import REPOSITORY, TAG, Session

SETTLE_S = 5.0
MIB = 2**20
WARM_UP_SHARE = 0.25
"""The first quarter of the mixed load fills caches and arenas; growth counts from there."""


def idle_memory(session: Session, _scale: Scale) -> list[Row]:
    """Weigh both as they are after a start and one sign-in, TLS on."""
    session.close()
    session.open(tls=True)
    session.silo.sign_in()
    time.sleep(SETTLE_S)
    sizes = [target.sum_pss_bytes() / MIB for target in session.targets]
    names = sorted(session.silo.list_processes().values())
    return [
        Row(
            "memory.idle_pss",
            *sizes,
            "MiB (less is better)",
            Target("silo", 200, at_most=True),
            {"silo_processes": names},
        )
    ]


def loaded_memory(session: Session, _scale: Scale) -> list[Row]:
    """Weigh both after everything measured over TLS."""
    sizes = [target.sum_pss_bytes() / MIB for target in session.targets]
    return [Row("memory.after_load_pss", *sizes, "MiB (less is better)")]


def growth(session: Session, scale: Scale) -> list[Row]:
    """Mix pulls, pushes, sign-ins and ARM writes for minutes; see whether memory grows."""
    session.open(tls=True)
    silo, _ = session.targets
    samples: list[float] = []
    start = time.perf_counter()
    number = 0
    while time.perf_counter() - start < scale.mixed_s:
        number += 1
        _mix(session, number)
        samples.append(silo.sum_pss_bytes() / MIB)
    first = samples[int(len(samples) * WARM_UP_SHARE) :]
    share = max(1, len(first) // 5)
    early, late = statistics.median(first[:share]), statistics.median(first[-share:])
    more = {
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "early_mib": round(early, 1),
        "late_mib": round(late, 1),
        "highest_mib": round(max(samples), 1),
        "rounds": number,
    }
    return [Row("memory.growth", late - early, None, "MiB", Target("silo", 10, at_most=True), more)]


def _mix(session: Session, number: int) -> None:
    silo, _ = session.targets
    token = session.silo.sign_in()
    group = f"mixed{number % 20}"
    session.silo.create_group(group, token)
    url = session.silo.group_url(group)
    session.silo.once("GET", url, token=token).expect(200)
    push_image(silo, f"mixed/{number % 20}", f"v{number}", [b"%d" % number])
    run_pushes(silo, "bench/pushed", size=2**20, clients=4, count=5)
    run_pushes(silo, "bench/small", size=2**10, clients=4, count=10)
    path = f"/v2/{REPOSITORY}/manifests/{TAG}"
    run_wrk(silo, path, silo.sign_in(REPOSITORY, "pull"), 2)
    run_wrk(session.arm_target, session.group_path, token, 1)


def warm_start(session: Session, scale: Scale) -> list[Row]:
    """Time ``silo up`` on a state that has been up before, to the first answer."""
    times: list[list[float]] = [[], []]
    session.open(tls=True)
    for _ in range(scale.runs):
        for server, found in zip((session.silo, session.peer), times, strict=True):
            server.stop()
            found.append(server.start())
    return [
        Row(
            "start.warm",
            *map(statistics.median, times),
            "s (less is better)",
            Target("silo", 2, at_most=True),
        )
    ]


def start_after_kill(session: Session, scale: Scale) -> list[Row]:
    """Time the start after kill -9 of everything, with thousands of repositories."""
    session.open(tls=False)
    silo, peer = session.targets
    names = [f"many/r{number:05}" for number in range(scale.repositories)]
    before = time.perf_counter()
    create_repositories(silo, names)
    made_per_s = len(names) / (time.perf_counter() - before)
    push_image(peer, "many/source", "v1", [])
    copy_repositories(session.peer.storage, "many/source", names)
    session.open(tls=True)
    times: list[list[float]] = [[], []]
    for _ in range(scale.runs):
        for server, found in zip((session.silo, session.peer), times, strict=True):
            server.kill()
            found.append(server.start())
    for target in session.targets:
        # The last one is there: what was timed is a start with all of them, not an empty one.
        run_wrk(target, f"/v2/{names[-1]}/manifests/v1", target.sign_in(names[-1], "pull"), 1)
    more = {"repositories": len(names), "silo_repositories_created_per_s": round(made_per_s, 1)}
    return [
        Row(
            "start.after_kill_10000_repositories",
            *map(statistics.median, times),
            "s (less is better)",
            Target("silo", 1, at_most=True),
            more,
        )
    ]


BEFORE_LOADS: dict[str, Callable[[Session, Scale], list[Row]]] = {
    "memory.idle_pss": idle_memory,
    "start.warm": warm_start,
}
AFTER_LOADS: dict[str, Callable[[Session, Scale], list[Row]]] = {
    "memory.after_load_pss": loaded_memory,
    "memory.growth": growth,
    "start.after_kill_10000_repositories": start_after_kill,
}
