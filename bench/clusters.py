"""``python -m bench.clusters``: a managed cluster beside upstream's programs started by hand."""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from silo_kubernetes import build

from . import upstream
from .cluster import GETS, Cluster, Kube, forget, open_instance
from .containers import SETTLE_S, at
from .processes import pss_bytes
from .report import Row, Target, save, show

UNIT_S = "s (less is better)"
PODS = 100


def main() -> int:
    """Measure; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.clusters", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="warm clusters that are made")
    parser.add_argument("--name", default=os.uname().nodename, help="of the file in bench/results")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    wanted = parser.parse_args()
    if os.geteuid() != 0:
        parser.exit(2, "clusters need root\n")
    if build.KITS[build.DEFAULT].find() is None:
        parser.exit(2, "no Kubernetes is built here; make kubernetes\n")
    folder = Path(tempfile.mkdtemp(prefix="silo-bench-", dir=wanted.folder))
    rows: list[Row] = []
    # Whoever ends it early finds the machine as it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for row in _measure(folder, wanted.runs):
            rows.append(row)
            print(f"  {row.measure}: {row.silo:,.2f} / {row.peer or 0:,.2f} {row.unit}", flush=True)
            save(wanted.name, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(rows, "A cluster beside upstream's programs started by hand")
    return int(any(row.target is not None and not row.target.is_met(row) for row in rows))


def _measure(folder: Path, runs: int) -> Iterator[Row]:
    hand = upstream.measure(folder / "upstream")
    with ExitStack() as stack:
        instance = stack.enter_context(open_instance(folder / "silo"))
        one = Cluster(instance, "one")
        forget()
        cold = one.create()
        yield Row("clusters.create_cold", cold, hand.cold_s, UNIT_S, Target("silo", 20, True))
        warm, second = [], []
        for _ in range(runs):
            one.delete()
            warm.append(one.create())
            second.append(one.scale(2))
        limit = Target("silo", 12, at_most=True)
        yield Row("clusters.create_warm", statistics.median(warm), hand.warm_s, UNIT_S, limit)
        limit = Target("silo", 5, at_most=True)
        yield Row("clusters.second_node", statistics.median(second), None, UNIT_S, limit)
        one.scale(1)
        weight = sum(pss_bytes(pid) for pid in one.list_processes()) / 2**20
        limit = Target("silo", 700, at_most=True)
        yield Row("clusters.pss", weight, hand.pss_mib, "MiB (less is better)", limit)
        kube = one.open_api()
        yield _deployment(kube, runs, hand.deployment_s)
        other = Cluster(instance, "other")
        other.create()
        # What comes with a cluster is still starting; idle is what it is to be.
        time.sleep(3 * SETTLE_S)
        yield _latency(kube, hand.get_ms)
        other.delete()
        taken = kube.deploy("many", PODS, timeout_s=600)
        yield Row(f"clusters.pods_{PODS}", taken, None, UNIT_S)
        one.delete()


def _deployment(kube: Kube, runs: int, hand_s: float) -> Row:
    taken = []
    for number in range(runs):
        taken.append(kube.deploy(f"four-{number}", 4))
        kube.remove(f"four-{number}")
    limit = Target("silo", 3, at_most=True)
    return Row("clusters.deployment_4", statistics.median(taken), hand_s, UNIT_S, limit)


def _latency(kube: Kube, hand_ms: list[float]) -> Row:
    """Weigh GETs of one object, one after the other, while an idle cluster is beside it."""
    found = kube.time_gets(GETS)
    more = {
        f"{who}_p50_p99_ms": [round(at(ms, 0.5), 3), round(at(ms, 0.99), 3)]
        for who, ms in (("silo", found), ("peer", hand_ms))
    }
    unit = "ms, p99 (less is better)"
    limit = Target("silo", 50, at_most=True)
    return Row("clusters.api_get_p99", at(found, 0.99), at(hand_ms, 0.99), unit, limit, dict(more))


if __name__ == "__main__":
    sys.exit(main())
