"""What is told of a cluster that was judged: ``bench/results/conformance.json``."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.report import RESULTS, describe_machine

from . import build, cluster, images
from .specs import Verdict, find_unfit

PATH = RESULTS / "conformance.json"


def render(lanes: Mapping[str, Iterable[str]], known: Mapping[str, Mapping[str, Verdict]]) -> Any:
    """Return the document: by lane, how many passed, and which did not and why."""
    return {
        "kubernetes": build.VERSION,
        "machine": describe_machine(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),  # noqa: TID251 - no clock here
        "cluster": {
            "nodes": cluster.NODES,
            "size": cluster.SIZE,
            "networkPolicy": cluster.POLICIES,
        },
        "images": [name for recipe in images.RECIPES for name in recipe.names],
        "lanes": {
            name: _render_lane(set(specs), known.get(name, {})) for name, specs in lanes.items()
        },
    }


def _render_lane(specs: set[str], known: Mapping[str, Verdict]) -> dict[str, Any]:
    unfit = find_unfit(specs)
    judged = {name: known[name] for name in specs if name in known and name not in unfit}
    passed = {name for name, verdict in judged.items() if verdict.has_passed}
    skipped = {name for name, verdict in judged.items() if verdict.is_good} - passed
    return {
        "specs": len(specs),
        "passed": len(passed),
        "failed": _list_reasons(set(judged) - passed - skipped, judged),
        "skippedByThemselves": _list_reasons(skipped, judged),
        "cannotRunHere": [{"spec": name, "why": why} for name, why in sorted(unfit.items())],
        "notRun": sorted(specs - set(judged) - set(unfit)),
        "seconds": round(sum(verdict.seconds for verdict in judged.values())),
    }


def _list_reasons(names: set[str], known: Mapping[str, Verdict]) -> list[dict[str, str]]:
    return [
        {"spec": name, "state": known[name].state, "why": known[name].why} for name in sorted(names)
    ]


def save(document: Mapping[str, Any], path: Path = PATH) -> None:
    """Write the document where the last one was."""
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
