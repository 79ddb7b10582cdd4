import json
import uuid
from datetime import UTC, datetime

import pytest
from tests.unit.silo.arm.world import GROUP

from silo import access, audit, front
from silo.providers.containerservice import AuthorizerDoor

from .cluster_world import K1

ISSUED = 1_700_000_000
OID = "00000000-0000-0000-0000-0000000000cc"
TEAM = "00000000-0000-0000-0000-0000000000dd"
WRITER = "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb"
CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
ADMIN = "3498e952-d568-435e-9b2c-8d77e338d7f7"
READER = "7f6c6a51-bcf8-42ba-9220-52d62157d7db"


class Asker:
    """An API server that asks about one person."""

    def __init__(self, world):
        self.world = world
        self.person = access.Principal(
            OID, "t", access.PrincipalType.USER, "dev@silo.test", frozenset({TEAM})
        )
        self.door = AuthorizerDoor(
            resources=world.resources,
            clock=world.clock,
            authorizer=access.Authorizer(world.store),
            find_principal=self.find,
            make_token=lambda uid: f"word of {uid}",
        )

    def find(self, object_id, issued, credential):
        assert (issued, credential) == (datetime.fromtimestamp(ISSUED, UTC), "")
        return self.person if object_id == OID else None

    @property
    def uid(self):
        return next(iter(self.world.clusters.plans))

    async def post(self, document, *, token=None, path=None, method="POST"):
        word = f"word of {self.uid}" if token is None else token
        scope = {
            "type": "http",
            "method": method,
            "path": path or f"/clusters/{self.uid}/authorize",
            "headers": [(b"authorization", f"Bearer {word}".encode())],
            "silo": front.RequestContext("r1", "10.0.0.1", front.AZURE_URLS),
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": json.dumps(document).encode()}

        async def send(message):
            sent.append(message)

        await self.door(scope, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"])

    async def may(self, verb, resource, namespace="shop", group="", **more):
        attributes = {"verb": verb, "resource": resource, "namespace": namespace, "group": group}
        extra = {"entra.silo/oid": [more.get("oid", OID)], "entra.silo/iat": [str(ISSUED)]}
        groups = [*more.get("groups", [TEAM]), "system:authenticated"]
        spec = {"user": more.get("user", "dev@silo.test"), "groups": groups, "extra": extra}
        status, body = await self.post({"spec": {**spec, "resourceAttributes": attributes}})
        assert status == 201, body
        return body["status"]

    def list_denied(self):
        since, until = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2100))
        found = self.world.store.read_now(
            lambda conn: audit.list_records(
                conn, category="Administrative", since=since, until=until, within=K1
            )
        )
        return [body for _, body in found if body["result"] == "Denied"]

    def grant(self, role, scope, to=OID):
        assignment = access.RoleAssignment(str(uuid.uuid4()), scope, to, "User", role)
        self.world.store.write_now(lambda conn: access.insert_assignment(conn, assignment))


@pytest.fixture
async def asker(world):
    async with world.running():
        await world.put(aadProfile={"managed": True, "enableAzureRBAC": True})
        await world.wait_state()
    return Asker(world)


async def test_writer_of_a_namespace_writes_there_and_nowhere_else(asker):
    asker.grant(WRITER, f"{K1}/namespaces/shop")
    inside = await asker.may("create", "deployments", group="apps")
    elsewhere = await asker.may("create", "deployments", "other", "apps")
    everywhere = await asker.may("list", "pods", "")
    roles = await asker.may("create", "rolebindings", group="rbac.authorization.k8s.io")

    assert (inside["allowed"], inside["denied"]) == (True, False)
    assert "Azure Kubernetes Service RBAC Writer" in inside["reason"]
    for refused in (elsewhere, everywhere, roles):
        assert (refused["allowed"], refused["denied"]) == (False, False)
        assert "Update role assignment" in refused["reason"]


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (READER, {"get pods"}),
        (WRITER, {"get pods", "get secrets", "delete pods"}),
        (ADMIN, {"get pods", "get secrets", "delete pods", "create roles"}),
        (
            CLUSTER_ADMIN,
            {"get pods", "get secrets", "delete pods", "create roles", "delete namespaces"},
        ),
    ],
)
async def test_built_in_roles_allow_what_they_say(asker, role, allowed):
    asker.grant(role, GROUP, to=TEAM)
    groups = {"roles": "rbac.authorization.k8s.io"}
    deeds = ("get pods", "get secrets", "delete pods", "create roles", "delete namespaces")
    found = set()
    for deed in deeds:
        verb, resource = deed.split()
        answer = await asker.may(verb, resource, "", groups.get(resource, ""))
        found |= {deed} if answer["allowed"] else set()

    assert found == allowed


async def test_star_is_the_name_of_no_deed(asker):
    asker.grant(CLUSTER_ADMIN, GROUP)

    assert not (await asker.may("*", "*"))["allowed"]


async def test_somebody_disabled_is_out_whatever_role_bindings_say(asker):
    asker.grant(CLUSTER_ADMIN, GROUP)
    before = await asker.may("get", "pods")
    asker.person = None
    after = await asker.may("get", "pods")
    again = await asker.may("get", "secrets")

    assert before["allowed"]
    assert (after["allowed"], after["denied"], again["denied"]) == (False, True, True)
    (denied,) = asker.list_denied()
    assert (denied["caller"], denied["caller_object_id"]) == ("", "")
    assert (denied["properties"]["claimed"], denied["properties"]["claimedBy"]) == (OID, K1)
    assert denied["scope"] == f"{K1}/namespaces/shop"


async def test_group_that_was_left_opens_nothing(asker):
    asker.grant(CLUSTER_ADMIN, GROUP)
    left = await asker.may("get", "pods", groups=[TEAM, OID])

    assert (left["allowed"], left["denied"]) == (False, True)
    assert "sign in again" in left["reason"]
    (denied,) = asker.list_denied()
    assert (denied["caller"], denied["caller_object_id"]) == ("dev@silo.test", OID)
    assert denied["properties"]["claimedBy"] == K1


async def test_cluster_that_invents_people_names_nobody_and_fills_no_log(asker):
    for number in range(60):
        await asker.may("get", "pods", oid=str(number), user="boss@silo.test")
    denied = asker.list_denied()

    assert len(denied) == 51
    assert {one["caller"] for one in denied} == {""}
    assert sum("too many" in one["properties"]["reason"] for one in denied) == 1


async def test_answer_names_nobody_whom_the_question_did_not(asker):
    asker.grant(CLUSTER_ADMIN, GROUP)
    answer = await asker.may("get", "pods", user="somebody")

    assert answer["allowed"]
    assert "dev@silo.test" not in answer["reason"]


async def test_without_azure_rbac_there_is_no_opinion(asker):
    asker.grant(CLUSTER_ADMIN, GROUP)
    async with asker.world.running():
        await asker.world.put(aadProfile={"managed": True, "enableAzureRBAC": False})
        await asker.world.wait_state()
    answer = await asker.may("get", "pods")

    assert (answer["allowed"], answer["denied"]) == (False, False)


async def test_nobody_but_the_cluster_is_answered(asker):
    document = {"spec": {}}
    other = "f" * 32
    assert (await asker.post(document, token=""))[0] == 401
    assert (await asker.post(document, token=f"word of {other}"))[0] == 401
    path = f"/clusters/{other}/authorize"
    assert (await asker.post(document, path=path))[0] == 401
    assert (await asker.post(document, path=path, token=f"word of {other}"))[0] == 404
    assert (await asker.post(document, path="/"))[0] == 404
    assert (await asker.post(document, method="GET"))[0] == 405
    status, body = await asker.post(document)
    assert (status, body["kind"], body["reason"]) == (400, "Status", "BadRequest")
