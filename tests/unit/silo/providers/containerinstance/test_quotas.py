import pytest
from tests.unit.silo.arm.world import GROUP

from silo.providers.containerinstance import Quota

from .group_world import WEB, GroupWorld, make_container

GPU = {"cpu": 1, "memoryInGB": 1, "gpu": {"count": 1, "sku": "V100"}}


def make_size(cpu, memory_gb):
    return [make_container(resources={"requests": {"cpu": cpu, "memoryInGB": memory_gb}})]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"containers": make_size(4.1, 1)}, "'4.1' CPU '1' GB memory 'Linux' OS"),
        ({"containers": make_size(1, 15.8)}, "'1' CPU '15.8' GB memory 'Linux' OS"),
        ({"osType": "Windows"}, "'0.5' CPU '0.5' GB memory 'Windows' OS"),
        (
            {"containers": [make_container(resources={"requests": GPU})]},
            "'1' CPU '1' GB memory 'Linux' OS '1' 'V100' GPU",
        ),
        (
            {"containers": [make_container(resources={"requests": {**GPU, "gpu": None},
                                                      "limits": GPU})]},
            "'1' CPU '1' GB memory 'Linux' OS '1' 'V100' GPU",
        ),
    ],
)  # fmt: skip
async def test_what_the_machine_has_not_is_refused_in_azures_words(world, changes, words):
    status, _, body = await world.put(**changes)

    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")
    assert body["error"]["message"] == (
        "The requested resource is not available in the location 'westeurope' at this moment. "
        "Please retry with a different resource request or in another location. Resource "
        f"requested: {words}"
    )


@pytest.mark.parametrize(("cpu", "memory_gb", "fit"), [(1, 7, 2), (4, 0.5, 2), (0.5, 0.5, 16)])
async def test_memory_is_promised_once_and_a_core_as_often_as_was_set(world, cpu, memory_gb, fit):
    for number in range(fit):
        status, _, _ = await world.put(f"{WEB}{number}", containers=make_size(cpu, memory_gb))
        assert status == 201

    status, _, body = await world.put(f"{WEB}{fit}", containers=make_size(cpu, memory_gb))

    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")


async def test_a_stopped_group_holds_nothing_and_may_find_no_room_when_it_is_started(world):
    big = make_size(1, 10)
    async with world.running():
        await world.put(containers=big)
        await world.wait_state()
        assert (await world.act("stop"))[0] == 204
        assert (await world.put(f"{WEB}2", containers=big))[0] == 201

        status, _, body = await world.act("start")

    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")


async def test_a_sandbox_counts_with_what_it_takes_for_itself(world):
    full = make_size(1, 15.7)  # of 15.75 that are promised

    status, _, body = await world.put(containers=full)
    assert (status, body["error"]["code"]) == (409, "ServiceUnavailable")
    assert "'15.7' GB memory" in body["error"]["message"]
    status, _, _ = await world.put(containers=full, tags={"silo-isolation": "process"})
    assert status == 201


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        (Quota(groups=1), "'ContainerGroups' exceeded in region 'westeurope'. Limit: '1', Usage"),
        (Quota(cores=1.5), "'StandardCores' exceeded in region 'westeurope'. Limit: '1.5', Usage"),
    ],
)
async def test_a_subscription_has_the_quota_that_was_set(tmp_path, quota, told):
    world = GroupWorld(tmp_path, quota)
    await world.ask("PUT", GROUP, {"location": "westeurope"})
    await world.put(containers=make_size(1, 1))

    status, _, body = await world.put(f"{WEB}2", containers=make_size(1, 1))
    world.store.close()

    assert (status, body["error"]["code"]) == (409, "ContainerGroupQuotaReached")
    assert f"{told}: '1' Requested: '1'." in body["error"]["message"]
