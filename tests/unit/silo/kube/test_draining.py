import pytest

from silo import kube
from silo.kube import draining


def make_pod(name, *, owner="", phase="Running", annotations=None):
    owners = [{"kind": owner, "controller": True}] if owner else []
    meta = {"namespace": "n", "name": name, "ownerReferences": owners}
    return {"metadata": {**meta, "annotations": annotations or {}}, "status": {"phase": phase}}


class Pods:
    """An API that knows pods, some of which a budget holds."""

    def __init__(self, *pods, held=()):
        self.pods = {pod["metadata"]["name"]: pod for pod in pods}
        self.held = set(held)
        self.refusals = 0

    async def list(self, _path, fields):
        assert fields == "spec.nodeName=one"
        return list(self.pods.values()), "7"

    async def evict(self, namespace, name):
        assert namespace == "n"
        if name in self.held:
            self.refusals += 1
            return "Cannot evict pod as it would violate the pod's disruption budget."
        del self.pods[name]
        return ""


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(draining, "_LOOK_S", 0.001)


async def test_pods_go_but_for_those_that_would_come_back_or_have_ended():
    mirror = {"kubernetes.io/config.mirror": "x"}
    stay = [
        make_pod("daemon", owner="DaemonSet"),
        make_pod("done", phase="Succeeded"),
        make_pod("static", annotations=mirror),
    ]
    pods = Pods(make_pod("web", owner="ReplicaSet"), make_pod("bare"), *stay)

    await draining.drain(pods, "one", 10)

    assert sorted(pods.pods) == ["daemon", "done", "static"]


async def test_pod_that_a_budget_holds_is_named_with_the_reason():
    pods = Pods(make_pod("web"), make_pod("db"), held=["db"])

    with pytest.raises(kube.DrainFailed, match=r"n/db\. Cannot evict") as failed:
        await draining.drain(pods, "one", 0.05)

    assert "n/web" not in str(failed.value)
    assert pods.refusals > 1


async def test_pod_goes_once_its_budget_allows():
    pods = Pods(make_pod("db"), held=["db"])
    evict = pods.evict

    async def evict_at_last(namespace, name):
        refusal = await evict(namespace, name)
        pods.held.clear()
        return refusal

    pods.evict = evict_at_last
    await draining.drain(pods, "one", 10)

    assert pods.pods == {}
