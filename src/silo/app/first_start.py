"""The first start: tenant, subscription, first administrator, bootstrap service principal."""

import contextlib
import json
import uuid
from pathlib import Path
from typing import Any

from silo import access, arm, core, identity
from silo.providers import insights, operationalinsights, resources
from silo.settings import Settings

OWNER = access.ROLE_IDS["Owner"]


def ensure_instance(settings: Settings, clock: core.Clock) -> dict[str, Any] | None:
    """Make the database with its first principals; return their credentials if made just now.

    The database is built beside its place and renamed into it only after the credentials are on
    disk: a start that is killed at any point is simply done again by the next one.
    """
    with contextlib.closing(core.Store(settings.monitor_database)) as monitor:
        operationalinsights.create_tables(monitor)
        insights.create_tables(monitor)
    if settings.database.exists():
        store = core.Store(settings.database)
        with contextlib.closing(store):
            store.create_tables()
        return None
    draft = settings.state / "first-start.db"
    for leftover in settings.state.glob("first-start.db*"):
        leftover.unlink()
    document = _build(draft, settings, clock)
    core.write_private(settings.credentials, json.dumps(document, indent=2).encode())
    draft.rename(settings.database)
    return document


def _build(path: Path, settings: Settings, clock: core.Clock) -> dict[str, Any]:
    store = core.Store(path)
    with contextlib.closing(store):
        store.create_tables()
        tenant = identity.Tenant(settings.tenant_id, settings.domain, "Silo")
        made = identity.bootstrap(store, tenant, clock)
        principals = (
            (made.administrator_object_id, access.PrincipalType.USER),
            (made.service_principal_object_id, access.PrincipalType.SERVICE_PRINCIPAL),
        )

        def assign(conn: core.Connection) -> None:
            now = core.render_time(clock.now())
            for object_id, kind in principals:
                access.insert_assignment(
                    conn,
                    access.RoleAssignment(
                        name=str(uuid.uuid4()),
                        scope=access.ROOT,
                        principal_id=object_id,
                        principal_type=kind,
                        role_definition_id=OWNER,
                        created_on=now,
                        updated_on=now,
                        description="Made at the first start.",
                    ),
                )

        def subscribe(conn: core.Connection) -> None:
            table = arm.Resources(store, clock)
            resources.ensure_subscription(
                conn, table, settings.subscription_id, "Silo", settings.tenant_id, clock.now()
            )

        store.write_now(assign)
        store.write_now(subscribe)
    return {
        "tenantId": settings.tenant_id,
        "subscriptionId": settings.subscription_id,
        "administrator": {
            "userPrincipalName": made.administrator_upn,
            "password": made.administrator_password,
        },
        "servicePrincipal": {"clientId": made.client_id, "clientSecret": made.client_secret},
    }
