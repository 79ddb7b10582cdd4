"""What the data plane knows of each registry; written by the management plane's transactions."""

import json
import secrets
import string
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from silo import access, core

from .tables import admin_passwords, blobs, links, manifests, registries, repositories

PASSWORD_NAMES = ("password", "password2")
PASSWORD_LENGTH = 52
"""As Azure's; 52 letters and digits hold 309 bits."""
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Registry:
    """One registry."""

    name: str
    """Lower case; the first label of its login server."""
    uid: str
    """New with every creation, so that a token dies with the registry it was made for."""
    resource_id: str
    admin_enabled: bool = False
    arm_tokens_accepted: bool = True
    """Policy ``azureADAuthenticationAsArmPolicy``."""
    network: access.NetworkRules = field(default_factory=access.NetworkRules)


@dataclass(frozen=True, slots=True)
class AdminPassword:
    """One of the two passwords of the admin user."""

    name: str
    value: str
    stamp: str
    """Changes with the value; tokens made with a password carry it."""


def put_registry(
    conn: core.Connection,
    name: str,
    resource_id: str,
    *,
    admin_enabled: bool,
    arm_tokens_accepted: bool = True,
    network: access.NetworkRules | None = None,
) -> Registry:
    """Make or change a registry in the caller's transaction."""
    values = {
        "resource_id": resource_id,
        "admin_enabled": admin_enabled,
        "arm_tokens_accepted": arm_tokens_accepted,
        "network": _render_network(network or access.NetworkRules()),
    }
    found = find_registry(conn, name)
    if found is None:
        conn.execute(registries.insert().values(name=name.lower(), uid=str(uuid.uuid4()), **values))
    else:
        conn.execute(registries.update().where(registries.c.uid == found.uid).values(**values))
    core.bump_generation(conn)
    return get_registry(conn, name)


def delete_registry(conn: core.Connection, name: str) -> None:
    """Close a registry at once; what it held is removed by ``collect``."""
    found = find_registry(conn, name)
    if found is not None:
        conn.execute(admin_passwords.delete().where(admin_passwords.c.registry_uid == found.uid))
        conn.execute(registries.delete().where(registries.c.uid == found.uid))
        core.bump_generation(conn)


def find_registry(conn: core.Connection, name: str) -> Registry | None:
    """Return a registry by its name in any case, or None."""
    row = conn.execute(sa.select(registries).where(registries.c.name == name.lower())).first()
    if row is None:
        return None
    network = json.loads(row.network)
    return Registry(
        name=row.name,
        uid=row.uid,
        resource_id=row.resource_id,
        admin_enabled=row.admin_enabled,
        arm_tokens_accepted=row.arm_tokens_accepted,
        network=access.NetworkRules(
            network["public"], network["default_allow"], tuple(network["allowed"])
        ),
    )


def get_registry(conn: core.Connection, name: str) -> Registry:
    """Return a registry that exists.

    Raises:
        LookupError: it does not.

    """
    found = find_registry(conn, name)
    if found is None:
        raise LookupError(name)
    return found


def set_admin_passwords(
    conn: core.Connection,
    vault: core.Vault,
    registry: Registry,
    names: Sequence[str] = PASSWORD_NAMES,
) -> list[AdminPassword]:
    """Give the admin user new random passwords; the old ones stop working at once."""
    table = admin_passwords
    for name in names:
        mine = (table.c.registry_uid == registry.uid) & (table.c.name == name)
        conn.execute(table.delete().where(mine))
        value = "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))
        conn.execute(
            table.insert().values(
                registry_uid=registry.uid,
                name=name,
                sealed=vault.seal(value, f"{registry.uid}/{name}"),
                stamp=secrets.token_hex(8),
            )
        )
    core.bump_generation(conn)
    return list_admin_passwords(conn, vault, registry)


def list_admin_passwords(
    conn: core.Connection, vault: core.Vault, registry: Registry
) -> list[AdminPassword]:
    """Return the admin user's passwords in the clear, ``password`` first."""
    table = admin_passwords
    query = sa.select(table).where(table.c.registry_uid == registry.uid).order_by(table.c.name)
    return [
        AdminPassword(row.name, vault.open(row.sealed, f"{registry.uid}/{row.name}"), row.stamp)
        for row in conn.execute(query)
    ]


def get_usage(conn: core.Connection, name: str) -> int:
    """Return the bytes of everything a registry holds, each blob counted once."""
    registry = get_registry(conn, name)
    mine = sa.select(repositories.c.id).where(repositories.c.registry_uid == registry.uid)
    linked = sa.select(links.c.digest).where(links.c.repository_id.in_(mine))
    size = sa.func.coalesce(sa.func.sum(blobs.c.size), 0)
    of_blobs: int = conn.scalars(sa.select(size).where(blobs.c.digest.in_(linked))).one()
    unique = (
        sa.select(manifests.c.digest, manifests.c.size)
        .where(manifests.c.repository_id.in_(mine))
        .distinct()
        .subquery()
    )
    total = sa.func.coalesce(sa.func.sum(unique.c.size), 0)
    of_manifests: int = conn.scalars(sa.select(total)).one()
    return of_blobs + of_manifests


def _render_network(network: access.NetworkRules) -> str:
    return json.dumps(
        {
            "public": network.public,
            "default_allow": network.default_allow,
            "allowed": list(network.allowed),
        }
    )
