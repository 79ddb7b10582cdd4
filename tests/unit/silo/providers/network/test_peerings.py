import pytest

from silo import arm, engine
from silo.providers.network.subnets import Subnets
from silo.providers.network.topology import Topology

from .network_world import NETWORK, POOLS, NetworkWorld

ONE, TWO = f"{NETWORK}/virtualNetworks/one", f"{NETWORK}/virtualNetworks/two"
THERE, BACK = f"{ONE}/virtualNetworkPeerings/there", f"{TWO}/virtualNetworkPeerings/back"


@pytest.fixture
async def world(tmp_path):
    made = NetworkWorld(tmp_path)
    await made.make_group()
    for path, prefix in ((ONE, "10.1.0.0/16"), (TWO, "10.2.0.0/16")):
        await made.put(path, {"addressSpace": {"addressPrefixes": [prefix]}})
    yield made
    made.store.close()


async def peer(world, path, remote, **parts):
    """Send a peering as ``az network vnet peering create`` does."""
    body = {"properties": {"remoteVirtualNetwork": {"id": remote}, **parts}}
    return await world.ask("PUT", f"{path}?api-version=2024-07-01", body)


def read_rules(world, path):
    def read(conn):
        return world.resources.get(conn, arm.parse_resource_id(path)).uid

    uid = world.store.read_now(read)
    return uid, world.placements.find_rules(uid)


async def test_two_networks_are_joined_once_both_say_so(world):
    status, _, first = await peer(world, THERE, TWO)
    assert status == 201
    assert first["properties"]["peeringState"] == "Initiated"
    assert first["properties"]["remoteAddressSpace"] == {"addressPrefixes": ["10.2.0.0/16"]}
    assert read_rules(world, ONE)[1].peers == ()

    _, _, second = await peer(world, BACK, ONE)
    assert second["properties"]["peeringState"] == "Connected"
    _, _, network = await world.get(ONE)
    (shown,) = network["properties"]["virtualNetworkPeerings"]
    assert shown["properties"]["peeringState"] == "Connected"
    two, _ = read_rules(world, TWO)
    assert read_rules(world, ONE)[1].peers == (engine.Peer(two, ("10.2.0.0/16",)),)


async def test_a_side_that_does_not_let_pass_joins_nothing(world):
    await peer(world, THERE, TWO, allowVirtualNetworkAccess=False)
    await peer(world, BACK, ONE)

    assert read_rules(world, ONE)[1].peers == read_rules(world, TWO)[1].peers == ()


async def test_the_tag_virtualnetwork_means_the_peer_too(world):
    nsg = f"{NETWORK}/networkSecurityGroups/n1"
    await world.put(nsg)
    await world.put(
        f"{ONE}/subnets/s", {"addressPrefix": "10.1.0.0/24", "networkSecurityGroup": {"id": nsg}}
    )
    await peer(world, THERE, TWO)
    alone = read_rules(world, ONE)[1].subnets[0].inbound[0]
    await peer(world, BACK, ONE)
    joined = read_rules(world, ONE)[1].subnets[0].inbound[0]

    assert alone.sources == ("10.1.0.0/16",)
    assert set(joined.sources) == {"10.1.0.0/16", "10.2.0.0/16"}


async def test_the_other_side_shows_that_it_was_left_and_has_to_be_made_anew(world):
    await peer(world, THERE, TWO)
    await peer(world, BACK, ONE)
    assert (await world.delete(BACK))[0] in {200, 202, 204}
    await world.reconciler.settle_all()

    _, _, left = await world.get(THERE)
    assert left["properties"]["peeringState"] == "Disconnected"
    assert (await peer(world, BACK, ONE))[2]["error"]["code"] == "RemotePeeringIsDisconnected"
    await peer(world, THERE, TWO)
    assert (await peer(world, BACK, ONE))[2]["properties"]["peeringState"] == "Connected"


async def test_a_network_that_goes_leaves_its_peer_alone(world):
    await peer(world, THERE, TWO)
    await peer(world, BACK, ONE)
    await world.delete(TWO)
    for _ in range(3):  # first the peering, then the network
        await world.reconciler.settle_all()

    _, _, left = await world.get(THERE)
    assert left["properties"]["peeringState"] == "Disconnected"
    assert read_rules(world, ONE)[1].peers == ()


@pytest.mark.parametrize(
    ("remote", "parts", "code"),
    [
        (ONE, {}, "InvalidVirtualNetworkPeering"),
        (f"{NETWORK}/virtualNetworks/none", {}, "InvalidResourceReference"),
        ("nothing", {}, "InvalidResourceReference"),
        (TWO, {"useRemoteGateways": True}, "NotSupported"),
        (TWO, {"allowGatewayTransit": True}, "NotSupported"),
        (TWO, {"peerCompleteVnets": False}, "NotSupported"),
    ],
)
async def test_a_peering_that_cannot_be_is_refused(world, remote, parts, code):
    _, _, body = await peer(world, THERE, remote, **parts)

    assert body["error"]["code"] == code
    assert (await world.get(THERE))[0] == 404


async def test_addresses_of_joined_networks_never_meet(world):
    three = f"{NETWORK}/virtualNetworks/three"
    await world.put(three, {"addressSpace": {"addressPrefixes": ["10.2.128.0/17"]}})
    await peer(world, THERE, TWO)
    third = f"{ONE}/virtualNetworkPeerings/third"
    grown = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16", "10.2.0.0/24"]}}

    assert (await peer(world, third, three))[2]["error"]["code"] == "VnetAddressSpacesOverlap"
    assert (await world.put(ONE, grown))[2]["error"]["code"] == "VnetAddressSpacesOverlap"
    code = "AnotherPeeringAlreadyReferencesRemoteVnet"
    assert (await peer(world, third, TWO))[2]["error"]["code"] == code
    code = "ChangingRemoteVirtualNetworkNotAllowed"
    assert (await peer(world, THERE, three))[2]["error"]["code"] == code


async def test_a_network_sent_back_keeps_its_peerings_and_makes_none(world):
    await peer(world, THERE, TWO)
    _, _, shown = await world.get(ONE)
    assert (await world.put(ONE, shown["properties"]))[0] == 200
    assert (await world.get(THERE))[0] == 200

    new = {**shown["properties"], "virtualNetworkPeerings": [{"name": "new"}]}
    assert (await world.put(ONE, new))[2]["error"]["code"] == "NotSupported"


async def test_rules_that_change_while_others_are_put_in_force_are_the_newest_there_too(world):
    uids = [read_rules(world, path)[0] for path in (ONE, TWO)]
    applied = []

    async def apply(uid, rules):
        applied.append((uid, rules.space))
        if len(applied) == 1:
            await world.put(TWO, {"addressSpace": {"addressPrefixes": ["10.3.0.0/16"]}})

    await Subnets(Topology(world.resources, POOLS), apply).apply_now([*uids, "gone"])

    assert applied == [(uids[0], ("10.1.0.0/16",)), (uids[1], ("10.3.0.0/16",))]
