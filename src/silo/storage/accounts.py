"""What the file service knows of each account; written by the management plane's transactions."""

import base64
import hmac
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from silo import access, core

from .tables import accounts, keys, shares

KEY_NAMES = ("key1", "key2")
KEY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Account:
    """One storage account."""

    name: str
    uid: str
    resource_id: str
    keys_accepted: bool = True
    """``allowSharedKeyAccess``."""
    network: access.NetworkRules = field(default_factory=access.NetworkRules)


@dataclass(frozen=True, slots=True)
class Key:
    """One of the two keys of an account."""

    name: str
    value: str = field(repr=False)
    """64 bytes in base64."""
    created: str

    @property
    def data(self) -> bytes:
        """The key itself."""
        return base64.b64decode(self.value)


def put_account(
    conn: core.Connection,
    name: str,
    resource_id: str,
    *,
    keys_accepted: bool = True,
    network: access.NetworkRules | None = None,
) -> Account:
    """Make or change an account in the caller's transaction."""
    reach = network or access.NetworkRules()
    values = {
        "resource_id": resource_id,
        "keys_accepted": keys_accepted,
        "network": json.dumps([reach.public, reach.default_allow, list(reach.allowed)]),
    }
    found = find_account(conn, name)
    if found is None:
        conn.execute(accounts.insert().values(name=name, uid=str(uuid.uuid4()), **values))
    else:
        conn.execute(accounts.update().where(accounts.c.uid == found.uid).values(**values))
    core.bump_generation(conn)
    return get_account(conn, name)


def delete_account(conn: core.Connection, name: str) -> None:
    """Close an account at once; the folders of its shares are removed by ``sweep``."""
    found = find_account(conn, name)
    if found is not None:
        conn.execute(shares.delete().where(shares.c.account_uid == found.uid))
        conn.execute(keys.delete().where(keys.c.account_uid == found.uid))
        conn.execute(accounts.delete().where(accounts.c.uid == found.uid))
        core.bump_generation(conn)


def find_account(conn: core.Connection, name: str) -> Account | None:
    """Return an account by its name, or None."""
    row = conn.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    if row is None:
        return None
    public, default_allow, allowed = json.loads(row.network)
    network = access.NetworkRules(public, default_allow, tuple(allowed))
    return Account(row.name, row.uid, row.resource_id, row.keys_accepted, network)


def get_account(conn: core.Connection, name: str) -> Account:
    """Return an account that exists.

    Raises:
        LookupError: it does not.

    """
    found = find_account(conn, name)
    if found is None:
        raise LookupError(name)
    return found


def set_keys(
    conn: core.Connection,
    vault: core.Vault,
    account: Account,
    now: datetime,
    names: Sequence[str] = KEY_NAMES,
) -> list[Key]:
    """Give an account new random keys; what was signed with the old ones is worthless at once."""
    for name in names:
        mine = (keys.c.account_uid == account.uid) & (keys.c.name == name)
        conn.execute(keys.delete().where(mine))
        value = base64.b64encode(os.urandom(KEY_BYTES)).decode()
        conn.execute(
            keys.insert().values(
                account_uid=account.uid,
                name=name,
                sealed=vault.seal(value, f"storage/{account.uid}/{name}"),
                created=core.render_time(now),
            )
        )
    core.bump_generation(conn)
    return list_keys(conn, vault, account)


def list_keys(conn: core.Connection, vault: core.Vault, account: Account) -> list[Key]:
    """Return an account's keys in the clear, ``key1`` first."""
    query = sa.select(keys).where(keys.c.account_uid == account.uid).order_by(keys.c.name)
    return [
        Key(row.name, vault.open(row.sealed, f"storage/{account.uid}/{row.name}"), row.created)
        for row in conn.execute(query)
    ]


def has_key(known: Sequence[Key], value: str) -> bool:
    """Tell whether a text is one of the keys, in a time that says nothing of them."""
    given = value.encode("utf-8", "replace")
    found = [hmac.compare_digest(key.value.encode(), given) for key in known]
    return any(found)
