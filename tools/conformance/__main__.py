"""``make conformance``: upstream's own end-to-end tests against a cluster that Silo makes.

Without words, every lane, on a cluster of its own that is gone in the end, and the result is kept
in ``bench/results/conformance.json``. With ``--folder`` the cluster stays, verdicts add up from
call to call, and ``--missing`` runs what has not passed yet.
"""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tools import strangers
from tools.programs import ProgramFailed

from . import build, cluster, results, specs, system


def main() -> None:
    """Judge, tell, keep."""
    parser = argparse.ArgumentParser(prog="python -m tools.conformance", description=__doc__)
    parser.add_argument("lanes", nargs="*", default=[], help=", ".join(specs.LANES))
    parser.add_argument("--folder", type=Path, help="keep the cluster and its verdicts here")
    parser.add_argument("--focus", action="append", default=[], help="specs that match this alone")
    parser.add_argument("--skip", action="append", default=[], help="no specs that match this")
    parser.add_argument("--missing", action="store_true", help="what has not passed yet alone")
    parser.add_argument("--processes", type=int, help="how many specs at once")
    parser.add_argument("--minutes", type=int, default=240, help="the most that a lane may take")
    parser.add_argument("--down", action="store_true", help="end the folder's cluster, run nothing")
    parser.add_argument("--record", action="store_true", help="keep the result with --folder, too")
    given = parser.parse_args()
    if unknown := set(given.lanes) - set(specs.LANES):
        parser.error(f"no such lane: {', '.join(sorted(unknown))}")
    if given.down and not given.folder:
        parser.error("--down of which --folder?")
    if os.geteuid() != 0:
        sys.exit("clusters need root")
    try:
        if given.down:
            cluster.down(given.folder.absolute())
            return
        if given.folder:
            well = _judge(given.folder.absolute(), given)
        else:
            with tempfile.TemporaryDirectory(prefix="silo-conformance-") as name:
                try:
                    well = _judge(Path(name), given)
                finally:
                    cluster.down(Path(name))
    except (strangers.SetupFailed, ProgramFailed) as problem:
        sys.exit(f"conformance: {problem}")
    sys.exit(0 if well else 1)


def _set_up() -> None:
    """Have what judges a cluster; what a cluster needs is there as it is for the demonstration."""
    strangers.install_commands({"debootstrap": ("debootstrap",)})
    if build.KIT.find() is None:
        strangers.build_kit(build.KIT)
        shutil.rmtree(strangers.WORK, ignore_errors=True)
    strangers.ensure(system.find_folder(), system.build)


def _judge(folder: Path, given: argparse.Namespace) -> bool:
    _set_up()
    judged = cluster.ensure_up(folder)
    path = folder / "verdicts.json"
    known = specs.load(path)
    lanes = {name: set(specs.run(judged, lane, dry=True)) for name, lane in specs.LANES.items()}
    for name in given.lanes or specs.LANES:
        wanted, found = specs.LANES[name], known.setdefault(name, {})
        unfit = specs.find_unfit(lanes[name])
        if given.processes:
            wanted = dataclasses.replace(wanted, processes=given.processes)
        focus = given.focus
        if given.missing:
            good = {spec for spec, verdict in found.items() if verdict.is_good}
            focus = specs.name_exactly(lanes[name] - good - set(unfit))
        if given.missing and not focus:
            continue
        limit_s = given.minutes * 60
        skip = [*given.skip, *specs.name_exactly(unfit)]
        ended = specs.run(judged, wanted, focus=focus, skip=skip, limit_s=limit_s)
        found.update(ended)
        path.write_text(specs.dump(known))
        _tell(name, ended)
    document = results.render(lanes, known)
    if given.record or not given.folder:
        results.save(document)
    print(json.dumps({name: _count(lane) for name, lane in document["lanes"].items()}, indent=1))
    return not any(lane["failed"] for lane in document["lanes"].values())


def _count(lane: dict[str, object]) -> dict[str, object]:
    return {key: len(value) if isinstance(value, list) else value for key, value in lane.items()}


def _tell(lane: str, ended: dict[str, specs.Verdict]) -> None:
    good = sum(one.has_passed for one in ended.values())
    print(f"{lane}: {good} of {len(ended)} passed", flush=True)
    for name, one in sorted(ended.items()):
        if not one.has_passed:
            print(f"  {one.state}: {name}\n    {one.why}", flush=True)


if __name__ == "__main__":
    main()
