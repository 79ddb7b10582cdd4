"""What the engine has seen, where every process can show it; and which group has which name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from silo import core

from .views import GroupView

groups = sa.Table(
    "engine_groups",
    core.metadata,
    sa.Column("uid", sa.String, primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("view", sa.Text, nullable=False),
    sa.Column("updated", sa.String, nullable=False),
)
names = sa.Table(
    "engine_names",
    core.metadata,
    sa.Column("fqdn", sa.String, primary_key=True),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("uid", sa.String, nullable=False, index=True),
)
"""Full names in lower case; without an address while the group is not on the network."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A view, and which generation of the plan it is of."""

    uid: str
    generation: int
    view: GroupView


def read_view(conn: core.Connection, uid: str) -> GroupView | None:
    """Return what was last seen of a group, or None for one never begun."""
    seen = read_seen(conn, uid)
    return seen.view if seen else None


def read_seen(conn: core.Connection, uid: str) -> Seen | None:
    """Return what was last seen of a group, with its generation."""
    query = "SELECT uid, generation, view FROM engine_groups WHERE uid = ?"
    row = conn.exec_driver_sql(query, (uid,)).first()
    return Seen(row[0], row[1], GroupView.from_json(json.loads(row[2]))) if row else None


def list_uids(conn: core.Connection) -> Sequence[str]:
    """Return every group that something was seen of."""
    return [row[0] for row in conn.exec_driver_sql("SELECT uid FROM engine_groups")]


def write_seen(conn: core.Connection, seen: Seen, now: datetime) -> None:
    """Store what is seen of a group."""
    conn.execute(
        groups.insert()
        .prefix_with("OR REPLACE")
        .values(
            uid=seen.uid,
            generation=seen.generation,
            view=json.dumps(seen.view.to_json(), separators=(",", ":")),
            updated=core.render_time(now),
        )
    )


def delete_seen(conn: core.Connection, uid: str) -> None:
    """Forget a group; its names belong to whoever claimed them."""
    conn.execute(groups.delete().where(groups.c.uid == uid))


def claim_name(conn: core.Connection, fqdn: str, uid: str) -> bool:
    """Give a group a name; tell whether it has it now."""
    held = conn.execute(sa.select(names.c.uid).where(names.c.fqdn == fqdn.lower())).scalar()
    if held is not None:
        return bool(held == uid)
    conn.execute(names.insert().values(fqdn=fqdn.lower(), address="", uid=uid))
    return True


def release_names(conn: core.Connection, uid: str, *, keep: str = "") -> None:
    """Take a group's names back, its parts' too (``OWNER.PART``), but the one it keeps."""
    owned = (names.c.uid == uid) | names.c.uid.startswith(f"{uid}.", autoescape=True)
    conn.execute(names.delete().where(owned, names.c.fqdn != keep.lower()))


def point_names(conn: core.Connection, uid: str, address: str) -> None:
    """Let a group's names lead to an address; to nothing when it is empty."""
    conn.execute(names.update().where(names.c.uid == uid).values(address=address))


def resolve_name(conn: core.Connection, fqdn: str) -> str:
    """Return the address a name leads to, or nothing."""
    query = "SELECT address FROM engine_names WHERE fqdn = ?"
    found = conn.exec_driver_sql(query, (fqdn.lower(),)).scalar()
    return str(found or "")
