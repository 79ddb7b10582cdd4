"""Workspaces as the ingestion and the query find them: by customer id, with their sealed keys."""

import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass

import sqlalchemy as sa

from silo import core

_KEY_BYTES = 64
"""As long as Azure's keys."""
KEY_NAMES = ("primary", "secondary")

workspaces = sa.Table(
    "log_workspaces",
    core.metadata,
    sa.Column("customer_id", sa.String, primary_key=True),
    sa.Column("key", sa.String, nullable=False, unique=True),
    sa.Column("resource_id", sa.String, nullable=False),
    sa.Column("retention_days", sa.Integer, nullable=False),
    sa.Column("primary_key", sa.String, nullable=False),
    sa.Column("secondary_key", sa.String, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where records go."""

    customer_id: str
    resource_id: str
    retention_days: int


def put_workspace(conn: core.Connection, vault: core.Vault, workspace: Workspace) -> None:
    """Store a workspace; a new one gets its keys."""
    values = {
        "key": workspace.resource_id.casefold(),
        "resource_id": workspace.resource_id,
        "retention_days": workspace.retention_days,
    }
    mine = workspaces.c.customer_id == workspace.customer_id
    if conn.execute(workspaces.update().where(mine).values(**values)).rowcount:
        return
    conn.execute(
        workspaces.insert().values(
            customer_id=workspace.customer_id, **values, **_make_keys(vault, workspace.customer_id)
        )
    )


def regenerate_keys(conn: core.Connection, vault: core.Vault, customer_id: str) -> None:
    """Replace both keys; whoever has the old ones is a stranger from here on."""
    conn.execute(
        workspaces.update()
        .where(workspaces.c.customer_id == customer_id)
        .values(**_make_keys(vault, customer_id))
    )


def delete_workspace(conn: core.Connection, customer_id: str) -> None:
    """Forget a workspace; its records are removed by the collector."""
    conn.execute(workspaces.delete().where(workspaces.c.customer_id == customer_id))


def find_workspace(conn: core.Connection, customer_id: str) -> Workspace | None:
    """Return the workspace with a customer id, in any casing, or None."""
    query = sa.select(workspaces).where(workspaces.c.customer_id == customer_id.lower())
    row = conn.execute(query).first()
    return Workspace(row.customer_id, row.resource_id, row.retention_days) if row else None


def list_workspaces(conn: core.Connection) -> list[Workspace]:
    """Return every workspace."""
    rows = conn.execute(sa.select(workspaces))
    return [Workspace(row.customer_id, row.resource_id, row.retention_days) for row in rows]


def get_keys(conn: core.Connection, vault: core.Vault, customer_id: str) -> dict[str, str]:
    """Return the keys by name; nothing for a workspace that is gone."""
    query = sa.select(workspaces).where(workspaces.c.customer_id == customer_id.lower())
    row = conn.execute(query).first()
    if row is None:
        return {}
    sealed = (row.primary_key, row.secondary_key)
    return {
        name: vault.open(text, _context(row.customer_id, name))
        for name, text in zip(KEY_NAMES, sealed, strict=True)
    }


def holds_key(conn: core.Connection, vault: core.Vault, customer_id: str, key: str) -> bool:
    """Tell whether a key is one of the workspace's, in a time that says nothing about it."""
    found = False
    for known in get_keys(conn, vault, customer_id).values():
        found |= hmac.compare_digest(known.encode(), key.encode())
    return found


def _make_keys(vault: core.Vault, customer_id: str) -> dict[str, str]:
    made = {}
    for name in KEY_NAMES:
        key = b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        made[f"{name}_key"] = vault.seal(key, _context(customer_id, name))
    return made


def _context(customer_id: str, name: str) -> str:
    return f"log-analytics/{customer_id}/{name}"
