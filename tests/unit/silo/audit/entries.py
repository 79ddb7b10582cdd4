"""A log to read and to tamper with."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from silo import audit, core

START = datetime(2026, 11, 23, 10, tzinfo=UTC)


def add(store: core.Store, count: int = 1, **fields: Any) -> None:
    """Append records a minute apart."""

    def write(conn: core.Connection) -> None:
        for _ in range(count):
            known = conn.exec_driver_sql("SELECT count(*) FROM audit_records").scalar_one()
            values = {
                "time": START + timedelta(minutes=known),
                "category": "Administrative",
                "operation": "Microsoft.X/y/write",
                "scope": "/subscriptions/S",
                "result": "Succeeded",
                "caller": "kim",
                **fields,
            }
            audit.append(conn, audit.Record(**values))

    store.write_now(write)


def tamper(store: core.Store, statement: str) -> None:
    """Change the table behind the room's back."""
    store.write_now(lambda conn: conn.execute(sa.text(statement)))
