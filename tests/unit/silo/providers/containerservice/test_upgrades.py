from silo.providers.containerservice import upgrades

from .cluster_world import K1

KNOWN = ("1.34.9", "1.35.4", "1.35.5", "1.36.3")


def test_next_minor_and_newer_patches_can_be_had():
    assert upgrades.list_upgrades("1.34.9", KNOWN) == ["1.35.5", "1.35.4"]
    assert upgrades.list_upgrades("1.35.4", KNOWN) == ["1.36.3", "1.35.5"]
    assert upgrades.list_upgrades("1.36.3", KNOWN) == []


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
