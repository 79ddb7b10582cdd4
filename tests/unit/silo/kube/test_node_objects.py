from dataclasses import replace

import pytest
from tests.unit.silo.kube import kube_world as world

from silo.kube import node_objects

PLAN = replace(world.NODE, labels=(("team", "a"),), taints=("gpu=yes:NoSchedule",))
GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "now"}


def make_node(*, labels=None, taints=(), annotations=None, **spec):
    meta = {"labels": labels or {}, "annotations": annotations or {}, "resourceVersion": "7"}
    return {"metadata": meta, "spec": {"taints": list(taints), **spec}}


def apply(node, patch):
    """Return the node as the API server would have it (RFC 7396)."""
    meta, given = dict(node["metadata"]), patch.get("metadata", {})
    for part in ("labels", "annotations"):
        merged = {**meta[part], **given.get(part, {})}
        meta[part] = {key: value for key, value in merged.items() if value is not None}
    spec = {**node["spec"], **patch.get("spec", {})}
    return {
        "metadata": meta,
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


@pytest.mark.parametrize(
    ("text", "taint"),
    [
        ("gpu=yes:NoSchedule", GPU),
        ("gpu:NoExecute", {"key": "gpu", "effect": "NoExecute"}),
        ("a.b/c=:NoSchedule", {"key": "a.b/c", "value": "", "effect": "NoSchedule"}),
    ],
)
def test_taints_are_read_as_kubectl_writes_them(text, taint):
    assert node_objects.parse_taint(text) == taint


def test_node_gets_labels_and_taints_once():
    node = make_node(labels={"theirs": "1"}, taints=[NOT_READY])
    patch = node_objects.describe(node, PLAN)
    after = apply(node, patch)

    assert patch["metadata"]["resourceVersion"] == "7"
    assert after["metadata"]["labels"] == {"theirs": "1", "team": "a"}
    assert after["spec"]["taints"] == [NOT_READY, GPU]
    assert node_objects.describe(after, PLAN) == {}


def test_what_silo_gave_is_taken_away_and_what_others_gave_stays():
    theirs = {"key": "theirs", "effect": "NoSchedule"}
    before = make_node(labels={"theirs": "1"}, taints=[theirs])
    node = apply(before, node_objects.describe(before, PLAN))
    bare = replace(PLAN, labels=(("new", "b"),), taints=())
    after = apply(node, node_objects.describe(node, bare))

    assert after["metadata"]["labels"] == {"theirs": "1", "new": "b"}
    assert after["spec"]["taints"] == [theirs]


def test_taint_of_another_value_takes_the_place_of_the_old_one():
    before = make_node()
    node = apply(before, node_objects.describe(before, PLAN))
    other = replace(PLAN, taints=("gpu=no:NoSchedule",))

    after = apply(node, node_objects.describe(node, other))

    assert after["spec"]["taints"] == [{**GPU, "value": "no"}]


@pytest.mark.parametrize("by_others", [False, True])
def test_cordon_of_ours_is_taken_back_and_nobody_elses(by_others):
    node = make_node(**({"unschedulable": True} if by_others else {}))
    going = apply(node, node_objects.cordon(node))
    back = apply(going, node_objects.uncordon(going))

    assert going["spec"]["unschedulable"] is True
    assert node_objects.cordon(going) == {}
    assert back["spec"].get("unschedulable", False) is by_others
    assert node_objects.uncordon(back) == {}


def test_node_is_set_apart_and_joins_again():
    node = make_node()
    apart = apply(node, node_objects.set_apart(node))
    joined = apply(apart, node_objects.join(apart))

    assert node_objects.set_apart(apart) == {}
    assert node_objects.APART in apart["metadata"]["labels"]
    assert node_objects.APART not in joined["metadata"]["labels"]
    assert node_objects.join(joined) == {}


def test_node_that_others_set_apart_stays_so():
    node = make_node(labels={node_objects.APART: ""})

    assert node_objects.set_apart(node) == node_objects.join(node) == {}
