from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.unit.silo.providers.world import GROUP, NOW, TENANT, World, open_world

from silo import access, arm, core, front, identity, workload

TEXT = f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/c1"
USERS = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
MINE = f"{USERS}/mine"
ID = arm.parse_resource_id(TEXT)


class Shape(BaseModel):
    pass


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    yield from open_world(tmp_path)


def make_identity(world: World, text: str = MINE) -> identity.ManagedIdentity:
    name = text.rpartition("/")[2]
    return world.store.write_now(
        lambda conn: identity.create_managed_identity(conn, name, text, NOW)
    )


def put(
    world: World,
    block: Mapping[str, Any] | None,
    *,
    who: access.Principal | None = None,
    **rest: Any,
) -> arm.Resource:
    """Write as the gateway does."""
    caller = who or world.admin
    call = arm.Call(
        principal=caller,
        urls=front.AZURE_URLS,
        correlation_id="c",
        client_ip="",
        api_version="2024-11-30",
        query={},
        now=NOW,
        allows=lambda action, scope: world.authorizer.decide(caller, action, scope).allowed,
        recorder=arm.Recorder(NOW, caller, "", "", "PUT", "", ""),
        action="Microsoft.ContainerInstance/containerGroups/write",
    )
    document: dict[str, Any] = {"location": "westeurope", "properties": {}, **rest}
    if block is not None:
        document["identity"] = block

    def write(conn: core.Connection) -> arm.Resource:
        current = world.resources.find(conn, ID)
        change = arm.Change(call, ID, Shape(), current, document)
        resource = world.resources.make(ID, document, arm.make_stamp(NOW))
        return world.resources.put(conn, workload.write_identities(conn, change, resource))

    return world.store.write_now(write)


def list_assigned(world: World, resource: arm.Resource) -> workload.Assigned:
    return world.store.read_now(lambda conn: workload.list_assigned(conn, resource))


def give_kim_the_group(world: World) -> None:
    world.give("Contributor", TEXT, world.kim.object_id, 7)


def test_a_resource_gets_its_own_principal(world: World) -> None:
    made = put(world, {"type": "systemassigned", "principalId": world.admin.object_id})

    block = made.document["identity"]
    own = list_assigned(world, made).system
    assert own is not None
    assert block == {"type": "SystemAssigned", "principalId": own.object_id, "tenantId": TENANT}
    assert own.object_id != world.admin.object_id


def test_the_principal_stays_while_it_is_wanted(world: World) -> None:
    made = put(world, {"type": "SystemAssigned"})

    again = put(world, {"type": "SystemAssigned"}, properties={"sku": "x"})

    assert again.document["identity"] == made.document["identity"]


@pytest.mark.parametrize("block", [None, {"type": "None"}])
def test_the_principal_goes_when_it_is_no_longer_wanted(world: World, block: Any) -> None:
    principal = put(world, {"type": "SystemAssigned"}).document["identity"]["principalId"]

    again = put(world, block)

    assert "identity" not in again.document
    gone = world.store.read_now(lambda conn: identity.find_service_principal(conn, principal))
    assert gone is None


def test_the_principal_goes_with_the_resource(world: World) -> None:
    made = put(world, {"type": "SystemAssigned"})

    world.store.write_now(lambda conn: workload.delete_identities(conn, made))

    assert list_assigned(world, made).system is None


def test_a_user_assigned_identity_is_shown_with_its_ids(world: World) -> None:
    mine = make_identity(world)

    made = put(world, {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {MINE: {}}})

    block = made.document["identity"]
    assert block["type"] == "SystemAssigned, UserAssigned"
    assert block["userAssignedIdentities"] == {
        MINE: {"principalId": mine.object_id, "clientId": mine.client_id}
    }
    found = list_assigned(world, made).find_user(MINE.upper())
    assert found is not None
    assert found.client_id == mine.client_id


def test_an_identity_that_is_not_there_cannot_be_assigned(world: World) -> None:
    with pytest.raises(workload.FailedIdentityOperation):
        put(world, {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}})


def test_who_may_not_assign_an_identity_does_not_learn_whether_it_exists(world: World) -> None:
    give_kim_the_group(world)

    with pytest.raises(arm.LinkedAuthorizationFailed, match="assign/action"):
        put(world, {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}}, who=world.kim)


def test_what_runs_under_an_identity_is_changed_only_by_who_may_assign_it(world: World) -> None:
    make_identity(world)
    block = {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}}
    shown = put(world, block).document["identity"]
    give_kim_the_group(world)

    with pytest.raises(arm.LinkedAuthorizationFailed):
        put(world, shown, who=world.kim, properties={"image": "mine"})


def test_tags_are_changed_without_the_right_to_assign(world: World) -> None:
    make_identity(world)
    block = {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}}
    shown = put(world, block).document["identity"]
    give_kim_the_group(world)

    tagged = put(world, shown, who=world.kim, tags={"a": "b"})

    assert tagged.document["identity"] == shown


def test_an_identity_operator_may_assign(world: World) -> None:
    make_identity(world)
    give_kim_the_group(world)
    world.give("Managed Identity Operator", MINE, world.kim.object_id, 8)

    made = put(world, {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}}, who=world.kim)

    assert MINE in made.document["identity"]["userAssignedIdentities"]


def test_an_identity_made_again_under_the_same_name_is_not_assigned(world: World) -> None:
    mine = make_identity(world)
    made = put(world, {"type": "UserAssigned", "userAssignedIdentities": {MINE: {}}})

    world.store.write_now(lambda conn: identity.delete_managed_identity(conn, mine.object_id))
    make_identity(world)

    assert list_assigned(world, made).users == ()


@pytest.mark.parametrize("users", [None, {}, {MINE: None}])
def test_user_assigned_needs_an_identity(world: World, users: Any) -> None:
    with pytest.raises(workload.MissingIdentityIds):
        put(world, {"type": "UserAssigned", "userAssignedIdentities": users})


def test_identities_beside_another_type_are_not_swallowed(world: World) -> None:
    with pytest.raises(workload.InvalidIdentityValues):
        put(world, {"type": "SystemAssigned", "userAssignedIdentities": {MINE: {}}})


def test_only_the_id_of_an_identity_is_taken(world: World) -> None:
    with pytest.raises(arm.InvalidResourceId):
        put(world, {"type": "UserAssigned", "userAssignedIdentities": {TEXT: {}}})


def test_a_resource_uses_only_identities_that_it_has() -> None:
    document = {"identity": {"userAssignedIdentities": {MINE: {}}}}

    workload.check_assigned(document, [MINE.upper()])
    with pytest.raises(workload.InvalidIdentityValues, match="other"):
        workload.check_assigned(document, [f"{USERS}/other"])
