"""``python -m bench.containers``: container groups beside Debian's docker and podman."""

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from .instance import Instance
from .machines import PORT, SINK, Engine, Machine, Silo, docker, podman
from .processes import wait_until
from .report import Row, Target, save, show

LEVELS = ("process", "sandbox")
IDLE = 6
"""Containers that memory is shared out among."""
SETTLE_S = 5.0
CHUNK = bytes(1 << 20)


def main() -> int:
    """Measure; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.containers", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="starts measured of each")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--level", action="append", choices=LEVELS)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--name", default=os.uname().nodename, help="of the file in bench/results")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    wanted = parser.parse_args()
    if os.geteuid() != 0:
        parser.exit(2, "containers need root\n")
    folder = Path(tempfile.mkdtemp(prefix="silo-bench-", dir=wanted.folder))
    rows: list[Row] = []
    try:
        for row in _measure(folder, wanted):
            rows.append(row)
            print(f"  {row.measure}: {row.silo:,.2f} / {row.peer or 0:,.2f} {row.unit}", flush=True)
            save(wanted.name, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(rows, "Container groups beside docker")
    return int(any(row.target is not None and not row.target.is_met(row) for row in rows))


def _measure(folder: Path, wanted: argparse.Namespace) -> Iterator[Row]:
    instance = Instance(folder / "silo", tls=True)
    with ExitStack() as stack:
        stack.callback(instance.stop)
        instance.start()
        # Groups outlive Silo; those of a measure that was cut short must not stay behind.
        stack.callback(instance.silo, "down", "--groups", check=False)
        peers = (
            stack.enter_context(docker(folder)),
            stack.enter_context(podman(folder)),
        )
        silos = [Silo(instance, level) for level in wanted.level or LEVELS]
        silos[0].push()
        for measure in (_starts, _at_once, _exec, _memory, _throughput):
            name = measure.__name__.strip("_")
            if not wanted.only or name in wanted.only:
                yield from measure(silos, peers, wanted)


def _starts(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time from the order to the first process, the image being there; in turn."""
    machines: list[Machine] = [*silos, *peers]
    found: dict[str, list[float]] = {machine.name: [] for machine in machines}
    for number in range(wanted.runs + 1):
        for machine in machines:
            start = time.perf_counter()
            machine.run(f"start{number}")
            taken = time.perf_counter() - start
            machine.remove(f"start{number}")
            if number:  # the first one fetches the image and warms up
                found[machine.name].append(taken * 1000)
    yield from _compare("containers.start", found, silos, {"process": 1 / 3, "sandbox": 2 / 3})


def _at_once(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time until all of many run, eight clients ordering."""
    found: dict[str, list[float]] = {}
    names = [f"many{number}" for number in range(wanted.at_once)]
    # So many sandboxes want more processor than a small machine has to promise.
    silos = [silo for silo in silos if silo.name == "silo process"]
    for silo in silos:
        silo.cpu = 0.02
    for machine in (*silos, peers[0]):
        with ThreadPoolExecutor(8) as pool:
            start = time.perf_counter()
            list(pool.map(machine.run, names))
            found[machine.name] = [(time.perf_counter() - start) * 1000]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(machine.remove, names))
    name = f"containers.start_{wanted.at_once}"
    yield from _compare(name, found, silos, {"process": 1 / 3})


def _exec(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time to the first byte of a program started in a running container."""
    found: dict[str, list[float]] = {}
    for silo in silos:
        silo.cpu = 0.5
    for machine in (*silos, peers[0]):
        machine.run("exec")
        machine.execute("exec")
        found[machine.name] = [machine.execute("exec") * 1000 for _ in range(wanted.runs)]
        machine.remove("exec")
    yield from _compare("containers.exec_first_byte", found, silos, {}, most=150)


def _memory(
    silos: list[Silo], peers: tuple[Engine, Engine], _wanted: argparse.Namespace
) -> Iterator[Row]:
    """Weigh what each container adds, its own program left out."""
    found: dict[str, list[float]] = {}
    for silo in silos:
        silo.cpu = 0.1
    for machine in (*silos, peers[0]):
        before = machine.sum_pss_bytes()
        for number in range(IDLE):
            machine.run(f"idle{number}")
        time.sleep(SETTLE_S)
        found[machine.name] = [(machine.sum_pss_bytes() - before) / IDLE / 2**20]
        for number in range(IDLE):
            machine.remove(f"idle{number}")
    for row in _compare("containers.idle_pss", found, silos, {"process": 1.0}):
        yield Row(row.measure, row.silo, row.peer, "MiB each", row.target, row.more)


def _throughput(
    silos: list[Silo], peers: tuple[Engine, Engine], _wanted: argparse.Namespace
) -> Iterator[Row]:
    """Send from the host into a container for some seconds."""
    found: dict[str, float] = {}
    for silo in silos:
        silo.cpu = 1
    for machine in (*silos, peers[0]):
        machine.run("sink", SINK)
        found[machine.name] = statistics.median(_send(machine.address("sink")) for _ in range(3))
        machine.remove("sink")
    docker_rate = found[peers[0].name]
    for silo in silos:
        target = Target("ratio", 0.9) if silo.name == "silo process" else None
        name = f"containers.throughput_{silo.name.removeprefix('silo ')}"
        yield Row(name, found[silo.name], docker_rate, "MiB/s", target)


def _send(address: str, seconds: float = 4.0) -> float:
    """Return MiB/s that arrived; the sink tells how much it was."""

    def reachable() -> bool:
        try:
            socket.create_connection((address, PORT), 1).close()
        except OSError:
            return False
        return True

    wait_until(reachable, 20, f"the sink at {address}")
    with socket.create_connection((address, PORT), 5) as link:
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            link.sendall(CHUNK)
        link.shutdown(socket.SHUT_WR)
        link.settimeout(60)
        arrived = int(link.recv(100) or b"0")
        return arrived / 2**20 / (time.perf_counter() - start)


def _compare(
    name: str,
    found: dict[str, list[float]],
    silos: list[Silo],
    limits: dict[str, float],
    most: float | None = None,
) -> Iterator[Row]:
    medians = {who: statistics.median(values) for who, values in found.items()}
    for silo in silos:
        level = silo.name.removeprefix("silo ")
        target = Target("ratio", limits[level], at_most=True) if level in limits else None
        if most is not None:
            target = Target("silo", most, at_most=True)
        more = {f"{who.replace(' ', '_')}_p50": round(value, 1) for who, value in medians.items()}
        more["runs"] = len(found[silo.name])
        yield Row(
            f"{name}_{level}",
            medians[silo.name],
            medians["docker"],
            "ms (less is better)",
            target,
            more,
        )


if __name__ == "__main__":
    sys.exit(main())
