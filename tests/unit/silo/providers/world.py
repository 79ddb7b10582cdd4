"""A tenant with two people, a group, a subscription and what is in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.databases import open_store

from silo import access, arm, core, front, identity

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SUB = "/subscriptions/11111111-1111-1111-1111-111111111111"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"
GROUP = f"{SUB}/resourceGroups/rg"
GUID = "aaaaaaaa-0000-0000-0000-{:012d}"
TENANT = "99999999-9999-9999-9999-999999999999"


class Clock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


@dataclass
class World:
    store: core.Store
    resources: arm.Resources
    authorizer: access.Authorizer
    admin: access.Principal
    kim: access.Principal
    team: str
    provider: arm.Provider = field(default_factory=lambda: arm.Provider(""))
    operations: tuple[arm.Operation, ...] = ()

    def list_operations(self) -> tuple[arm.Operation, ...]:
        return self.operations

    def find(self, method: str, suffix: str) -> arm.Operation:
        (found,) = (
            item for item in self.operations if item.method == method and item.path.endswith(suffix)
        )
        return found

    async def ask(
        self,
        method: str,
        suffix: str,
        scope: str,
        body: Any = None,
        *,
        who: access.Principal | None = None,
        query: dict[str, str] | None = None,
        **names: str,
    ) -> arm.Reply:
        """Call a handler as the gateway does once it has authorised the caller at the path."""
        operation = self.find(method, suffix)
        caller = who or self.admin
        path = operation.path.replace("{scope}", scope.rstrip("/"))
        for name, value in names.items():
            path = path.replace(f"{{{name}}}", value)
        found, match = arm.Routes(self.operations).find(method, path)
        assert found is operation
        recorder = arm.Recorder(
            NOW, caller, operation.name, match.id.text, method, "127.0.0.1", "c"
        )
        call = arm.Call(
            principal=caller,
            urls=front.AZURE_URLS,
            correlation_id="c",
            client_ip="127.0.0.1",
            api_version="2022-04-01",
            query=query or {},
            now=NOW,
            allows=lambda action, at: self.authorizer.decide(caller, action, at).allowed,
            recorder=recorder,
            action=operation.name,
        )
        return await operation.handler(call, match, body)

    def give(self, role: str, scope: str, oid: str, number: int) -> None:
        self.store.write_now(
            lambda conn: access.insert_assignment(
                conn,
                access.RoleAssignment(
                    GUID.format(number), scope, oid, "User", access.ROLE_IDS.get(role, role)
                ),
            )
        )


def open_world(tmp_path: Path) -> Iterator[World]:
    store = open_store(tmp_path)
    resources = arm.Resources(store, Clock())

    def fill(conn: core.Connection) -> tuple[access.Principal, access.Principal, str]:
        identity.put_tenant(conn, identity.Tenant(TENANT, "silo.local", "Silo"))
        people = [
            identity.create_user(
                conn,
                user_principal_name=f"{name}@silo.local",
                display_name=name,
                password_hash="",
                now=NOW,
            )
            for name in ("admin", "kim")
        ]
        team = identity.create_group(conn, display_name="team", mail_nickname="team", now=NOW)
        identity.add_member(conn, team.id, people[1].id)
        for scope in (SUB, OTHER, GROUP):
            stamp = arm.make_stamp(NOW)
            resources.put(conn, resources.make(arm.parse_resource_id(scope), {}, stamp))
        admin, kim = (identity.get_principal(conn, person.id) for person in people)
        return admin, kim, team.id

    admin, kim, team = store.write_now(fill)
    built = World(store, resources, access.Authorizer(store), admin, kim, team)
    built.give("Owner", SUB, admin.object_id, 0)
    yield built
    store.close()
