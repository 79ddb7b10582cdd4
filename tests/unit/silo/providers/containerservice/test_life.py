import asyncio

from silo import kube

from .cluster_world import K1, make_body, make_pool
from .test_clusters import find_plan


async def test_stopped_cluster_is_shown_so_and_runs_again(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        status, headers, _ = await world.act("stop")
        stopped = await world.wait_state()
        plan = find_plan(world)
        await world.act("start")
        started = await world.wait_state()

    assert status == 202
    assert "azure-asyncoperation" in {name.lower() for name in headers}
    assert not plan.running
    shown = stopped["properties"]
    assert shown["powerState"] == {"code": "Stopped"}
    assert shown["agentPoolProfiles"][0]["powerState"] == {"code": "Stopped"}
    assert find_plan(world).running
    assert started["properties"]["powerState"] == {"code": "Running"}
    assert started["properties"]["fqdn"] == shown["fqdn"]


async def test_stopped_cluster_can_be_started_and_deleted_alone(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        await world.act("stop")
        await world.wait_state()
        again, _, _ = await world.act("stop")
        status, _, body = await world.put(**make_body()["properties"])
        rotated, _, _ = await world.act("rotateClusterCertificates")

    assert again == 204
    assert (status, body["error"]["code"]) == (409, "OperationNotAllowed")
    assert "(Stopped)" in body["error"]["message"]
    assert rotated == 409


async def test_certificates_are_rotated_once_for_each_time_it_is_asked(world):
    async with world.running():
        await world.put()
        await world.wait_state()
        for _ in range(2):
            status, _, _ = await world.act("rotateClusterCertificates")
            await world.wait_state()

    assert status == 202
    assert find_plan(world).rotation == 2


async def test_one_thing_is_done_at_a_time(world):
    await world.put()
    status, _, body = await world.act("stop")

    assert (status, body["error"]["code"]) == (409, "OperationNotAllowed")
    assert "in progress" in body["error"]["message"]


async def test_machine_that_runs_no_clusters_stops_none(world):
    async with world.running():
        await world.put()
        await world.wait_state()
    world.reason = "clusters are switched off"
    status, _, body = await world.act("stop")

    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")


async def begin(world, **changes):
    """Have a cluster be written that does not come up, and does nothing else when it is told to."""

    async def apply(plan):
        if not plan.halted:
            raise kube.ClusterStarting("It takes its time.")
        world.clusters.plans[plan.uid] = plan

    world.clusters.apply = apply
    return await world.put(**changes)


async def follow(world, headers):
    """Return the last status of an operation."""
    address = {name.lower(): value for name, value in headers.items()}["location"]
    status = 202
    while status == 202:
        status, _, _ = await world.ask("GET", address.removeprefix("https://management.silo.test"))
        await asyncio.sleep(0)
    return status


async def test_what_is_under_way_is_aborted_and_is_canceled(world):
    async with world.running():
        _, before, _ = await begin(world)
        status, headers, _ = await world.act("abort")
        ended = await follow(world, headers)
        shown = await world.wait_state("Canceled")
        path = {name.lower(): value for name, value in before.items()}["azure-asyncoperation"]
        _, _, first = await world.ask("GET", path.removeprefix("https://management.silo.test"))
        again, _, body = await world.act("abort")

    assert (status, ended, again) == (202, 204, 409)
    assert find_plan(world).halted
    assert shown["properties"]["kubernetesVersion"] == "1.36.3"
    assert (first["status"], first["error"]["code"]) == ("Canceled", "OperationCanceled")
    assert "no operation in progress" in body["error"]["message"]


async def test_aborted_upgrade_leaves_a_control_plane_that_has_not_begun_as_it_was(world):
    apply = world.clusters.apply
    async with world.running():
        await world.put(kubernetesVersion="1.35")
        await world.wait_state()
        paths = world.clusters.locate(find_plan(world).uid)
        (paths.state / "version").write_text("1.35.4")
        pools = [make_pool(orchestratorVersion="1.36.3")]
        await begin(world, kubernetesVersion="1.36.3", agentPoolProfiles=pools)
        await world.act("abort")
        shown = (await world.wait_state("Canceled"))["properties"]
        world.clusters.apply = apply
        await world.put(kubernetesVersion="1.36.3", agentPoolProfiles=pools)
        after = (await world.wait_state())["properties"]

    assert shown["kubernetesVersion"] == shown["currentKubernetesVersion"] == "1.35.4"
    (pool,) = shown["agentPoolProfiles"]
    assert pool["orchestratorVersion"] == "1.35.4"
    assert pool["nodeImageVersion"].startswith("Silo-1.35.4-")
    assert not find_plan(world).halted
    assert after["currentKubernetesVersion"] == "1.36.3"


async def test_pool_is_aborted_with_its_cluster_and_an_end_is_not(world):
    pool = f"{K1}/agentPools/nodepool1/abort"
    async with world.running():
        await begin(world)
        missing, _, _ = await world.ask("POST", pool.replace("nodepool1", "other"))
        status, headers, _ = await world.ask("POST", pool)
        ended = await follow(world, headers)
        await world.wait_state("Canceled")
        settled, _, _ = await world.ask("POST", pool)
    await world.ask("DELETE", K1)
    deleting, _, body = await world.act("abort")

    assert (missing, status, ended, settled, deleting) == (404, 202, 204, 409, 409)
    assert "Deleting" in body["error"]["message"]
