import pytest

from silo import kube
from silo.providers import containerservice
from silo.providers.containerservice import upgrades, versions

from .cluster_world import K1, make_pool
from .test_clusters import find_plan

KNOWN = ("1.34.9", "1.35.4", "1.35.5", "1.36.3")


def test_next_minor_and_newer_patches_can_be_had():
    assert versions.list_upgrades("1.34.9", KNOWN) == ["1.35.5", "1.35.4"]
    assert versions.list_upgrades("1.35.4", KNOWN) == ["1.36.3", "1.35.5"]
    assert versions.list_upgrades("1.36.3", KNOWN) == []


def test_pool_follows_its_control_plane_and_never_leads():
    assert upgrades.list_pool_upgrades("1.34.9", "1.35.4", KNOWN) == ["1.35.4"]
    assert upgrades.list_pool_upgrades("1.35.4", "1.35.4", KNOWN) == []


async def test_profile_says_what_a_cluster_and_a_pool_can_be_brought_to(world):
    async with world.running():
        await world.put(kubernetesVersion="1.35")
        await world.wait_state()
        _, _, cluster = await world.ask("GET", f"{K1}/upgradeProfiles/default")
        path = f"{K1}/agentPools/nodepool1/upgradeProfiles/default"
        _, _, pool = await world.ask("GET", path)
        missing, _, _ = await world.ask("GET", path.replace("nodepool1", "other"))

    assert "error" not in cluster, cluster
    control = cluster["properties"]["controlPlaneProfile"]
    assert control["kubernetesVersion"] == "1.35.4"
    assert control["upgrades"] == [{"kubernetesVersion": "1.36.3"}]
    assert pool["properties"]["kubernetesVersion"] == "1.35.4"
    assert pool["properties"]["upgrades"] is None
    assert missing == 404


async def found(world, version="1.35"):
    await world.put(kubernetesVersion=version)
    return (await world.wait_state())["properties"]


def list_versions(plan):
    return plan.version, [node.version for node in plan.nodes]


async def test_control_plane_goes_first_and_alone_where_that_is_asked(world):
    async with world.running():
        await found(world)
        before = list_versions(find_plan(world))
        pools = [make_pool(orchestratorVersion="1.35.4")]
        await world.put(kubernetesVersion="1.36.3", agentPoolProfiles=pools)
        shown = (await world.wait_state())["properties"]
        between = list_versions(find_plan(world))
        pools = [make_pool(orchestratorVersion="1.36")]
        await world.put(kubernetesVersion="1.36.3", agentPoolProfiles=pools)
        ended = (await world.wait_state())["properties"]

    assert before == ("1.35.4", ["1.35.4"])
    assert between == ("1.36.3", ["1.35.4"])
    assert shown["currentKubernetesVersion"] == "1.36.3"
    assert shown["agentPoolProfiles"][0]["currentOrchestratorVersion"] == "1.35.4"
    assert list_versions(find_plan(world)) == ("1.36.3", ["1.36.3"])
    assert ended["agentPoolProfiles"][0]["currentOrchestratorVersion"] == "1.36.3"


async def test_wished_version_is_not_shown_as_reached(world):
    async with world.running():
        await found(world)
    await world.put(kubernetesVersion="1.36.3")
    _, _, body = await world.ask("GET", K1)

    assert body["properties"]["kubernetesVersion"] == "1.36.3"
    assert body["properties"]["currentKubernetesVersion"] == "1.35.4"


@pytest.mark.parametrize(
    ("version", "pool", "code", "said"),
    [
        ("1.35.4", "", "OperationNotAllowed", "Upgrading Kubernetes version 1.36.3 to 1.35.4"),
        ("1.36.3", "1.35.4", "OperationNotAllowed", "1.36.3 to 1.35.4 is not allowed"),
        ("1.37.0", "", "K8sVersionNotSupported", "1.37.0"),
    ],
)
async def test_nothing_goes_back(world, version, pool, code, said):
    async with world.running():
        await found(world, "1.36.3")
        pools = [make_pool(orchestratorVersion=pool)]
        status, _, body = await world.put(kubernetesVersion=version, agentPoolProfiles=pools)

    assert (status, body["error"]["code"]) == (400, code)
    assert said in body["error"]["message"]


def test_no_minor_is_passed_over():
    with pytest.raises(upgrades.errors.UpgradeNotAllowed, match=r"\[1\.35\.5 1\.35\.4\]"):
        upgrades.choose_version("k1", "1.36.3", "1.34.9", KNOWN)


@pytest.mark.parametrize("control", ["1.35.4", "1.40.0"])
def test_pool_is_near_its_control_plane_and_never_ahead(control):
    with pytest.raises(upgrades.errors.VersionsIncompatible, match=control):
        upgrades.choose_pool_version("k1", "1.36.3", None, control, (*KNOWN, control))


async def test_upgrade_that_fails_leaves_the_cluster_as_it_was(world):
    apply = world.clusters.apply

    async def fail_newer(plan):
        if plan.version == "1.36.3":
            raise kube.UpgradeFailed("it did not come up")
        await apply(plan)

    async with world.running():
        await found(world)
        world.clusters.apply = fail_newer
        pools = [make_pool(orchestratorVersion="1.36.3")]
        await world.put(kubernetesVersion="1.36.3", agentPoolProfiles=pools)
        shown = (await world.wait_state("Failed"))["properties"]

    assert list_versions(find_plan(world)) == ("1.35.4", ["1.35.4"])
    assert shown["kubernetesVersion"] == shown["currentKubernetesVersion"] == "1.35.4"
    assert shown["agentPoolProfiles"][0]["orchestratorVersion"] == "1.35.4"


async def test_cluster_whose_data_are_gone_is_not_shown_as_well(world):
    async with world.running():
        await found(world)
    plans = containerservice.open_plans(world.around)
    (uid,) = world.clusters.plans
    world.clusters.locate(uid).etcd.mkdir()
    await plans.list_plans()
    _, _, there = await world.ask("GET", K1)
    world.clusters.locate(uid).etcd.rmdir()
    (plan,) = (await plans.list_plans()).values()
    world.clusters.failure = kube.StepFailed("What the cluster stored is not here")
    async with world.running():
        await world.wait_state("Failed")

    assert there["properties"]["provisioningState"] == "Succeeded"
    assert plan.was_up
