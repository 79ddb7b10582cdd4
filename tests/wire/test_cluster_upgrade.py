"""``az aks upgrade``: from one minor to the next, control plane first, then node by node."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tools import programs
from tools.azure import Az

from . import aks

OLD, NEW = "1.35.4", "1.36.3"
PAUSE = "localhost/silo/pause:1"

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not {OLD, NEW} <= set(aks.KITS):
    pytest.skip("the two minors are not built here (make kubernetes)", allow_module_level=True)


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[aks.Cluster]:
    folder = tmp_path_factory.mktemp("upgrade")
    version = ("--kubernetes-version", "1.35")
    with aks.made(az, make_group(), unique("upgrade"), folder, *version) as made:
        yield made


def describe_web() -> tuple[dict[str, Any], ...]:
    """Return four replicas, of which three are always to be there."""
    labels = {"app": "web"}
    container = {"name": "web", "image": PAUSE, "imagePullPolicy": "Never"}
    spec = {
        "replicas": 4,
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 2},
        },
    }
    budget = {"minAvailable": 3, "selector": {"matchLabels": labels}}
    return (
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": budget,
        },
    )


def is_available(cluster: aks.Cluster) -> bool:
    return cluster.read("deployment", "web")["status"].get("availableReplicas") == 4


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A cluster that was brought from one minor to the next, and how it was before."""

    cluster: aks.Cluster
    before: Any
    offered: Any
    kubelet: str


@pytest.fixture(scope="module")
def upgrade(cluster: aks.Cluster) -> Upgrade:
    before = cluster.do("show")
    offered = cluster.do("get-upgrades")["controlPlaneProfile"]["upgrades"]
    kubelet = find_kubelet(cluster)
    cluster.apply(*describe_web())
    cluster.wait(lambda: is_available(cluster))
    programs.succeed(cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b"))
    words = ("aks", "upgrade", *cluster.names, "--kubernetes-version", NEW, "--yes")
    programs.succeed(cluster.az.run(*words, timeout_s=aks.WAIT_S))
    return Upgrade(cluster, before, offered, kubelet)


def find_kubelet(cluster: aks.Cluster) -> str:
    (node,) = cluster.read("nodes")["items"]
    return str(node["status"]["nodeInfo"]["kubeletVersion"])


def test_cluster_was_of_the_minor_that_was_asked_for(upgrade: Upgrade) -> None:
    assert upgrade.before["currentKubernetesVersion"] == OLD
    assert [one["kubernetesVersion"] for one in upgrade.offered] == [NEW]
    assert upgrade.kubelet == f"v{OLD}"


def test_control_plane_and_node_are_of_the_next(upgrade: Upgrade) -> None:
    shown = upgrade.cluster.do("show")

    assert shown["kubernetesVersion"] == shown["currentKubernetesVersion"] == NEW
    (pool,) = shown["agentPoolProfiles"]
    assert pool["orchestratorVersion"] == pool["currentOrchestratorVersion"] == NEW
    said = programs.succeed(upgrade.cluster.kubectl("version", "-o", "json")).json
    assert said["serverVersion"]["gitVersion"] == f"v{NEW}"
    assert find_kubelet(upgrade.cluster) == f"v{NEW}"


def test_what_runs_and_what_is_stored_is_there_still(upgrade: Upgrade) -> None:
    assert upgrade.cluster.read("configmap", "kept")["data"] == {"a": "b"}
    upgrade.cluster.wait(lambda: is_available(upgrade.cluster))


@pytest.mark.parametrize(
    ("version", "saying"), [(OLD, "not allowed"), ("1.34.1", "K8sVersionNotSupported")]
)
def test_nothing_goes_back(upgrade: Upgrade, version: str, saying: str) -> None:
    words = ("aks", "upgrade", *upgrade.cluster.names, "--kubernetes-version", version, "--yes")

    upgrade.cluster.az.refused(*words, saying=saying)
