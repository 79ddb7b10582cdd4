"""``az aks upgrade``: from one minor to the next, control plane first, then node by node."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import pytest
from tools import programs
from tools.azure import Az
from tools.containers import Image

from . import aks

OLD, NEW = "1.35.4", "1.36.3"
_PAUSE_S = 0.1
_PATIENCE_S = 10.0
"""Of a client on a busy machine; a packet that is lost is sent again long before."""


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


class Client:
    """Asks for ever, each time with a connection of its own, and notes what was not answered."""

    def __init__(self, address: str) -> None:
        self.answered = 0
        self.failed: list[str] = []
        self._address = address
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_for_ever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask_for_ever(self) -> None:
        while not self._ended.wait(_PAUSE_S):
            connection = http.client.HTTPConnection(self._address, 80, timeout=_PATIENCE_S)
            try:
                connection.request("GET", "/")
                assert connection.getresponse().status == http.HTTPStatus.OK
                self.answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(f"{time.monotonic():.2f} {error!r}")
            finally:
                connection.close()


def describe_web(image: Image) -> tuple[dict[str, Any], ...]:
    """Return four replicas behind a load balancer, of which three are always to be there."""
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": image.reference,
        "args": ["http", "80"],
        "readinessProbe": {"httpGet": {"path": "/health", "port": 80}, "periodSeconds": 1},
        # Who still comes is answered until everybody knows that it goes.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    pod = {
        "containers": [container],
        "imagePullSecrets": [{"name": "pull"}],
        "terminationGracePeriodSeconds": 8,
    }
    spec = {
        "replicas": 4,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    budget = {"minAvailable": 3, "selector": {"matchLabels": labels}}
    service = {"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]}
    return (
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "web"},
            "spec": budget,
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service},
    )


def find_address(cluster: aks.Cluster) -> str:
    found = cluster.read("service", "web")["status"]["loadBalancer"]
    return str(next((one["ip"] for one in found.get("ingress", ())), ""))


def answers(address: str) -> bool:
    with Client(address) as client:
        time.sleep(4 * _PAUSE_S)
    return client.answered > 0


def is_available(cluster: aks.Cluster) -> bool:
    return cluster.read("deployment", "web")["status"].get("availableReplicas") == 4


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A cluster that was brought from one minor to the next, and how it was before."""

    cluster: aks.Cluster
    before: Any
    offered: Any
    kubelet: str
    between: Any
    """Once its control plane was upgraded."""
    kubelet_between: str
    client: Client


@pytest.fixture(scope="module")
def upgrade(cluster: aks.Cluster, probe_image: Image) -> Upgrade:
    before = cluster.do("show")
    offered = cluster.do("get-upgrades")["controlPlaneProfile"]["upgrades"]
    kubelet = find_kubelet(cluster)
    login = ("--docker-server", probe_image.server, "--docker-username", probe_image.username)
    secret = ("create", "secret", "docker-registry", "pull", *login)
    programs.succeed(cluster.kubectl(*secret, "--docker-password", probe_image.password))
    cluster.apply(*describe_web(probe_image))
    cluster.wait(lambda: is_available(cluster))
    address = cluster.wait(lambda: find_address(cluster))
    cluster.wait(lambda: answers(address))
    programs.succeed(cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b"))
    wanted = ("--kubernetes-version", NEW, "--yes")
    with Client(address) as client:
        words = ("aks", "upgrade", *cluster.names, "--control-plane-only", *wanted)
        programs.succeed(cluster.az.run(*words, timeout_s=aks.WAIT_S))
        between, kubelet_between = cluster.do("show"), find_kubelet(cluster)
        at = ("-g", cluster.group, "--cluster-name", cluster.name)
        pool = ("-n", between["agentPoolProfiles"][0]["name"])
        words = ("aks", "nodepool", "upgrade", *at, *pool, *wanted)
        programs.succeed(cluster.az.run(*words, timeout_s=aks.WAIT_S))
    return Upgrade(cluster, before, offered, kubelet, between, kubelet_between, client)


def find_kubelet(cluster: aks.Cluster) -> str:
    (node,) = cluster.read("nodes")["items"]
    return str(node["status"]["nodeInfo"]["kubeletVersion"])


def test_cluster_was_of_the_minor_that_was_asked_for(upgrade: Upgrade) -> None:
    assert upgrade.before["currentKubernetesVersion"] == OLD
    assert [one["kubernetesVersion"] for one in upgrade.offered] == [NEW]
    assert upgrade.kubelet == f"v{OLD}"


def test_control_plane_goes_first_and_alone(upgrade: Upgrade) -> None:
    assert upgrade.between["currentKubernetesVersion"] == NEW
    (pool,) = upgrade.between["agentPoolProfiles"]
    assert pool["currentOrchestratorVersion"] == OLD
    assert upgrade.kubelet_between == f"v{OLD}"


def test_control_plane_and_node_are_of_the_next(upgrade: Upgrade) -> None:
    shown = upgrade.cluster.do("show")

    assert shown["kubernetesVersion"] == shown["currentKubernetesVersion"] == NEW
    (pool,) = shown["agentPoolProfiles"]
    assert pool["orchestratorVersion"] == pool["currentOrchestratorVersion"] == NEW
    said = programs.succeed(upgrade.cluster.kubectl("version", "-o", "json")).json
    assert said["serverVersion"]["gitVersion"] == f"v{NEW}"
    assert find_kubelet(upgrade.cluster) == f"v{NEW}"


def test_every_request_was_answered_meanwhile(upgrade: Upgrade) -> None:
    assert upgrade.client.failed == []
    assert upgrade.client.answered > 100


def test_what_runs_and_what_is_stored_is_there_still(upgrade: Upgrade) -> None:
    assert upgrade.cluster.read("configmap", "kept")["data"] == {"a": "b"}
    upgrade.cluster.wait(lambda: is_available(upgrade.cluster))


@pytest.mark.parametrize(
    ("version", "saying"), [(OLD, "not allowed"), ("1.34.1", "K8sVersionNotSupported")]
)
def test_nothing_goes_back(upgrade: Upgrade, version: str, saying: str) -> None:
    words = ("aks", "upgrade", *upgrade.cluster.names, "--kubernetes-version", version, "--yes")

    upgrade.cluster.az.refused(*words, saying=saying)
