from dataclasses import replace

import pytest

from silo import kube

PACE = kube.Pace(after_growth_s=10.0, unneeded_s=10.0)
SAMPLE = kube.NodePlan(
    "new", 9, kube.Size(2.0, 4 << 30), (("agentpool", "work"), ("kind", "work")), pool="work"
)
WORK = kube.ScalablePool("work", 1, 0, 3, SAMPLE)


def make_node(name, pool="work", *, annotations=None):
    labels = {"agentpool": pool, "kind": pool}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": annotations or {}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "2", "memory": "3Gi", "pods": "20"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def make_pod(name, node="", *, cpu="1", namespace="n", owned=True, **parts):
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    owners = [{"kind": "ReplicaSet", "controller": True}] if owned else []
    meta = {"uid": name, "name": name, "namespace": namespace, "ownerReferences": owners}
    spec = {"containers": [{"resources": {"requests": {"cpu": cpu}}}], **parts.pop("spec", {})}
    return {
        "metadata": {**meta, **parts},
        "spec": {**spec, "nodeName": node} if node else spec,
        "status": {"phase": "Running"} if node else {"phase": "Pending", "conditions": [waits]},
    }


def see(nodes, pods=(), budgets=()):
    return kube.Snapshot(nodes, pods, budgets)


def decide(seen, *, pool=WORK, history=None, pace=PACE, now=100.0):
    return kube.decide(seen, [pool], history or kube.History(), pace, now)


def settle(seen, *, pool=WORK, pace=PACE):
    """Return what is decided once all has been as it is for long."""
    history = kube.History()
    assert decide(seen, pool=pool, history=history, pace=pace, now=0.0) is None
    return decide(seen, pool=pool, history=history, pace=pace, now=1000.0)


def test_pods_without_room_get_as_many_nodes_as_they_need():
    pods = [make_pod(f"p{index}", cpu="0.9") for index in range(4)]

    assert decide(see([], pods), pool=replace(WORK, count=0)) == kube.Grow("work", 2)


def test_pool_grows_no_further_than_it_may():
    pods = [make_pod(f"p{index}", cpu="1.5") for index in range(5)]

    busy = make_pod("busy", "one")
    assert decide(see([make_node("one")], [busy, *pods])) == kube.Grow("work", 2)
    assert decide(see([], pods), pool=replace(WORK, count=3)) is None


@pytest.mark.parametrize(
    "pod",
    [
        make_pod("huge", cpu="8"),
        make_pod("elsewhere", spec={"nodeSelector": {"kind": "other"}}),
        make_pod("fits", cpu="0.5"),
        make_pod("leaves", cpu="1.9", deletionTimestamp="now"),
    ],
)
def test_pool_does_not_grow_for_what_it_does_not_help(pod):
    busy = make_pod("busy", "one", cpu="1")

    assert decide(see([make_node("one")], [busy, pod])) is None


def test_one_look_finds_room_for_so_many_pods_and_no_more():
    pods = [make_pod(f"p{index}", cpu="1.5") for index in range(310)]
    # Those that no node would help take nobody's turn.
    huge = [make_pod(f"huge{index}", cpu="8") for index in range(310)]

    assert decide(see([], huge + pods), pool=replace(WORK, most=900)) == kube.Grow("work", 300)


def test_what_runs_on_each_node_leaves_less_for_a_pod():
    owners = [{"kind": "DaemonSet", "controller": True}]
    daemon = make_pod("daemon", "one", cpu="0.5", ownerReferences=owners)
    nodes = [make_node("one"), make_node("comes")]
    pods = [daemon, make_pod("busy", "one", cpu="1.2"), make_pod("other", "comes", cpu="1")]
    pool = replace(WORK, count=2)

    assert decide(see(nodes, [*pods, make_pod("p", cpu="1.6")]), pool=pool) is None
    assert decide(see(nodes, [*pods, make_pod("p", cpu="1.5")]), pool=pool) == kube.Grow("work", 1)


def test_pool_does_not_grow_at_once_for_pods_that_it_has_grown_for_in_vain():
    history, taken = kube.History(), [make_pod("busy", "one", cpu="1.2")]
    seen = see([make_node("one")], [*taken, make_pod("p"), make_pod("q")])
    grown = replace(WORK, count=2)
    assert decide(seen, history=history, now=0.0) == kube.Grow("work", 1)
    # There was no room for a node: that was no attempt.
    assert decide(seen, history=history, now=1.0) == kube.Grow("work", 1)

    assert decide(seen, pool=grown, history=history, now=2.0) is None
    other = see(seen.nodes, [*seen.pods, make_pod("r", cpu="2")])
    assert decide(other, pool=grown, history=history, now=3.0) == kube.Grow("work", 1)


def test_pool_grows_on_for_pods_once_growth_has_helped_others_or_is_long_ago():
    taken = [make_pod("busy", "one", cpu="1.2")]
    seen = see([make_node("one")], [*taken, make_pod("p"), make_pod("q")])
    grown = replace(WORK, count=2)
    for later, now in ((see(seen.nodes, seen.pods[:-1]), 1.0), (seen, 10.0)):
        history = kube.History()
        assert decide(seen, history=history, now=0.0) == kube.Grow("work", 1)
        assert decide(later, pool=grown, history=history, now=now) == kube.Grow("work", 1)


def test_pool_grows_only_for_pods_that_have_waited():
    pace, history = replace(PACE, pending_s=5.0), kube.History()
    seen = see([], [make_pod("p")])

    assert decide(seen, history=history, pace=pace, now=0.0) is None
    assert decide(seen, history=history, pace=pace, now=6.0) == kube.Grow("work", 1)


def test_little_used_node_goes_once_it_has_been_so_for_long():
    nodes = [make_node("one"), make_node("two")]
    pods = [make_pod("p", "one", cpu="1.2"), make_pod("q", "two", cpu="0.3")]
    pool, history = replace(WORK, count=2), kube.History()

    for now in (0.0, 9.0):
        assert decide(see(nodes, pods), pool=pool, history=history, now=now) is None
    found = decide(see(nodes, pods), pool=pool, history=history, now=10.0)
    assert found == kube.Shrink("work", ("two",))


def test_node_that_was_needed_in_between_waits_anew():
    nodes, pool, history = (
        [make_node("one"), make_node("two")],
        replace(WORK, count=2),
        kube.History(),
    )
    busy = [make_pod(name, name, cpu="1.2") for name in ("one", "two")]
    for now, pods in ((0.0, ()), (9.0, busy), (11.0, ())):
        assert decide(see(nodes, pods), pool=pool, history=history, now=now) is None


def test_nodes_stay_for_a_while_after_growth():
    history = kube.History()
    assert decide(see([], [make_pod("p")]), history=history, now=0.0) == kube.Grow("work", 1)
    seen = see([make_node("one")])
    for now in (1.0, 9.0):
        assert decide(seen, history=history, now=now) is None

    assert decide(seen, history=history, now=20.0) == kube.Shrink("work", ("one",))


def test_empty_nodes_go_together_but_for_the_least():
    nodes = [make_node(name) for name in ("one", "two", "three")]

    found = settle(see(nodes), pool=replace(WORK, count=3, least=1))
    assert found == kube.Shrink("work", ("one", "two"))


@pytest.mark.parametrize(
    ("pod", "stays"),
    [
        ({"owned": False}, True),
        ({"namespace": "kube-system"}, True),
        ({"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}}, True),
        (
            {
                "namespace": "kube-system",
                "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"},
            },
            False,
        ),
        ({"labels": {"app": "guarded"}}, True),
        ({"spec": {"nodeSelector": {"kind": "work"}}}, True),
        ({"spec": {"volumes": [{"emptyDir": {}}]}}, False),
        ({}, False),
    ],
)
def test_node_stays_for_pods_that_cannot_go(pod, stays):
    budget = {
        "metadata": {"namespace": "n"},
        "spec": {"selector": {"matchLabels": {"app": "guarded"}}},
        "status": {"disruptionsAllowed": 0},
    }
    nodes = [make_node("one"), make_node("other", "system")]
    seen = see(nodes, [make_pod("p", "one", cpu="0.1", **pod)], [budget])

    assert settle(seen) == (None if stays else kube.Shrink("work", ("one",)))


def test_node_stays_when_it_is_told_to_or_its_pods_have_no_other():
    kept = make_node(
        "one", annotations={"cluster-autoscaler.kubernetes.io/scale-down-disabled": "true"}
    )
    full = make_pod("q", "other", cpu="2")
    nodes = [make_node("one"), make_node("other", "system")]

    assert settle(see([kept])) is None
    assert settle(see(nodes, [make_pod("p", "one", cpu="0.1"), full])) is None


def test_pods_with_local_storage_hold_a_node_where_that_is_asked_for():
    volumes = {"volumes": [{"emptyDir": {}}]}
    nodes = [make_node("one"), make_node("other", "system")]
    seen = see(nodes, [make_pod("p", "one", cpu="0.1", spec=volumes)])

    assert settle(seen, pace=replace(PACE, keep_local=True)) is None
