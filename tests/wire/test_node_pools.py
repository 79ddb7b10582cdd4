"""``az aks nodepool``, ``scale`` and ``machine``: nodes that come, change and go."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tools import programs
from tools.azure import Az

from silo.kube import nodes

from . import aks

PAUSE = nodes.PAUSE_IMAGE


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[aks.Cluster]:
    folder = tmp_path_factory.mktemp("pools")
    with aks.made(az, make_group(), unique("pools"), folder) as made:
        yield made


def on_pool(cluster: aks.Cluster, verb: str, *words: str, pool: str = "extra") -> Any:
    return cluster.az("aks", "nodepool", verb, *below(cluster), "-n", pool, *words)


def below(cluster: aks.Cluster) -> tuple[str, ...]:
    return ("-g", cluster.group, "--cluster-name", cluster.name)


def list_nodes(cluster: aks.Cluster, pool: str) -> dict[str, Any]:
    """Return the ready nodes of a pool by name."""
    nodes = cluster.read("nodes", "-l", f"agentpool={pool}")["items"]
    return {
        node["metadata"]["name"]: node
        for node in nodes
        if {"type": "Ready", "status": "True"}.items()
        <= next(one for one in node["status"]["conditions"] if one["type"] == "Ready").items()
    }


def test_pool_lives_beside_the_first_one(cluster: aks.Cluster) -> None:
    options = ("--node-vm-size", aks.SIZE, "--labels", "team=a", "--max-pods", "40")
    taints = ("--node-taints", "gpu=yes:NoSchedule")
    added = on_pool(cluster, "add", "--node-count", "1", *options, *taints)
    assert (added["mode"], added["count"], added["provisioningState"]) == ("User", 1, "Succeeded")
    ((name, node),) = list_nodes(cluster, "extra").items()
    assert node["metadata"]["labels"]["team"] == "a"
    assert node["spec"]["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
    assert node["status"]["allocatable"]["pods"] == "40"

    listed = cluster.az("aks", "nodepool", "list", *below(cluster))
    assert [one["name"] for one in listed] == ["nodepool1", "extra"]
    pool = ("--nodepool-name", "extra")
    (machine,) = cluster.az("aks", "machine", "list", *below(cluster), *pool)
    assert machine["name"] == name
    address = node["status"]["addresses"][0]["address"]
    assert machine["properties"]["network"]["ipAddresses"][0]["ip"] == address
    shown = cluster.az("aks", "machine", "show", *below(cluster), *pool, "--machine-name", name)
    assert shown["id"] == machine["id"]

    on_pool(cluster, "update", "--labels", "team=b", "--node-taints", "")
    ((same, changed),) = list_nodes(cluster, "extra").items()
    assert (same, changed["metadata"]["uid"]) == (name, node["metadata"]["uid"])
    assert changed["metadata"]["labels"]["team"] == "b"
    assert "taints" not in changed["spec"]

    on_pool(cluster, "scale", "--node-count", "0")
    assert list_nodes(cluster, "extra") == {}
    assert on_pool(cluster, "show")["count"] == 0
    gone = cluster.az.run("aks", "nodepool", "delete", *below(cluster), "-n", "extra")
    programs.succeed(gone)
    listed = cluster.az("aks", "nodepool", "list", *below(cluster))
    assert [one["name"] for one in listed] == ["nodepool1"]


def test_cluster_is_scaled_and_written_again_without_harm(cluster: aks.Cluster) -> None:
    first = list_nodes(cluster, "nodepool1")
    only = ("--nodepool-name", "nodepool1")
    cluster.do("scale", "--node-count", "2", *only)
    both = list_nodes(cluster, "nodepool1")
    assert len(both) == 2
    cluster.do("update", "--tags", "a=b")
    again = list_nodes(cluster, "nodepool1")
    assert {name: node["metadata"]["uid"] for name, node in again.items()} == {
        name: node["metadata"]["uid"] for name, node in both.items()
    }
    cluster.do("scale", "--node-count", "1", *only)

    assert list(list_nodes(cluster, "nodepool1")) == list(first)


def test_pool_grows_for_a_pod_without_room_and_shrinks_without_it(cluster: aks.Cluster) -> None:
    pace = ["scan-interval=1s", "scale-down-unneeded-time=1s", "scale-down-delay-after-add=1s"]
    cluster.do("update", "--cluster-autoscaler-profile", *pace)
    scaled = ("--enable-cluster-autoscaler", "--min-count", "0", "--max-count", "1")
    size = ("--node-vm-size", aks.SIZE, "--node-count", "0")
    on_pool(cluster, "add", *size, *scaled, pool="auto")
    spec = {
        "nodeSelector": {"agentpool": "auto"},
        "containers": [{"name": "c", "image": PAUSE, "imagePullPolicy": "Never"}],
    }
    labels = {"matchLabels": {"app": "grow"}}
    template = {"metadata": {"labels": {"app": "grow"}}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "grow"},
        "spec": {"replicas": 1, "selector": labels, "template": template},
    }
    cluster.apply(deployment)
    cluster.wait(lambda: cluster.read("deployment", "grow")["status"].get("readyReplicas"))
    assert len(list_nodes(cluster, "auto")) == 1
    programs.succeed(cluster.kubectl("delete", "deployment", "grow"))
    cluster.wait(lambda: not cluster.read("nodes", "-l", "agentpool=auto")["items"])

    cluster.wait(lambda: on_pool(cluster, "show", pool="auto")["provisioningState"] == "Succeeded")
    assert on_pool(cluster, "show", pool="auto")["count"] == 0
    gone = cluster.az.run("aks", "nodepool", "delete", *below(cluster), "-n", "auto")
    programs.succeed(gone)


def test_last_pool_of_the_system_stays(cluster: aks.Cluster) -> None:
    delete = ("aks", "nodepool", "delete", *below(cluster), "-n", "nodepool1")

    cluster.az.refused(*delete, saying="at least one system agent pool")


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (("--node-vm-size", "Standard_Nothing"), "VMSizeNotSupported"),
        (("--node-vm-size", aks.SIZE, "--node-count", "1000"), "InsufficientVCPUQuota"),
        (("--os-type", "Windows"), "osType"),
        (("--scale-down-mode", "Deallocate"), "scaleDownMode"),
        (("--max-surge", "1", "--max-unavailable", "1"), "maxUnavailable"),
        (("--max-surge", "0"), "maxSurge"),
    ],
)
def test_pool_that_cannot_be_had_is_refused(
    cluster: aks.Cluster, options: tuple[str, ...], saying: str
) -> None:
    cluster.az.refused(
        "aks", "nodepool", "add", *below(cluster), "-n", "other", *options, saying=saying
    )


def find_kubelets(cluster: aks.Cluster, pool: str) -> list[str]:
    return [
        one["status"]["nodeInfo"]["kubeletVersion"] for one in list_nodes(cluster, pool).values()
    ]


def have_pool(cluster: aks.Cluster, verb: str, *words: str, pool: str) -> None:
    """Do something to a pool of which az may say nothing."""
    at = (*below(cluster), "-n", pool)
    done = cluster.az.run("aks", "nodepool", verb, *at, *words, timeout_s=aks.WAIT_S)
    programs.succeed(done)


def guard_pod(cluster: aks.Cluster, pool: str) -> None:
    """Have a pod on a pool that nobody may move."""
    labels = {"app": "guarded"}
    pod = {
        "nodeSelector": {"agentpool": pool},
        "containers": [{"name": "c", "image": PAUSE, "imagePullPolicy": "Never"}],
    }
    budget = {"minAvailable": 1, "selector": {"matchLabels": labels}}
    meta = {"name": "guarded", "labels": labels}
    cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": meta,
            "spec": budget,
        },
    )
    cluster.wait_phase("guarded", "Running")


@pytest.mark.skipif(len(aks.KITS) < 2, reason="an upgrade needs two versions")
def test_pool_is_upgraded_aborted_brought_back_and_upgraded_by_itself(cluster: aks.Cluster) -> None:
    old, new = sorted(aks.KITS)[-2:]
    # One node at a time, and none more: its pods have nowhere to go, and go.
    pace = ("--max-surge", "0", "--max-unavailable", "1")
    size = ("--node-vm-size", aks.SIZE, "--node-count", "1")
    added = on_pool(cluster, "add", *size, *pace, "--kubernetes-version", old, pool="old")
    assert added["nodeImageVersion"] == aks.KITS[old].image
    upgrade = ("upgrade", "--kubernetes-version", new, "--yes")

    guard_pod(cluster, "old")
    have_pool(cluster, *upgrade, "--no-wait", pool="old")
    have_pool(cluster, "operation-abort", pool="old")
    assert on_pool(cluster, "show", pool="old")["provisioningState"] == "Canceled"
    ((_, node),) = list_nodes(cluster, "old").items()
    assert "unschedulable" not in node["spec"]
    cluster.az.refused("aks", "operation-abort", *cluster.names, saying="no operation in progress")
    programs.succeed(cluster.kubectl("delete", "pdb,pod", "guarded", "--wait=false"))

    upgraded = on_pool(cluster, *upgrade, pool="old")
    assert upgraded["nodeImageVersion"] == aks.KITS[new].image
    assert find_kubelets(cluster, "old") == [f"v{new}"]
    (recent,) = on_pool(cluster, "get-rollback-versions", pool="old")
    assert recent["orchestratorVersion"] == old
    on_pool(cluster, "rollback", pool="old")
    assert find_kubelets(cluster, "old") == [f"v{old}"]
    # There is no newer image of what it has.
    have_pool(cluster, "upgrade", "--node-image-only", pool="old")
    assert find_kubelets(cluster, "old") == [f"v{old}"]

    own = ("aks", "maintenanceconfiguration")
    name = ("--name", "aksManagedAutoUpgradeSchedule")
    daily = ("--schedule-type", "Daily", "--interval-days", "1", "--start-time", "00:00")
    cluster.az(*own, "add", *below(cluster), *name, *daily, "--duration", "24")
    shown = cluster.az(*own, "show", *below(cluster), *name)
    assert shown["maintenanceWindow"]["durationHours"] == 24
    cluster.do("update", "--auto-upgrade-channel", "patch")
    cluster.wait(lambda: find_kubelets(cluster, "old") == [f"v{new}"])
    have_pool(cluster, "wait", "--updated", pool="old")
    cluster.do("update", "--auto-upgrade-channel", "none", "--yes")
    words = ("monitor", "activity-log", "list", "--resource-id", cluster.do("show")["id"])
    assert "Silo" in {one["caller"] for one in cluster.az(*words)}
    have_pool(cluster, "delete", pool="old")
