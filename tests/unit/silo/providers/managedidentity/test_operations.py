from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.silo.providers.world import GROUP, NOW, SUB, TENANT, World, open_world

from silo import access, arm, core, front, identity
from silo.providers import managedidentity
from silo.providers.managedidentity import errors
from silo.providers.managedidentity.properties import (
    FederatedIdentityCredential,
    UserAssignedIdentity,
)

TYPE = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
TRUST = {
    "issuer": "https://token.example/x",
    "subject": "repo:a/b:ref:refs/heads/main",
    "audiences": ["api://AzureADTokenExchange"],
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for built in open_world(tmp_path):
        built.provider = managedidentity.provider(built.resources)
        built.operations = built.provider.operations
        yield built


def call(world: World, who: access.Principal | None = None) -> arm.Call:
    caller = who or world.admin
    return arm.Call(
        principal=caller,
        urls=front.AZURE_URLS,
        correlation_id="c",
        client_ip="",
        api_version="2024-11-30",
        query={},
        now=NOW,
        allows=lambda action, scope: world.authorizer.decide(caller, action, scope).allowed,
        recorder=arm.Recorder(NOW, caller, "", "", "PUT", "", ""),
    )


def put(world: World, text: str, shape: Any, properties: dict[str, Any]) -> arm.Resource:
    """Write as the gateway does: rule, then effects and row in one transaction."""
    id_ = arm.parse_resource_id(text)
    kind = world.provider.types["/" in id_.type]

    def write(conn: core.Connection) -> arm.Resource:
        current = world.resources.find(conn, id_)
        document = {"location": "westeurope", "properties": properties}
        change = arm.Change(call(world), id_, shape.model_validate(properties), current, document)
        assert kind.check is not None
        assert kind.on_write is not None
        kind.check(change)
        resource = world.resources.make(id_, document, arm.make_stamp(NOW))
        written = kind.on_write(conn, change, resource) or resource
        return world.resources.put(conn, written)

    return world.store.write_now(write)


def make(world: World, name: str = "mine", **properties: Any) -> arm.Resource:
    return put(world, f"{TYPE}/{name}", UserAssignedIdentity, properties)


def trust(world: World, name: str, **properties: Any) -> arm.Resource:
    text = f"{TYPE}/mine/federatedIdentityCredentials/{name}"
    return put(world, text, FederatedIdentityCredential, {**TRUST, **properties})


def test_an_identity_has_a_principal_in_the_directory(world: World) -> None:
    made = make(world)

    principal = world.store.read_now(
        lambda conn: identity.get_principal(conn, made.properties["principalId"])
    )
    assert made.properties["tenantId"] == TENANT
    assert made.properties["clientId"] == principal.name
    assert principal.type is access.PrincipalType.SERVICE_PRINCIPAL


def test_writing_again_keeps_the_principal_whatever_the_client_says(world: World) -> None:
    made = make(world)

    again = make(world, principalId=world.admin.object_id, clientId="x", tenantId="y")

    assert again.properties == made.properties


def test_the_principal_goes_with_the_identity(world: World) -> None:
    made = make(world)
    trust(world, "gh1")
    kind = world.provider.types[0]
    assert kind.on_delete is not None
    delete = kind.on_delete
    world.store.write_now(lambda conn: delete(conn, made))

    with pytest.raises(identity.ObjectNotFound):
        world.store.read_now(
            lambda conn: identity.get_principal(conn, made.properties["principalId"])
        )


def test_trust_reaches_the_issuer_and_ends(world: World) -> None:
    owner = make(world).properties["principalId"]
    made = trust(world, "gh1")
    trust(world, "gh1", subject="other")

    (known,) = world.store.read_now(lambda conn: identity.list_federated_credentials(conn, owner))
    assert (known.issuer, known.subject) == (TRUST["issuer"], "other")
    kind = world.provider.types[1]
    assert kind.on_delete is not None
    delete = kind.on_delete
    world.store.write_now(lambda conn: delete(conn, made))
    assert world.store.read_now(lambda c: identity.list_federated_credentials(c, owner)) == ()


def test_the_same_issuer_and_subject_are_trusted_once(world: World) -> None:
    make(world)
    trust(world, "gh1")

    with pytest.raises(errors.FederatedCredentialConflict):
        trust(world, "gh2")


def test_an_identity_trusts_twenty_at_most(world: World) -> None:
    make(world)
    for number in range(20):
        trust(world, f"gh{number}", subject=str(number))

    with pytest.raises(errors.FederatedCredentialLimit):
        trust(world, "more", subject="more")


def test_there_is_no_trust_without_an_identity(world: World) -> None:
    with pytest.raises(arm.ResourceNotFound):
        trust(world, "gh1")


def test_what_would_not_be_kept_is_refused(world: World) -> None:
    make(world)

    with pytest.raises(arm.InvalidParameter):
        make(world, "other", assignmentRestrictions={"providers": ["x"]})
    with pytest.raises(arm.InvalidParameter):
        make(world, "other", isolationScope="Regional")
    with pytest.raises(arm.InvalidParameter):
        trust(world, "gh1", claimsMatchingExpression={"value": "x"})


async def test_resources_that_carry_the_identity_are_listed_to_who_may_read_them(
    world: World,
) -> None:
    made = make(world)
    user = f"{GROUP}/providers/Microsoft.X/things/t"

    def use(conn: core.Connection) -> None:
        document = {"identity": {"userAssignedIdentities": {made.id.text.upper(): {}}}}
        id_ = arm.parse_resource_id(user)
        world.resources.put(conn, world.resources.make(id_, document, arm.make_stamp(NOW)))

    world.store.write_now(use)
    (action,) = world.provider.types[0].actions

    mine = await action.handler(call(world), made, None)
    others = await action.handler(call(world, world.kim), made, None)

    assert [each["id"] for each in mine.body["value"]] == [user]
    assert others.body == {"totalCount": 0, "value": []}


async def test_a_resources_own_identity_is_read_at_its_scope(world: World) -> None:
    scope = f"{GROUP}/providers/Microsoft.X/things/t"

    def use(conn: core.Connection) -> str:
        made = identity.create_managed_identity(conn, "t", scope, NOW)
        document = {"location": "l", "identity": {"principalId": made.object_id}}
        id_ = arm.parse_resource_id(scope)
        world.resources.put(conn, world.resources.make(id_, document, arm.make_stamp(NOW)))
        return made.client_id

    client = world.store.write_now(use)

    reply = await world.ask("GET", "/identities/default", scope)

    assert reply.body["properties"]["clientId"] == client
    with pytest.raises(errors.IdentityNotFound):
        await world.ask("GET", "/identities/default", SUB)
