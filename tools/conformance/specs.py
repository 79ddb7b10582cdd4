"""Running upstream's specs against a cluster, and keeping what became of each."""

import json
import re
import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools import programs

from . import build, cluster

_SCTP = "[Feature:SCTPConnectivity]"
_PASSED, _SKIPPED = "passed", "skipped"
_WHY_LENGTH = 600


@dataclass(frozen=True, slots=True)
class Lane:
    """Specs that are counted together."""

    labels: str = ""
    """Ginkgo's filter by labels."""
    focus: str = ""
    processes: int = 1
    """How many run at once."""


LANES = {
    "conformance": Lane("Conformance && !Serial && !Disruptive", processes=4),
    "serial": Lane("Conformance && (Serial || Disruptive)"),
    "netpol": Lane(focus="Netpol", processes=2),
    "loadbalancer": Lane("Feature:LoadBalancer", processes=2),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one spec."""

    state: str
    seconds: float
    why: str = ""

    @property
    def has_passed(self) -> bool:
        """Whether the cluster did what the spec wants."""
        return self.state == _PASSED

    @property
    def is_good(self) -> bool:
        """Whether there is no reason to run it again."""
        return self.state in {_PASSED, _SKIPPED}


def run(
    where: cluster.Cluster,
    lane: Lane,
    *,
    focus: Iterable[str] = (),
    skip: Iterable[str] = (),
    limit_s: int = 4 * 3600,
    dry: bool = False,
) -> dict[str, Verdict]:
    """Run the lane's specs, or those of them whose names are in ``focus``, and judge them."""
    tools = build.KIT.folder / "bin"
    report = where.folder / "report.json"
    report.unlink(missing_ok=True)
    wanted = {
        "--label-filter": [lane.labels] if lane.labels else [],
        "--focus": [*focus] or ([lane.focus] if lane.focus else []),
        "--skip": [*skip],
    }
    command = (
        *(str(tools / "ginkgo"), "run"),
        *(f"{flag}={value}" for flag, values in wanted.items() for value in values),
        "--dry-run" if dry else f"--procs={lane.processes}",
        *(f"--timeout={limit_s}s", "--no-color", "--silence-skips"),
        *("--json-report=report.json", f"--output-dir={where.folder}"),
        *(str(tools / "e2e.test"), "--", f"--kubeconfig={where.kubeconfig}"),
        *(f"--kubectl-path={where.kubectl}", "--provider=skeleton"),
        *(f"--num-nodes={cluster.NODES}", "--node-os-distro=debian", "--disable-log-dump"),
    )
    environment = programs.plain_environment(KUBE_TEST_REPO_LIST=str(where.repositories))
    with (where.folder / "e2e.log").open("ab") as log:
        # Whatever its status: what it could not say in the report is in nobody's verdict.
        subprocess.run(
            command, env=environment, stdout=log, stderr=log, check=False, cwd=where.folder
        )
    return read(json.loads(report.read_text())) if report.exists() else {}


def read(report: list[dict[str, Any]]) -> dict[str, Verdict]:
    """Read Ginkgo's report: the verdict by the name of each spec that was to run."""
    found = {}
    for suite in report:
        for spec in suite.get("SpecReports") or ():
            failure = spec.get("Failure") or {}
            said, state = str(failure.get("Message") or ""), spec["State"]
            # A spec that was not chosen is skipped as well, but without a word.
            if spec.get("LeafNodeType") != "It" or (state == _SKIPPED and not said):
                continue
            words = [*(spec.get("ContainerHierarchyTexts") or ()), spec["LeafNodeText"]]
            place = failure.get("FailureNodeLocation") or failure.get("Location") or {}
            at = f" ({Path(place['FileName']).name}:{place['LineNumber']})" if place else ""
            why = f"{said[:_WHY_LENGTH]}{at}" if state != _PASSED else ""
            seconds = round(spec.get("RunTime", 0) / 1e9, 1)
            found[" ".join(words)] = Verdict(state, seconds, why)
    return found


def find_unfit(names: Iterable[str]) -> dict[str, str]:
    """Return those of these specs that this machine cannot hold anybody to, and why."""
    if _has_sctp():
        return {}
    return {name: "the machine's kernel has no SCTP" for name in names if _SCTP in name}


def _has_sctp() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True


def name_exactly(names: Iterable[str]) -> list[str]:
    """Return the pattern that finds these specs."""
    found = [re.escape(name).replace(r"\ ", " ") for name in sorted(names)]
    return [f"({'|'.join(found)})"] if found else []


def dump(known: Mapping[str, Mapping[str, Verdict]]) -> str:
    """Return what :func:`load` reads."""
    document = {
        lane: {name: asdict(one) for name, one in verdicts.items()}
        for lane, verdicts in known.items()
    }
    return json.dumps(document, indent=1)


def load(path: Path) -> dict[str, dict[str, Verdict]]:
    """Read what is known of each lane's specs."""
    if not path.exists():
        return {}
    document: Mapping[str, Any] = json.loads(path.read_text())
    return {
        lane: {name: Verdict(**one) for name, one in verdicts.items()}
        for lane, verdicts in document.items()
    }
