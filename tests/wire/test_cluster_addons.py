"""What comes with a cluster: pulls by the nodes' identity, measuring.

A pod that is busy from the beginning gives the autoscaler time to see it while others are tested.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tools import programs
from tools.azure import Az, Registry
from tools.containers import Image


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    registry: Registry,
    probe_image: Image,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    folder, attach = tmp_path_factory.mktemp("cluster"), ("--attach-acr", registry.name)
    with aks.made(az, make_group(), unique("cluster"), folder, *attach) as made:
        made.apply(*describe_busy(probe_image))
        yield made


def describe_busy(image: Image) -> list[dict[str, Any]]:
    """Return a Deployment that uses twice what it asks for, and its autoscaler."""
    container = {
        "name": "busy",
        "image": image.reference,
        "command": ["/bin/sh", "-c", "while :; do :; done"],
        "resources": {"requests": {"cpu": "40m"}, "limits": {"cpu": "80m"}},
    }
    labels = {"app": "busy"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    busy = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    target = {"type": "Utilization", "averageUtilization": 80}
    scaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
        "minReplicas": 1,
        "maxReplicas": 2,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", **_name("busy"), "spec": busy},
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            **_name("busy"),
            "spec": scaler,
        },
    ]


def _name(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}}


def run(cluster: Cluster, name: str, image: Image, *words: str) -> None:
    """Start a pod that has no secret to pull with."""
    pod = (f"--image={image.reference}", "--image-pull-policy=Always", "--restart=Never")
    command = ("--command", "--", "/bin/probe", *words)
    programs.succeed(cluster.kubectl("run", name, *pod, *command))


def find_refusal(cluster: Cluster, pod: str) -> str:
    """Return why a pod's image is not pulled, once the kubelet waits to try again."""
    for one in cluster.read("pod", pod)["status"].get("containerStatuses", ()):
        waiting: dict[str, Any] = one["state"].get("waiting", {})
        if waiting.get("reason") == "ImagePullBackOff":
            return str(waiting["message"])
    return ""


def test_nodes_have_an_identity_that_az_shows(az: Az, cluster: Cluster) -> None:
    shown = cluster.do("show")

    kubelet = shown["identityProfile"]["kubeletidentity"]
    own = az("identity", "show", "--ids", kubelet["resourceId"])
    assert own["resourceGroup"] == shown["nodeResourceGroup"]
    assert (own["principalId"], own["clientId"]) == (kubelet["objectId"], kubelet["clientId"])


def test_attached_registry_is_pulled_from_without_a_secret_and_pods_get_no_token(
    cluster: Cluster, probe_image: Image
) -> None:
    run(cluster, "asker", probe_image, "token", "https://management.azure.com/")
    cluster.wait_phase("asker", "Succeeded")

    said = json.loads(programs.succeed(cluster.kubectl("logs", "asker")).out)
    assert "status" not in said
    assert "169.254.169.254" in said["error"]


def test_detached_registry_is_refused_until_it_is_attached_again(
    cluster: Cluster, probe_image: Image, registry: Registry
) -> None:
    cluster.do("update", "--detach-acr", registry.name)
    run(cluster, "waiter", probe_image, "sleep")

    refusal = cluster.wait(lambda: find_refusal(cluster, "waiter"))
    # containerd's words for the registry's 401 with the error insufficient_scope.
    assert "insufficient_scope: authorization failed" in refusal

    cluster.do("update", "--attach-acr", registry.name)
    # The kubelet holds back who was refused, ever longer; another pod is not.
    run(cluster, "next", probe_image, "sleep")
    cluster.wait_phase("next", "Running")


def test_what_nodes_and_pods_use_is_measured(cluster: Cluster) -> None:
    def find_busy() -> bool:
        said = cluster.kubectl("top", "pods", "--no-headers", "-l", "app=busy")
        return said.code == 0 and any(int(line.split()[1][:-1]) for line in said.out.splitlines())

    cluster.wait(find_busy)

    (node,) = programs.succeed(cluster.kubectl("top", "nodes", "--no-headers")).out.splitlines()
    assert node.startswith("aks-")


def test_deployment_grows_under_load(cluster: Cluster) -> None:
    cluster.wait(lambda: cluster.read("deployment", "busy")["status"].get("readyReplicas") == 2)
