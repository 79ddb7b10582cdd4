"""The first start: the tenant, its first administrator and the first service principal."""

import secrets
import string
from dataclasses import dataclass, field
from datetime import timedelta

from silo import audit, core

from .applications import create_application
from .credentials import add_password_credential, hash_password
from .directory_errors import ObjectConflict
from .directory_roles import GLOBAL_ADMINISTRATOR, assign_directory_role
from .objects import add_owner
from .service_principals import create_service_principal
from .tenant import Tenant, get_tenant, put_tenant
from .users import create_user

_PASSWORD_LENGTH = 24
"""142 random bits in letters and digits, so that it survives every shell."""
_SECRET_YEARS = 2
"""Entra's longest offer for a client secret; ``silo`` shows when it ends."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the first start made; the secrets are nowhere else."""

    administrator_upn: str
    administrator_password: str = field(repr=False)
    administrator_object_id: str
    client_id: str
    client_secret: str = field(repr=False)
    service_principal_object_id: str
    application_object_id: str


def bootstrap(store: core.Store, tenant: Tenant, clock: core.Clock) -> Bootstrap:
    """Make the tenant, ``admin@<domain>`` and a service principal, both Global Administrators.

    Azure's roles on the subscription are the caller's to give.

    Raises:
        ObjectConflict: the instance has a tenant already.

    """
    alphabet = string.ascii_letters + string.digits
    password = "".join(secrets.choice(alphabet) for _ in range(_PASSWORD_LENGTH))
    password_hash = hash_password(password)
    now = clock.now()

    def write(conn: core.Connection) -> Bootstrap:
        if is_bootstrapped(conn):
            raise ObjectConflict("This instance has a tenant already.")
        put_tenant(conn, tenant)
        user = create_user(
            conn,
            user_principal_name=f"admin@{tenant.domain}",
            display_name="Administrator",
            password_hash=password_hash,
            now=now,
            properties={"mailNickname": "admin"},
        )
        application = create_application(conn, display_name="silo-bootstrap", now=now)
        add_owner(conn, application.id, user.id)
        principal = create_service_principal(conn, application.app_id, now)
        add_owner(conn, principal.id, user.id)
        _, secret = add_password_credential(
            conn,
            application.id,
            display_name="bootstrap",
            start=now,
            end=now + timedelta(days=365 * _SECRET_YEARS),
        )
        for object_id in (user.id, principal.id):
            assign_directory_role(conn, GLOBAL_ADMINISTRATOR, object_id)
        audit.append(
            conn,
            audit.Record(
                time=now,
                category="Administrative",
                operation="Microsoft.Graph/organization/create",
                scope=f"/providers/Microsoft.Graph/organization/{tenant.id}",
                result="Succeeded",
                caller="silo",
                properties={"administrator": user.id, "servicePrincipal": principal.id},
            ),
        )
        return Bootstrap(
            administrator_upn=user.user_principal_name,
            administrator_password=password,
            administrator_object_id=user.id,
            client_id=application.app_id,
            client_secret=secret,
            service_principal_object_id=principal.id,
            application_object_id=application.id,
        )

    return store.write_now(write)


def is_bootstrapped(conn: core.Connection) -> bool:
    """Tell whether this instance has its tenant."""
    try:
        get_tenant(conn)
    except LookupError:
        return False
    return True
