"""People's accounts: making, changing, disabling and removing them."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from silo import core

from .directory import ObjectType, User, find_user
from .directory_errors import ObjectConflict, ObjectNotFound, PropertyInvalid
from .objects import delete_object, insert_object, round_session_start, update_object
from .tables import THE_BEGINNING, users
from .tenant import get_tenant

_UPN_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9'._!#^~+-]{0,62}[A-Za-z0-9_~!#^'+-])?")
"""The part before the ``@``: Entra's characters, at most 64, no dot at an end."""


def create_user(
    conn: core.Connection,
    *,
    user_principal_name: str,
    display_name: str,
    password_hash: str,
    now: datetime,
    account_enabled: bool = True,
    force_change_password: bool = False,
    properties: Mapping[str, Any] | None = None,
) -> User:
    """Make an account; the caller hashed the password before the transaction.

    Raises:
        PropertyInvalid: the name is not one of this tenant's. ObjectConflict: it is taken.

    """
    _check_name(conn, user_principal_name)
    object_id = insert_object(conn, ObjectType.USER, display_name, now, properties)
    conn.execute(
        users.insert().values(
            object_id=object_id,
            user_principal_name=user_principal_name,
            upn_key=user_principal_name.casefold(),
            account_enabled=account_enabled,
            password_hash=password_hash,
            last_password_change=now,
            force_change_password=force_change_password,
            sign_in_sessions_valid_from=THE_BEGINNING,
        )
    )
    return get_user(conn, object_id)


def get_user(conn: core.Connection, upn_or_oid: str) -> User:
    """Return a user.

    Raises:
        ObjectNotFound: there is none of this name or id.

    """
    user = find_user(conn, upn_or_oid)
    if user is None:
        raise ObjectNotFound(f"Resource '{upn_or_oid}' was not found.")
    return user


def update_user(conn: core.Connection, user: User) -> None:
    """Store a changed name, display name, state or properties; passwords have their own function.

    Raises:
        PropertyInvalid: the name is not one of this tenant's. ObjectConflict: it is taken.

    """
    before = get_user(conn, user.id)
    if user.user_principal_name != before.user_principal_name:
        _check_name(conn, user.user_principal_name, user.id)
    update_object(conn, user.id, user.display_name, user.properties)
    conn.execute(
        users.update()
        .where(users.c.object_id == user.id)
        .values(
            user_principal_name=user.user_principal_name,
            upn_key=user.user_principal_name.casefold(),
            account_enabled=user.account_enabled,
        )
    )


def set_password(
    conn: core.Connection,
    object_id: str,
    password_hash: str,
    now: datetime,
    *,
    force_change: bool = False,
) -> None:
    """Replace a password; every session that began with the old one ends."""
    before = get_user(conn, object_id).sign_in_sessions_valid_from
    conn.execute(
        users.update()
        .where(users.c.object_id == object_id)
        .values(
            password_hash=password_hash,
            last_password_change=now,
            force_change_password=force_change,
            sign_in_sessions_valid_from=round_session_start(now, before),
        )
    )
    core.bump_generation(conn)


def revoke_sign_in_sessions(conn: core.Connection, object_id: str, now: datetime) -> None:
    """Make every token the user has void, at once."""
    before = get_user(conn, object_id).sign_in_sessions_valid_from
    conn.execute(
        users.update()
        .where(users.c.object_id == object_id)
        .values(sign_in_sessions_valid_from=round_session_start(now, before))
    )
    core.bump_generation(conn)


def delete_user(conn: core.Connection, object_id: str) -> None:
    """Remove an account for good.

    Raises:
        ObjectNotFound: there is none of this id.

    """
    delete_object(conn, get_user(conn, object_id).id)


def _check_name(conn: core.Connection, name: str, own_id: str = "") -> None:
    local, at, domain = name.rpartition("@")
    if not at or not _UPN_NAME.fullmatch(local) or ".." in local:
        raise PropertyInvalid("Property userPrincipalName is invalid.")
    if domain.casefold() != get_tenant(conn).domain:
        raise PropertyInvalid(
            "The domain portion of the userPrincipalName property is invalid. You must use one of"
            " the verified domain names in your organization."
        )
    other = find_user(conn, name)
    if other is not None and other.id != own_id:
        raise ObjectConflict(
            "Another object with the same value for property userPrincipalName already exists."
        )
