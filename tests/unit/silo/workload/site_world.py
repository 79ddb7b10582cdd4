"""One container group with identities, and an issuer that knows them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.databases import open_store
from tests.unit.silo.providers.world import GROUP, TENANT

from silo import arm, core, front, identity, workload

NAMES = front.Names("silo.test", 8443)
TEXT = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/c1"
USERS = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"


@dataclass
class FakeClock:
    time: datetime = field(default=datetime(2026, 11, 23, 10, tzinfo=UTC))

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


@dataclass
class Site:
    store: core.Store
    clock: Any
    issuer: identity.Issuer
    resources: arm.Resources
    resource: arm.Resource

    def add_user_identity(self, name: str) -> identity.ManagedIdentity:
        return self._add(name, f"{USERS}/{name}", user=True)

    def add_own_identity(self) -> identity.ManagedIdentity:
        return self._add("c1", TEXT, user=False)

    def delete_identity(self, made: identity.ManagedIdentity) -> None:
        self.store.write_now(lambda conn: identity.delete_managed_identity(conn, made.object_id))

    def list_sign_ins(self) -> list[dict[str, Any]]:
        now, day = self.clock.now(), timedelta(days=1)
        return self.store.read_now(
            lambda conn: identity.list_sign_ins(conn, since=now - day, until=now + day)
        )

    def _add(self, name: str, text: str, *, user: bool) -> identity.ManagedIdentity:
        def write(conn: core.Connection) -> identity.ManagedIdentity:
            made = identity.create_managed_identity(conn, name, text, self.clock.now())
            block = dict(self.resource.document.get("identity") or {})
            if user:
                ids = {"principalId": made.object_id, "clientId": made.client_id}
                users = {**block.get("userAssignedIdentities", {}), text: ids}
                block["userAssignedIdentities"] = users
            else:
                block["principalId"] = made.object_id
            document = {**self.resource.document, "identity": block}
            self.resource = self.resources.put(conn, replace(self.resource, document=document))
            return made

        return self.store.write_now(write)


def no_nodes(_conn: core.Connection, _resource: arm.Resource) -> workload.Assigned:
    """Return the identities of a resource's nodes: a container group has none."""
    return workload.Assigned()


def open_site(folder: Path, keys: Path, clock: core.Clock) -> Iterator[Site]:
    store = open_store(folder)
    tenant = identity.Tenant(TENANT, "silo.test", "Silo")
    resources = arm.Resources(store, clock)

    def fill(conn: core.Connection) -> arm.Resource:
        identity.put_tenant(conn, tenant)
        stamp = arm.make_stamp(clock.now())
        return resources.put(conn, resources.make(arm.parse_resource_id(TEXT), {}, stamp))

    resource = store.write_now(fill)
    issuer = identity.Issuer(store, core.KeyRing(keys, clock), tenant, NAMES, clock)
    yield Site(store, clock, issuer, resources, resource)
    issuer.close()
    store.close()
