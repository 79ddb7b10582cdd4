"""Shares: what the database says of them. Both planes, and groups that mount one, ask here."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from silo import core

from .accounts import Account, find_account, has_key, list_keys
from .errors import (
    AccountNotFound,
    AuthenticationFailed,
    AuthorizationFailure,
    KeysNotPermitted,
    OutOfRangeInput,
    ShareAlreadyExists,
    ShareNotFound,
)
from .tables import shares

DEFAULT_QUOTA_GIB = 5_120
MAX_QUOTA_GIB = 102_400
TIERS = ("TransactionOptimized", "Hot", "Cool", "Premium")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class FileShare:
    """One share."""

    uid: str
    account: str
    name: str
    quota_gib: int
    tier: str
    metadata: Mapping[str, str]
    created: str
    updated: str

    @property
    def folder(self) -> str:
        """The folder below the folder of all shares."""
        return f"{self.account}/{self.uid}"

    @property
    def etag(self) -> str:
        """Changes with every change of the share itself."""
        digits = "".join(letter for letter in self.updated if letter.isdigit())
        return f'"0x{int(digits):X}"'


def create_share(
    conn: core.Connection,
    account: Account,
    name: str,
    now: datetime,
    *,
    quota_gib: int = DEFAULT_QUOTA_GIB,
    tier: str = TIERS[0],
    metadata: Mapping[str, str] | None = None,
) -> FileShare:
    """Make a share in the caller's transaction; its folder is made by whoever opens it first.

    Raises:
        ShareAlreadyExists, OutOfRangeInput.

    """
    _check_quota(quota_gib)
    if find_share(conn, account, name) is not None:
        raise ShareAlreadyExists
    moment = core.render_time(now)
    conn.execute(
        shares.insert().values(
            uid=str(uuid.uuid4()),
            account_uid=account.uid,
            name=name,
            quota_gib=quota_gib,
            tier=tier,
            metadata=json.dumps(dict(metadata or {})),
            created=moment,
            updated=moment,
        )
    )
    return get_share(conn, account, name)


def update_share(
    conn: core.Connection, account: Account, name: str, now: datetime, **values: Any
) -> FileShare:
    """Change ``quota_gib``, ``tier`` or ``metadata`` of a share.

    Raises:
        ShareNotFound, OutOfRangeInput.

    """
    found = get_share(conn, account, name)
    if "quota_gib" in values:
        _check_quota(values["quota_gib"])
    if "metadata" in values:
        values["metadata"] = json.dumps(dict(values["metadata"]))
    values["updated"] = core.render_time(now)
    conn.execute(shares.update().where(shares.c.uid == found.uid).values(**values))
    return get_share(conn, account, name)


def delete_share(conn: core.Connection, account: Account, name: str) -> None:
    """Take a share away at once; its folder is removed by ``sweep``.

    Raises:
        ShareNotFound: there is none.

    """
    found = get_share(conn, account, name)
    conn.execute(shares.delete().where(shares.c.uid == found.uid))


def find_share(conn: core.Connection, account: Account, name: str) -> FileShare | None:
    """Return a share by its name, or None."""
    mine = (shares.c.account_uid == account.uid) & (shares.c.name == name)
    row = conn.execute(sa.select(shares).where(mine)).first()
    return None if row is None else _read(account, row)


def get_share(conn: core.Connection, account: Account, name: str) -> FileShare:
    """Return a share that exists.

    Raises:
        ShareNotFound: it does not.

    """
    found = find_share(conn, account, name)
    if found is None:
        raise ShareNotFound
    return found


def list_shares(
    conn: core.Connection, account: Account, *, prefix: str = "", after: str = "", limit: int = 5000
) -> list[FileShare]:
    """Return shares by name, those after a name."""
    query = (
        sa.select(shares)
        .where(shares.c.account_uid == account.uid)
        .where(shares.c.name.startswith(prefix, autoescape=True))
        .where(shares.c.name > after)
        .order_by(shares.c.name)
        .limit(limit)
    )
    return [_read(account, row) for row in conn.execute(query)]


def resolve_share(
    conn: core.Connection, vault: core.Vault, *, account: str, key: str, share: str
) -> FileShare:
    """Return a share for a group that mounts it with a key; ``Tree.ensure`` gives its folder.

    Raises:
        AccountNotFound, ShareNotFound: there is none. AuthenticationFailed: the key is wrong.
        KeysNotPermitted: the account takes no keys. AuthorizationFailure: it is not open to all.

    """
    found = find_account(conn, account)
    if found is None:
        raise AccountNotFound
    if not has_key(list_keys(conn, vault, found), key):
        raise AuthenticationFailed("The storage account key is not one of the account's keys.")
    if not found.keys_accepted:
        raise KeysNotPermitted
    if not found.network.is_open:
        # As in Azure: a container group comes from no network that a rule could name.
        raise AuthorizationFailure
    return get_share(conn, found, share)


def get_share_at(conn: core.Connection, folder: PurePath) -> FileShare:
    """Return the share whose folder this is, below the folder of all shares.

    Raises:
        ShareNotFound: it is no more.

    """
    account, uid = (*folder.parts, "", "")[:2]
    found = find_account(conn, account)
    if found is not None:
        mine = (shares.c.account_uid == found.uid) & (shares.c.uid == uid)
        row = conn.execute(sa.select(shares).where(mine)).first()
        if row is not None:
            return _read(found, row)
    raise ShareNotFound


def list_folders(conn: core.Connection) -> set[str]:
    """Return the uid of every share there is."""
    return set(conn.scalars(sa.select(shares.c.uid)))


def _check_quota(quota_gib: int) -> None:
    if not 1 <= quota_gib <= MAX_QUOTA_GIB:
        raise OutOfRangeInput(f"A share's quota is 1 to {MAX_QUOTA_GIB} GiB.")


def _read(account: Account, row: Any) -> FileShare:
    return FileShare(
        uid=row.uid,
        account=account.name,
        name=row.name,
        quota_gib=row.quota_gib,
        tier=row.tier,
        metadata=json.loads(row.metadata),
        created=row.created,
        updated=row.updated,
    )
