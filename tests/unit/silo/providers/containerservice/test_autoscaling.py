import threading

import pytest

from silo import arm, kube
from silo.providers import containerservice

from .cluster_world import K1, make_body, make_pool

SMALL = "Standard_B2s"
SCALED = {"enableAutoScaling": True, "minCount": 1, "maxCount": 9, "vmSize": SMALL}
WAITS = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
_NAMES = ("scan-interval", "scale-down-unneeded-time", "scale-down-delay-after-add")
AT_ONCE = dict.fromkeys(_NAMES, "0s")


def make_pod(name):
    requests = {"cpu": "1.5", "memory": "1Gi"}
    return {
        "metadata": {"uid": name, "name": name, "namespace": "n"},
        "spec": {"containers": [{"resources": {"requests": requests}}]},
        "status": {"phase": "Pending", "conditions": [WAITS]},
    }


def show_nodes(world):
    """Return the planned nodes as a cluster's API would show them, with nothing on them."""
    (plan,) = world.clusters.plans.values()
    return [
        {
            "metadata": {"name": node.name, "labels": dict(node.labels)},
            "spec": {},
            "status": {
                "allocatable": {"cpu": "2", "memory": "3Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        for node in plan.nodes
    ]


async def count_of(world):
    body = await world.wait_state()
    return body["properties"]["agentPoolProfiles"][0]["count"]


@pytest.fixture
async def scaled(world):
    async with world.running():
        await world.put(agentPoolProfiles=[make_pool(**SCALED)], autoScalerProfile=AT_ONCE)
        await world.wait_state()
        yield world


async def test_pool_grows_for_pods_as_far_as_there_is_room_and_shrinks_without_them(scaled):
    scaler = containerservice.Autoscaler(scaled.around)
    pods = tuple(make_pod(f"p{index}") for index in range(8))
    scaled.clusters.seen = kube.Snapshot((), pods, ())
    await scaler.look()
    # There is memory for four such nodes.
    assert await count_of(scaled) == 4

    scaled.clusters.seen = kube.Snapshot(show_nodes(scaled), (), ())
    await scaler.look()
    assert await count_of(scaled) == 1
    (plan,) = scaled.clusters.plans.values()
    assert [node.name.partition("-vmss")[2] for node in plan.nodes] == ["000003"]


async def test_count_is_the_autoscalers_and_no_clients(scaled):
    _, _, before = await scaled.ask("GET", K1)
    scaled.clusters.seen = kube.Snapshot((), (make_pod("p"),), ())
    await containerservice.Autoscaler(scaled.around).look()
    assert await count_of(scaled) == 2
    await scaled.ask("PUT", K1, before)

    assert await count_of(scaled) == 2


async def test_what_is_to_be_done_is_found_where_nobody_waits_for_it(scaled, monkeypatch):
    threads = []
    monkeypatch.setattr(kube, "decide", lambda *_: threads.append(threading.current_thread()))
    await containerservice.Autoscaler(scaled.around).look()

    assert threads
    assert threading.main_thread() not in threads


async def test_nothing_is_written_while_nothing_is_to_be_done(scaled):
    (uid,) = scaled.clusters.plans
    before = scaled.store.read_now(lambda conn: scaled.resources.find_by_uid(conn, uid))
    nodes = show_nodes(scaled)
    scaled.clusters.seen = kube.Snapshot(nodes, (), ())
    await containerservice.Autoscaler(scaled.around).look()
    after = scaled.store.read_now(lambda conn: scaled.resources.find_by_uid(conn, uid))

    assert after.generation == before.generation


@pytest.mark.parametrize(
    ("pool", "profile", "said"),
    [
        ({"minCount": 3, "maxCount": 2}, {}, "minCount"),
        ({"minCount": 0}, {}, "minCount"),
        ({"maxCount": None}, {}, "maxCount"),
        ({"enableAutoScaling": False}, {}, "minCount"),
        ({}, {"scan-interval": "often"}, "scan-interval"),
        ({}, {"scale-down-utilization-threshold": "2"}, "threshold"),
        ({}, {"expander": "priority"}, "expander"),
        ({}, {"no-such": "1"}, "no-such"),
    ],
)
async def test_bounds_and_profiles_that_mean_nothing_are_refused(world, pool, profile, said):
    pools = [make_pool(**{**SCALED, **pool})]
    status, _, body = await world.put(agentPoolProfiles=pools, autoScalerProfile=profile)

    assert status == 400
    assert said in body["error"]["message"]


@pytest.mark.parametrize(
    ("odd", "count"),
    # Whether there is room is not known where it cannot be read what another takes.
    [({"silo": {"of": "later"}}, 2), ({"agentPoolProfiles": 7}, 1)],
)
async def test_cluster_that_cannot_be_read_ends_nothing(scaled, odd, count):
    await scaled.ask("PUT", f"{K1}-odd", make_body(dnsPrefix="odd"))
    await scaled.wait_state(where=f"{K1}-odd")

    def spoil(conn):
        found = scaled.resources.get(conn, arm.parse_resource_id(f"{K1}-odd"))
        scaled.resources.put(conn, found.with_properties(**odd))

    await scaled.resources.store.write(spoil)
    scaled.clusters.seen = kube.Snapshot((), (make_pod("p"),), ())
    await containerservice.Autoscaler(scaled.around).look()

    assert await count_of(scaled) == count
