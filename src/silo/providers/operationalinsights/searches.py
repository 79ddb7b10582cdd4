"""Runs a plan on the database of records: read-only, on a thread, bounded in time and size."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from silo import core

from .plan import Plan, render_value
from .query_errors import QueryTimeout, SyntaxRefused

MOST_ROWS = 100_000
"""Rows of one answer; Azure gives 500,000."""
MOST_BYTES = 64 * 1024 * 1024
"""Text of one answer, roughly; Azure gives 100 MB."""
LONGEST_S = 30.0
_STEPS = 20_000
"""Instructions of SQLite's between two looks at the clock: some milliseconds."""
_CELL = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """A table, and whether it is all of it."""

    columns: tuple[tuple[str, str], ...]
    rows: list[list[Any]]
    cut: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the body that Log Analytics answers."""
        table = {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": kind} for name, kind in self.columns],
            "rows": self.rows,
        }
        body: dict[str, Any] = {"tables": [table]}
        if self.cut:
            message = (
                f"The results of this query exceed the set limit of {MOST_ROWS} records or "
                f"{MOST_BYTES} bytes, so not all records were returned "
                "(E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)."
            )
            body["error"] = {
                "code": "PartialError",
                "message": "There were some errors when processing your query.",
                "details": [{"code": "EngineError", "message": message}],
            }
        return body


class Searches:
    """Opens the database for one question at a time; SQLite opens in well under a millisecond."""

    def __init__(self, path: Path, longest_s: float = LONGEST_S) -> None:
        self._engine = sa.create_engine(
            f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true", poolclass=sa.pool.NullPool
        )
        self._longest_s = longest_s

    def find(self, plan: Plan) -> Answer:
        """Return the rows of a plan.

        Raises:
            QueryTimeout, SyntaxRefused: it takes too long, or is too large for the database.
            StoreUnavailable: the database cannot be read.

        """
        ends = time.monotonic() + self._longest_s
        try:
            with self._engine.connect() as conn:
                raw: Any = conn.connection.driver_connection
                raw.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
                return _read(conn.execution_options(yield_per=1000).execute(plan.statement), plan)
        except DBAPIError as error:
            text = str(error.orig)
            if "interrupted" in text:
                raise QueryTimeout(f"The query took longer than {self._longest_s:.0f} s") from None
            if "too large" in text or "too many" in text or "too complex" in text:
                raise SyntaxRefused("The query is too complex.") from None
            raise core.StoreUnavailable(f"The log database cannot be read: {text}.") from error


def _read(found: sa.CursorResult[Any], plan: Plan) -> Answer:
    rows: list[list[Any]] = []
    size = 0
    kinds = [kind for _, kind in plan.columns]
    for row in found:
        if len(rows) >= MOST_ROWS or size > MOST_BYTES:
            return Answer(plan.columns, rows, cut=True)
        size += sum(len(cell) if isinstance(cell, str) else _CELL for cell in row)
        rows.append([render_value(*pair) for pair in zip(kinds, row, strict=True)])
    return Answer(plan.columns, rows)
