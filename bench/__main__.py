"""``python -m bench``: bring both up, measure, print the table, write the file."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .lifecycle import AFTER_LOADS, BEFORE_LOADS
from .measures import FULL, LOADS, QUICK, Scale, take
from .report import Row, save, show
from .session import open_session

NEEDED = ("docker-registry", "wrk", "curl")


def main() -> int:
    """Measure what is asked for; return 1 when a target is missed."""
    wanted, folder = _read_arguments()
    scale = QUICK if wanted.quick else FULL
    names = [*BEFORE_LOADS, *(load.name for load in LOADS), *AFTER_LOADS]
    chosen = [name for name in names if not wanted.only or any(o in name for o in wanted.only)]
    rows: list[Row] = []
    try:
        for row in _measure(folder, chosen, scale):
            rows.append(row)
            print(f"  {row.measure}: {row.silo:,.2f} / {row.peer or 0:,.2f} {row.unit}", flush=True)
    finally:
        if wanted.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    show(rows)
    if wanted.name:
        print(f"written: {save(wanted.name, rows)}")
    return int(any(row.target is not None and not row.target.is_met(row) for row in rows))


def _measure(folder: Path, chosen: list[str], scale: Scale) -> Iterator[Row]:
    with open_session(folder) as session:
        session.open(tls=True)
        blob = any("blob_get" in name for name in chosen)
        session.fill(scale.large_bytes if blob else 0)
        for name in (name for name in BEFORE_LOADS if name in chosen):
            yield from BEFORE_LOADS[name](session, scale)
        for load in (load for load in LOADS if load.name in chosen):
            yield take(load, session, scale)
        for name in (name for name in AFTER_LOADS if name in chosen):
            yield from AFTER_LOADS[name](session, scale)


def _read_arguments() -> tuple[argparse.Namespace, Path]:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs: for trying it out")
    parser.add_argument("--only", action="append", metavar="NAME", help="measures with this name")
    parser.add_argument("--name", help="of the file in bench/results")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to use")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    wanted = parser.parse_args()
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in NEEDED if not shutil.which(name, path=path)]
    if missing:
        parser.exit(2, f"missing: {', '.join(missing)}; python -m tools.strangers bench\n")
    if wanted.name is None and not wanted.only:
        wanted.name = "quick" if wanted.quick else os.uname().nodename
    return wanted, Path(tempfile.mkdtemp(prefix="silo-bench-", dir=wanted.folder))


if __name__ == "__main__":
    sys.exit(main())
