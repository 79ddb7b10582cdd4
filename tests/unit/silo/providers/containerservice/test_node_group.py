from tests.unit.silo.arm.world import GROUP, SUBSCRIPTION

from silo import access, arm, identity
from silo.providers import containerservice

from .cluster_world import K1, make_body

NODES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_g1_k1_westeurope"
OWN = f"{NODES}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/k1-agentpool"
CHOSEN = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/chosen"


async def make(world, **changes):
    status, _, body = await world.put(**changes)
    assert status in {200, 201}, body
    return await world.wait_state()


def list_of_nodes(world):
    def read(conn):
        cluster = world.resources.get(conn, arm.parse_resource_id(K1))
        return containerservice.list_node_identities(conn, cluster)

    return world.store.read_now(read)


async def test_nodes_have_an_identity_in_a_group_of_their_own(world):
    async with world.running():
        shown = (await make(world))["properties"]
        _, _, own = await world.ask("GET", OWN)
        _, _, group = await world.ask("GET", NODES)

    assert shown["nodeResourceGroup"] == "MC_g1_k1_westeurope"
    assert shown["servicePrincipalProfile"] == {"clientId": "msi"}
    kubelet = shown["identityProfile"]["kubeletidentity"]
    assert kubelet["resourceId"] == OWN
    assert kubelet["objectId"] == own["properties"]["principalId"]
    assert kubelet["clientId"] == own["properties"]["clientId"]
    assert group["managedBy"] == K1
    (one,) = list_of_nodes(world).users
    assert one.object_id == kubelet["objectId"]


async def test_identity_stays_when_the_cluster_is_written_again(world):
    async with world.running():
        before = await make(world)
        await world.ask("PUT", K1, before)
        after = await world.wait_state()

    assert after["properties"]["identityProfile"] == before["properties"]["identityProfile"]


async def test_group_goes_with_the_cluster(world):
    async with world.running():
        shown = await make(world)
        await world.ask("DELETE", K1)
        await world.wait_gone()
        status, _, _ = await world.ask("GET", NODES)

    kubelet = shown["properties"]["identityProfile"]["kubeletidentity"]["objectId"]
    found = world.store.read_now(lambda conn: identity.find_service_principal(conn, kubelet))
    assert (status, found) == (404, None)


async def test_group_that_is_there_is_not_taken(world):
    await world.ask("PUT", NODES, {"location": "westeurope"})

    status, _, body = await world.put()
    other, _, _ = await world.put(nodeResourceGroup="nodes-of-k1")

    assert (status, body["error"]["code"]) == (409, "NodeResourceGroupAlreadyExists")
    assert other == 201


async def test_lock_on_the_nodes_group_keeps_the_cluster(world):
    async with world.running():
        await make(world)
        lock = f"{NODES}/providers/Microsoft.Authorization/locks/keep"

        def put(conn):
            stamp = arm.make_stamp(world.clock.now())
            document = {"properties": {"level": "CanNotDelete"}}
            made = world.resources.make(arm.parse_resource_id(lock), document, stamp)
            world.resources.put(conn, made)

        world.store.write_now(put)
        status, _, body = await world.ask("DELETE", K1)

    assert (status, body["error"]["code"]) == (409, "ScopeLocked")


async def test_name_of_the_group_stays(world):
    async with world.running():
        await make(world)
        status, _, body = await world.put(nodeResourceGroup="another")

    assert (status, body["error"]["code"]) == (400, "PropertyChangeNotAllowed")


async def test_owner_may_choose_another_identity(world):
    await world.ask("PUT", CHOSEN, {"location": "westeurope"})
    profile = {"kubeletidentity": {"resourceId": CHOSEN, "clientId": "made-up"}}
    async with world.running():
        shown = await make(world, identityProfile=profile)

    _, _, chosen = await world.ask("GET", CHOSEN)
    kubelet = shown["properties"]["identityProfile"]["kubeletidentity"]
    assert kubelet["clientId"] == chosen["properties"]["clientId"]
    (one,) = list_of_nodes(world).users
    assert one.resource_id == CHOSEN


async def test_identity_that_is_not_there_is_refused(world):
    profile = {"kubeletidentity": {"resourceId": CHOSEN}}

    status, _, body = await world.put(identityProfile=profile)

    assert (status, body["error"]["code"]) == (400, "FailedIdentityOperation")


async def test_who_may_not_assign_an_identity_gives_it_to_no_node(world):
    await world.ask("PUT", CHOSEN, {"location": "westeurope"})
    body = make_body(identityProfile={"kubeletidentity": {"resourceId": CHOSEN}})
    role = access.RoleAssignment(
        name="clusters",
        scope=GROUP,
        principal_id="nobody-id",
        principal_type="User",
        role_definition_id=access.ROLE_IDS["Azure Kubernetes Service Contributor Role"],
    )
    world.store.write_now(lambda conn: access.insert_assignment(conn, role))

    status, _, body = await world.ask("PUT", K1, body, who="nobody")

    assert (status, body["error"]["code"]) == (403, "LinkedAuthorizationFailed")


async def test_identity_made_again_under_the_same_name_is_not_the_nodes(world):
    await world.ask("PUT", CHOSEN, {"location": "westeurope"})
    profile = {"kubeletidentity": {"resourceId": CHOSEN}}
    async with world.running():
        await make(world, identityProfile=profile)
        await world.ask("DELETE", CHOSEN)
        await world.ask("PUT", CHOSEN, {"location": "westeurope"})

    assert list_of_nodes(world).users == ()
