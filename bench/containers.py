"""``python -m bench.containers``: container groups beside Debian's docker and podman."""

import argparse
import math
import os
import shutil
import signal
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
from .machines import PORT, SINK, SOURCE, Engine, Machine, Silo, docker, podman, read_start
from .processes import wait_until
from .report import Row, Target, save, show

LEVELS = ("process", "sandbox")
IDLE = 6
"""Containers that memory is shared out among."""
SETTLE_S = 5.0
FLOW_S = 2.0
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
    # Whoever ends it early finds the machine as it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
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
        for measure in (_starts, _exec, _memory, _throughput, _at_once):
            name = measure.__name__.strip("_")
            if not wanted.only or name in wanted.only:
                yield from measure(silos, peers, wanted)


def _starts(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time from the order to the first process, by its own word, the image being there; in turn."""
    machines: list[Machine] = [*silos, *peers]
    told: dict[str, list[float]] = {machine.name: [] for machine in machines}
    answered: dict[str, list[float]] = {machine.name: [] for machine in machines}
    for number in range(wanted.runs + 1):
        for machine in machines:
            name = f"start{number}"
            start = time.clock_gettime(time.CLOCK_REALTIME)
            machine.run(name)
            seen = time.clock_gettime(time.CLOCK_REALTIME)
            spoke = read_start(machine, name)
            machine.remove(name)
            if number:  # the first one fetches the image and warms up
                told[machine.name].append((spoke - start) * 1000)
                answered[machine.name].append((seen - start) * 1000)
    more = {f"{_key(who)}_answered_p50": _round(at(ms, 0.5)) for who, ms in answered.items()}
    ratios = {"process": 1 / 3, "sandbox": 2 / 3}
    for silo in silos:
        yield _compare("containers.start", told, silo, _most(silo, ratios), more=more)
        limit = Target("silo", 500, at_most=True) if _level(silo) == "process" else None
        yield _compare("containers.answer", answered, silo, limit)


def _at_once(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time until all of many run, eight clients ordering."""
    names = [f"many{number}" for number in range(wanted.at_once)]
    found: dict[str, list[float]] = {}
    # So many kernels want more processor than a small machine has to promise.
    silos = [silo for silo in silos if _level(silo) == "process"]
    for silo in silos:
        silo.cpu = 0.02
        # Eight that ask two hundred times a second would take half of a small machine.
        silo.every_s = 0.05
    # Debian's podman gets stuck when several of it start containers.
    for machine in (*silos, peers[0]):
        with ThreadPoolExecutor(8) as pool:
            start = time.perf_counter()
            list(pool.map(machine.run, names))
            found[machine.name] = [(time.perf_counter() - start) * 1000]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(machine.remove, names))
    for silo in silos:
        name = f"containers.start_{wanted.at_once}"
        yield _compare(name, found, silo, _most(silo, {"process": 1 / 3}))


def _exec(
    silos: list[Silo], peers: tuple[Engine, Engine], wanted: argparse.Namespace
) -> Iterator[Row]:
    """Time to the first byte of a program started in a running container."""
    found: dict[str, list[float]] = {}
    for silo in silos:
        silo.cpu = 0.5
    for machine in (*silos, *peers):
        machine.run("exec")
        machine.execute("exec")
        found[machine.name] = [machine.execute("exec") * 1000 for _ in range(wanted.runs)]
        machine.remove("exec")
    for silo in silos:
        limit = Target("silo", 150, at_most=True)
        yield _compare("containers.exec_first_byte", found, silo, limit)


def _memory(
    silos: list[Silo], peers: tuple[Engine, Engine], _wanted: argparse.Namespace
) -> Iterator[Row]:
    """Weigh what each container adds, its own program left out."""
    found: dict[str, list[float]] = {}
    for silo in silos:
        silo.cpu = 0.1
    for machine in (*silos, *peers):
        # What the first of all brings along is not one group's.
        machine.run("first")
        machine.remove("first")
        time.sleep(SETTLE_S)
        before = machine.sum_pss_bytes()
        for number in range(IDLE):
            machine.run(f"idle{number}")
        time.sleep(SETTLE_S)
        found[machine.name] = [(machine.sum_pss_bytes() - before) / IDLE / 2**20]
        for number in range(IDLE):
            machine.remove(f"idle{number}")
    for silo in silos:
        limit = _most(silo, {"process": 1.0})
        yield _compare("containers.idle_pss", found, silo, limit, unit="MiB each (less is better)")


def _throughput(
    silos: list[Silo], peers: tuple[Engine, Engine], _wanted: argparse.Namespace
) -> Iterator[Row]:
    """Send through one connection from the host into a container, and from it to the host."""
    for silo in silos:
        silo.cpu = 1
    for way, program, measure in (("in", SINK, _send), ("out", SOURCE, _receive)):
        found: dict[str, list[float]] = {}
        for machine in (*silos, *peers):
            machine.run("flow", program)
            address = machine.address("flow")
            _await_server(address)
            found[machine.name] = [measure(address) for _ in range(3)]
            machine.remove("flow")
        for silo in silos:
            target = Target("ratio", 0.9) if _level(silo) == "process" else None
            yield _compare(f"containers.throughput_{way}", found, silo, target, unit="MiB/s")


def _await_server(address: str) -> None:
    def reachable() -> bool:
        try:
            socket.create_connection((address, PORT), 1).close()
        except OSError:
            return False
        return True

    wait_until(reachable, 20, f"the program at {address}")


def _send(address: str) -> float:
    """Return the MiB/s that arrived: the sink speaks when it has read the last byte."""
    with socket.create_connection((address, PORT), 5) as link:
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < FLOW_S:
            link.sendall(CHUNK)
            count += len(CHUNK)
        link.shutdown(socket.SHUT_WR)
        link.settimeout(60)
        told = b"".join(iter(lambda: link.recv(1000), b""))
        taken = time.perf_counter() - start
    if b"records in" not in told:
        raise AssertionError(f"the sink said {told!r}")
    return count / 2**20 / taken


def _receive(address: str) -> float:
    """Return the MiB/s that came."""
    with socket.create_connection((address, PORT), 5) as link:
        start, count = time.perf_counter(), 0
        buffer = bytearray(len(CHUNK))
        while time.perf_counter() - start < FLOW_S:
            count += link.recv_into(buffer)
        return count / 2**20 / (time.perf_counter() - start)


def _compare(
    name: str,
    found: dict[str, list[float]],
    silo: Silo,
    target: Target | None,
    *,
    more: dict[str, object] | None = None,
    unit: str = "ms (less is better)",
) -> Row:
    """Return a row of medians, docker being the peer; with everybody's p50 and p99."""
    own, peer = found[silo.name], found["docker"]
    details: dict[str, object] = {
        "silo_p50_p99_ms": [_round(at(own, 0.5)), _round(at(own, 0.99))],
        "peer_p50_p99_ms": [_round(at(peer, 0.5)), _round(at(peer, 0.99))],
    }
    if len(own) == 1 or not unit.startswith("ms"):
        details = {}
    details |= {f"{_key(who)}_p50": _round(at(values, 0.5)) for who, values in found.items()}
    details |= {"runs": len(own), **(more or {})}
    return Row(f"{name}_{_level(silo)}", at(own, 0.5), at(peer, 0.5), unit, target, details)


def at(values: list[float], share: float) -> float:
    """Return the median, or the least value that so large a share does not exceed."""
    if share == 0.5:
        return statistics.median(values)
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _most(silo: Silo, ratios: dict[str, float]) -> Target | None:
    ratio = ratios.get(_level(silo))
    return None if ratio is None else Target("ratio", ratio, at_most=True)


def _level(silo: Silo) -> str:
    return silo.name.removeprefix("silo ")


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _round(value: float) -> float:
    return round(value, 1)


if __name__ == "__main__":
    sys.exit(main())
