import pytest
from tests.unit.silo.arm.world import VERSION

from silo import kube
from silo.providers.containerservice import machines
from silo.providers.containerservice.properties import AgentPool

from .cluster_world import GIB, K1, make_pool

POOLS = f"{K1}/agentPools"
SMALL = "Standard_B2s"


def make_body(**changes):
    """Return a pool as ``az aks nodepool add`` sends it."""
    pool = make_pool(mode="User", vmSize=SMALL, scaleDownMode="Delete")
    del pool["name"]
    pool["upgradeSettings"] = {"undrainableNodeBehavior": "Schedule"}
    return {"properties": {**pool, **changes}}


async def put(world, name="extra", **changes):
    return await world.ask("PUT", f"{POOLS}/{name}", make_body(**changes))


def names_of(world, pool=""):
    (plan,) = world.clusters.plans.values()
    return [node.name.partition("-vmss")[2] for node in plan.nodes if pool in {"", node.pool}]


@pytest.fixture
async def made(world):
    """Have a cluster with one system pool of one small node."""
    async with world.running():
        await world.put(agentPoolProfiles=[make_pool(vmSize=SMALL)])
        await world.wait_state()
        yield world


async def test_pool_is_added_with_what_its_nodes_are_to_have(made):
    given = {"nodeLabels": {"team": "a"}, "nodeTaints": ["gpu=yes:NoSchedule"], "maxPods": 40}
    status, headers, body = await put(made, count=2, **given)
    await made.wait_state()
    again, _, _ = await put(made, count=2, **given)
    _, _, cluster = await made.ask("GET", K1)

    assert (status, again) == (201, 200)
    assert "azure-asyncoperation" in {name.lower() for name in headers}
    assert body["id"] == f"{K1}/agentPools/extra"
    assert (body["properties"]["mode"], body["properties"]["count"]) == ("User", 2)
    assert [one["name"] for one in cluster["properties"]["agentPoolProfiles"]] == [
        "nodepool1",
        "extra",
    ]
    (plan,) = made.clusters.plans.values()
    nodes = [node for node in plan.nodes if node.pool == "extra"]
    assert [node.place for node in plan.nodes] == [4, 5, 6]
    assert nodes[0].taints == ("gpu=yes:NoSchedule",)
    assert (nodes[0].max_pods, nodes[0].version) == (40, "1.36.3")
    labels = dict(nodes[0].labels)
    assert (labels["team"], labels["kubernetes.azure.com/mode"]) == ("a", "user")


async def test_nodes_keep_their_names_and_no_name_comes_back(made):
    for count in (3, 1, 2):
        await put(made, count=count)
        await made.wait_state()

    assert names_of(made, "extra") == ["000000", "000003"]
    assert names_of(made, "nodepool1") == ["000000"]


async def test_pool_goes_and_the_last_for_the_system_does_not(made):
    await put(made, count=2)
    await made.wait_state()
    status, headers, _ = await made.ask("DELETE", f"{POOLS}/extra")
    await made.wait_state()
    again, _, _ = await made.ask("DELETE", f"{POOLS}/extra")
    refused, _, body = await made.ask("DELETE", f"{POOLS}/nodepool1")

    assert (status, again, refused) == (202, 204, 400)
    assert "azure-asyncoperation" in {name.lower() for name in headers}
    assert "at least one system agent pool" in body["error"]["message"]
    assert names_of(made) == ["000000"]


async def test_pool_of_users_may_be_empty_and_one_of_the_system_not(made):
    await put(made, count=0)
    await made.wait_state()
    status, _, body = await put(made, "nodepool1", count=0, mode="System")

    assert names_of(made) == ["000000"]
    assert (status, body["error"]["target"]) == (400, "properties.agentPoolProfiles[1].count")


async def test_cluster_that_is_written_again_keeps_pools_that_it_does_not_name(made):
    await put(made, count=1)
    await made.wait_state()
    before = names_of(made)
    await made.put(agentPoolProfiles=[make_pool(count=2)])
    await made.wait_state()

    assert sorted(names_of(made)) == sorted([*before, "000001"])


async def test_machines_are_listed_shown_and_deleted(made):
    await put(made, count=3)
    await made.wait_state()
    _, _, listed = await made.ask("GET", f"{POOLS}/extra/machines")
    first, second, third = listed["value"]
    _, _, shown = await made.ask("GET", f"{POOLS}/extra/machines/{second['name']}")
    names = {"machineNames": [second["name"]]}
    url = f"{POOLS}/extra/deleteMachines?api-version={VERSION}"
    status, _, _ = await made.ask("POST", url, names)
    await made.wait_state()
    _, _, pool = await made.ask("GET", f"{POOLS}/extra")
    again, _, _ = await made.ask("POST", url, names)

    assert shown == second
    assert second["properties"]["network"]["ipAddresses"] == [
        {"ip": "10.224.0.6", "family": "IPv4"}
    ]
    assert (status, again, pool["properties"]["count"]) == (202, 404, 2)
    left = [one["name"].partition("-vmss")[2] for one in (first, third)]
    assert names_of(made, "extra") == left


async def test_machines_deleted_from_an_autoscaled_pool_are_not_replaced(made):
    await put(made, count=3, enableAutoScaling=True, minCount=1, maxCount=3)
    await made.wait_state()
    _, _, listed = await made.ask("GET", f"{POOLS}/extra/machines")
    first, second, third = (one["name"] for one in listed["value"])
    url = f"{POOLS}/extra/deleteMachines?api-version={VERSION}"
    status, _, _ = await made.ask("POST", url, {"machineNames": [second]})
    await made.wait_state()

    assert status == 202
    assert names_of(made, "extra") == [name.partition("-vmss")[2] for name in (first, third)]


async def test_spot_nodes_carry_what_keeps_others_off(made):
    await put(made, scaleSetPriority="Spot", spotMaxPrice=-1.0, scaleSetEvictionPolicy="Delete")
    await made.wait_state()

    (plan,) = made.clusters.plans.values()
    node = next(node for node in plan.nodes if node.pool == "extra")
    assert node.taints == ("kubernetes.azure.com/scalesetpriority=spot:NoSchedule",)


async def test_drain_time_is_the_pools(made):
    await put(made, upgradeSettings={"maxSurge": "33%", "drainTimeoutInMinutes": 5})
    await made.wait_state()
    (plan,) = made.clusters.plans.values()

    assert [node.drain_s for node in plan.nodes] == [kube.DRAIN_S, 300.0]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"vmSize": "Tiny"}, "VMSizeNotSupported", "Tiny"),
        ({"count": 4}, "InsufficientVCPUQuota", "16.0 GiB"),
        ({"powerState": {"code": "Stopped"}}, "FeatureNotSupported", "powerState"),
        ({"osType": "Windows"}, "FeatureNotSupported", "osType"),
        ({"scaleDownMode": "Deallocate"}, "FeatureNotSupported", "scaleDownMode"),
        ({"scaleSetEvictionPolicy": "Deallocate"}, "FeatureNotSupported", "EvictionPolicy"),
        ({"nodeLabels": {"kubernetes.io/x": "1"}}, "InvalidParameter", "kubernetes.io/x=1"),
        ({"nodeLabels": {"a": "not a value"}}, "InvalidParameter", "not a value"),
        ({"nodeTaints": ["gpu=yes:Never"]}, "InvalidParameter", "gpu=yes:Never"),
        ({"nodeTaints": "gpu"}, "InvalidRequestContent", "nodeTaints"),
        ({"count": "many"}, "InvalidRequestContent", "count"),
        ({"upgradeSettings": {"maxSurge": "lots"}}, "InvalidRequestContent", "maxSurge"),
        ({"orchestratorVersion": "1.20.0"}, "K8sVersionNotSupported", "1.20.0"),
    ],
)
async def test_what_cannot_be_had_is_refused_by_name(made, changes, code, said):
    status, _, body = await put(made, **changes)
    _, _, listed = await made.ask("GET", POOLS)

    assert (status, body["error"]["code"]) == (400, code)
    assert said in body["error"]["message"]
    assert [one["name"] for one in listed["value"]] == ["nodepool1"]


@pytest.mark.parametrize("name", ["Extra", "1st", "longerthantwelve"])
async def test_names_are_those_that_azure_takes(made, name):
    status, _, body = await put(made, name)

    assert (status, body["error"]["code"]) in {
        (400, "InvalidParameter"),
        (400, "InvalidRequestContent"),
    }


async def test_size_of_a_pool_is_fixed(made):
    await put(made)
    status, _, body = await put(made, vmSize="Standard_D2s_v5")

    assert (status, body["error"]["code"]) == (400, "PropertyChangeNotAllowed")


async def test_pool_of_no_cluster_and_strange_bodies_are_refused(made):
    lost, _, _ = await made.ask("PUT", f"{K1}-other/agentPools/extra", make_body())
    strange, _, _ = await made.ask("PUT", f"{POOLS}/extra", [])
    none, _, _ = await made.ask(
        "POST", f"{POOLS}/nodepool1/deleteMachines?api-version={VERSION}", {}
    )

    assert (lost, strange, none) == (404, 400, 400)


def test_memory_of_more_than_one_pool_gives_no_place_twice():
    pools = [AgentPool(name="a", count=2), AgentPool(name="b", count=1)]
    first = machines.settle({}, pools)
    second = machines.settle(first, [AgentPool(name="b", count=2)])

    assert machines.list_live(first, "a") == [(0, 4), (1, 5)]
    assert machines.list_live(second, "b") == [(0, 6), (1, 7)]
    assert machines.write_number(36 * 36 + 35) == "00010z"
    assert GIB == 1 << 30


async def found_old(world, version="1.35.4", **changes):
    """Have a cluster whose pool is of an older version than its control plane, in the end."""
    async with world.running():
        await world.put(kubernetesVersion=version, agentPoolProfiles=[make_pool(vmSize=SMALL)])
        await world.wait_state()
        pools = [make_pool(vmSize=SMALL, orchestratorVersion="1.36.3")]
        await world.put(kubernetesVersion="1.36.3", agentPoolProfiles=pools, **changes)
        await world.wait_state()


async def test_pool_goes_back_to_what_it_had_and_to_nothing_else(world):
    path = f"{POOLS}/nodepool1"
    await found_old(world)
    _, _, pool = await world.ask("GET", path)
    _, _, profile = await world.ask("GET", f"{path}/upgradeProfiles/default")
    (recent,) = profile["properties"]["recentlyUsedVersions"]
    wanted = {**pool["properties"], "orchestratorVersion": recent["orchestratorVersion"]}
    body = {"properties": {**wanted, "nodeImageVersion": recent["nodeImageVersion"]}}
    async with world.running():
        status, _, _ = await world.ask("PUT", path, body)
        await world.wait_state()
    _, _, back = await world.ask("GET", path)
    other = {**body["properties"], "nodeImageVersion": "Silo-1.35.4-gone"}
    refused, _, _ = await world.ask("PUT", path, {"properties": other})

    assert recent["orchestratorVersion"] == "1.35.4"
    assert status == 200
    assert back["properties"]["currentOrchestratorVersion"] == "1.35.4"
    assert back["properties"]["nodeImageVersion"] == recent["nodeImageVersion"]
    assert refused == 400


async def test_pool_does_not_go_back_where_it_is_upgraded_by_itself(world):
    await found_old(world, autoUpgradeProfile={"upgradeChannel": "patch"})
    _, _, pool = await world.ask("GET", f"{POOLS}/nodepool1")
    body = {**pool["properties"], "orchestratorVersion": "1.35.4", "nodeImageVersion": ""}
    status, _, said = await world.ask("PUT", f"{POOLS}/nodepool1", {"properties": body})

    assert (status, said["error"]["code"]) == (400, "OperationNotAllowed")
    assert "patch" in said["error"]["message"]


async def test_nodes_are_made_from_the_latest_image_when_that_is_asked(made, tmp_path):
    path = f"{POOLS}/nodepool1/upgradeNodeImageVersion"
    latest, _, same = await made.ask("POST", path)
    folder = tmp_path / "newer"
    folder.mkdir()
    (folder / "kubernetes").write_bytes(b"another build")
    kit = made.around.kits["1.36.3"] = kube.Kit("1.36.3", folder, {})
    await made.ask("PUT", K1, (await made.ask("GET", K1))[2])
    before = (await made.wait_state())["properties"]["agentPoolProfiles"][0]
    status, headers, _ = await made.ask("POST", path)
    after = (await made.wait_state())["properties"]["agentPoolProfiles"][0]
    missing, _, _ = await made.ask("POST", path.replace("nodepool1", "other"))

    assert (latest, same["properties"]["provisioningState"]) == (200, "Succeeded")
    assert before["nodeImageVersion"] != kit.image
    assert (status, missing) == (202, 404)
    assert "azure-asyncoperation" in {name.lower() for name in headers}
    assert after["nodeImageVersion"] == kit.image
    (plan,) = made.clusters.plans.values()
    assert [node.image for node in plan.nodes] == [kit.image]
