from .cluster_world import make_body
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
