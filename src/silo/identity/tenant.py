"""The one tenant of an instance: its id, its domain and how it is called."""

from dataclasses import dataclass

import sqlalchemy as sa

from silo import core

from .tables import tenants


@dataclass(frozen=True, slots=True)
class Tenant:
    """Entra's tenant; every object id and every token belongs to it."""

    id: str
    """A GUID, lower case."""
    domain: str
    """The verified domain, lower case; every ``userPrincipalName`` ends in it."""
    display_name: str


def put_tenant(conn: core.Connection, tenant: Tenant) -> None:
    """Store the tenant; an instance has one."""
    conn.execute(tenants.delete())
    conn.execute(
        tenants.insert().values(
            id=tenant.id, domain=tenant.domain, display_name=tenant.display_name
        )
    )


def get_tenant(conn: core.Connection) -> Tenant:
    """Return the tenant.

    Raises:
        LookupError: the instance was never bootstrapped.

    """
    row = conn.execute(sa.select(tenants)).first()
    if row is None:
        raise LookupError("This instance has no tenant yet.")
    return Tenant(row.id, row.domain, row.display_name)
