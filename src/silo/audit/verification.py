"""Proof that nobody rewrote the log: its chain inside the database, recomputed."""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from silo import core

from .records import GENESIS, get_columns, get_hash, records


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk over the whole chain found."""

    count: int
    """Records that were read."""
    head: str
    """The hash of the last record that fits."""
    broken: int | None
    """The number of the first record that does not fit or is missing, or None."""
    reason: str = ""
    """What is wrong with it, as a sentence."""
    checkpoints: int = 0
    """Signed checkpoints that agree with the log."""


def verify(conn: core.Connection) -> Verification:
    """Recompute every hash from the first record on.

    Records cut off at the end leave a chain that is whole; ``Checkpoints.verify`` sees those too.
    """
    previous, number = GENESIS, 0
    for row in conn.execute(sa.select(records).order_by(records.c.number)):
        number += 1
        if reason := _find_fault(row, previous, number):
            return Verification(number, previous, number, reason)
        previous = row.hash
    return Verification(number, previous, None)


def _find_fault(row: sa.Row[Any], previous: str, number: int) -> str:
    if row.number != number:
        return f"Record {number} is missing; the next one is {row.number}."
    if row.hash != get_hash(previous, number, str(row.body)):
        return f"The hash of record {number} does not follow from its body and the one before."
    try:
        said = get_columns(json.loads(row.body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"The body of record {number} cannot be read."
    if said != (row.time, row.category, row.scope, row.correlation_id):
        return f"The columns of record {number} say something else than its body."
    return ""
