"""A gateway over one declared provider, and a caller for every kind of right."""

import json
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from tests.databases import open_store

from silo import access, arm, core, front

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/g1"
THING = f"{GROUP}/providers/Silo.Test/things/one"
NAMES = front.Names("silo.test", 443)
VERSION = "2026-01-01"


class ThingProperties(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="allow")

    size_in_gb: int = 1


class GroupProperties(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


@dataclass
class Ledger:
    """What the world was asked to do."""

    reconciled: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failure: Exception | None = None
    seen: int = 1

    async def reconcile(self, resource, _wanted):
        if self.failure is not None:
            raise self.failure
        self.reconciled.append(resource.id.name)

    async def remove(self, resource):
        if self.failure is not None:
            raise self.failure
        self.removed.append(resource.id.name)


def refuse_big(change):
    if change.wanted.size_in_gb > 100:
        raise arm.InvalidParameter("Too big.")


class World:
    """Everything a request meets between the front door and the disk."""

    rate = 1000
    """Times of Azure's limits."""

    def __init__(self, folder):
        self.store = open_store(folder)
        self.clock = core.SystemClock()
        self.ledger = Ledger()
        self.resources = arm.Resources(self.store, self.clock)
        self.catalogue = arm.Catalogue(self._declare(), self.resources)
        self.gateway = arm.Gateway(
            self.catalogue,
            self.resources,
            access.Authorizer(self.store),
            self._authenticate,
            "tenant",
            throttle=arm.Throttle(self.clock, self.rate),
        )
        self.reconciler = arm.Reconciler(self.catalogue, self.resources)
        self.store.write_now(self._seed)

    def _declare(self):
        things = arm.ResourceType(
            name="things",
            properties=ThingProperties,
            api_versions=(VERSION,),
            check=refuse_big,
            actions=(arm.Action("poke", self._poke),),
        )
        slow = arm.ResourceType(
            name="slowThings",
            properties=ThingProperties,
            api_versions=(VERSION,),
            reconcile=self.ledger.reconcile,
            remove=self.ledger.remove,
        )
        watched = arm.ResourceType(
            name="watchedThings",
            properties=ThingProperties,
            api_versions=(VERSION,),
            view=lambda _conn, resource: {"seen": self.ledger.seen, "uid": resource.uid},
            render=lambda resource, _call: {
                "uid": None,
                "doubled": resource.properties["seen"] * 2,
            },
        )
        parts = arm.ResourceType(
            name="things/parts",
            properties=ThingProperties,
            api_versions=(VERSION,),
            located=False,
            on_delete=lambda _conn, resource: self.ledger.deleted.append(resource.id.name),
        )
        groups = arm.ResourceType(
            name="subscriptions/resourceGroups",
            properties=GroupProperties,
            api_versions=(VERSION,),
            path="/subscriptions/{subscription}/resourceGroups/{name}",
            remove=self.ledger.remove,
        )
        return (
            arm.Provider("Silo.Test", (things, slow, watched, parts)),
            arm.Provider("Microsoft.Resources", (groups,)),
        )

    async def _poke(self, _call, resource, body):
        return arm.Reply(200, {"poked": resource.id.name, "body": body})

    def _authenticate(self, token):
        if token == "stale":
            raise arm.ExpiredAuthenticationToken("The access token has expired.")
        if token not in {"owner", "reader", "nobody"}:
            raise arm.InvalidAuthenticationToken("The access token is invalid.")
        return access.Principal(
            object_id=f"{token}-id", tenant_id="tenant", type=access.PrincipalType.USER, name=token
        )

    def _seed(self, conn):
        stamp = arm.make_stamp(self.clock.now())
        id_ = arm.parse_resource_id(f"/subscriptions/{SUBSCRIPTION}")
        self.resources.put(conn, self.resources.make(id_, {}, stamp))
        for who, role in (("owner", "Owner"), ("reader", "Reader")):
            access.insert_assignment(
                conn,
                access.RoleAssignment(
                    name=f"assignment-{who}",
                    scope="/",
                    principal_id=f"{who}-id",
                    principal_type="User",
                    role_definition_id=access.ROLE_IDS[role],
                ),
            )

    async def ask(self, method, path, body=None, *, who="owner", headers=(), raw=None):
        """Send one request through the gateway; return status, headers and body."""
        path, _, query = path.partition("?")
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = [(b"authorization", f"Bearer {who}".encode())] if who else []
        sent += [(name.encode(), value.encode()) for name, value in dict(headers).items()]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": (query or f"api-version={VERSION}").encode(),
            "headers": sent,
            "silo": front.RequestContext("request-1", "127.0.0.1", NAMES.urls),
        }
        messages = []

        async def receive():
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message):
            messages.append(message)

        await self.gateway(scope, receive, send)
        found = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in messages[1:])
        return messages[0]["status"], found, json.loads(text) if text else None
