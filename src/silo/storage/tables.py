"""The file service's tables: accounts, their keys, their shares. Files themselves are on disk."""

import sqlalchemy as sa

from silo import core


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False, server_default=default)


accounts = sa.Table(
    "storage_accounts",
    core.metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("uid", sa.String, nullable=False, unique=True, doc="new with every creation"),
    _text("resource_id"),
    sa.Column("keys_accepted", sa.Boolean, nullable=False, server_default=sa.true()),
    _text("network", "{}"),
)

keys = sa.Table(
    "storage_keys",
    core.metadata,
    sa.Column("account_uid", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True, doc="key1 or key2"),
    _text("sealed"),
    _text("created"),
)

shares = sa.Table(
    "storage_shares",
    core.metadata,
    sa.Column("uid", sa.String, primary_key=True, doc="the folder's name; new every time"),
    _text("account_uid"),
    _text("name"),
    sa.Column("quota_gib", sa.Integer, nullable=False),
    _text("tier"),
    _text("metadata", "{}"),
    _text("created"),
    _text("updated"),
    sa.UniqueConstraint("account_uid", "name"),
)
"""A share's folder is ``<account>/<uid>``: one made anew under an old name starts empty."""
