"""What was measured: rows, the table that people read, the file that comparisons read."""

import datetime as dt
import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Target:
    """What the figure has to be (issue 3, section 6)."""

    of: str
    """``ratio`` or ``silo``."""
    limit: float
    at_most: bool = False

    def is_met(self, row: "Row") -> bool:
        value = row.ratio if self.of == "ratio" else row.silo
        if value is None:
            return False
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{self.of} {'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One measure; ``ratio`` is silo divided by peer, whichever way is the better one."""

    measure: str
    silo: float
    peer: float | None
    unit: str
    target: Target | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.silo / self.peer if self.peer else None

    def render(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "measure": self.measure,
            "silo": round(self.silo, 3),
            "peer": None if self.peer is None else round(self.peer, 3),
            "unit": self.unit,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
        }
        if self.target:
            document |= {"target": str(self.target), "met": self.target.is_met(self)}
        return document | self.more


def describe_machine() -> str:
    """Return processor, cores, memory and kernel in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((one.partition(": ")[2] for one in lines if one.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def save(name: str, rows: list[Row]) -> Path:
    """Write ``bench/results/NAME.json``; rows measured earlier under this name are kept."""
    path = RESULTS / f"{name}.json"
    rendered = {row.measure: row.render() for row in rows}
    if path.exists():
        earlier = {row["measure"]: row for row in json.loads(path.read_text())["rows"]}
        rendered = earlier | rendered
    document = {
        "machine": describe_machine(),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),  # noqa: TID251
        "rows": list(rendered.values()),
    }
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path


def show(rows: list[Row], title: str = "Silo beside docker-registry") -> None:
    """Print the table, with what was promised and whether it holds."""
    table = Table(title=title)
    for column in ("measure", "silo", "peer", "unit", "ratio", "p50/p99 ms", "target", ""):
        table.add_column(column, justify="right" if column in {"silo", "peer", "ratio"} else "left")
    for row in rows:
        table.add_row(
            row.measure,
            f"{row.silo:,.2f}",
            "-" if row.peer is None else f"{row.peer:,.2f}",
            row.unit,
            "-" if row.ratio is None else f"{row.ratio:.2f}",
            _latencies(row),
            str(row.target or ""),
            "" if row.target is None else ("met" if row.target.is_met(row) else "MISSED"),
        )
    Console(width=150).print(table)


def _latencies(row: Row) -> str:
    pairs = [row.more.get(f"{who}_p50_p99_ms") for who in ("silo", "peer")]
    return "  ".join(f"{pair[0]:.1f}/{pair[1]:.1f}" if pair else "-" for pair in pairs)
