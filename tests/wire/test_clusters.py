"""``az aks`` and ``kubectl``: the life of a cluster, as one who uses it sees it."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools import programs
from tools.azure import Az
from tools.containers import Image

from silo import kube

_KITS = kube.find_kits()
WAIT_S = 240.0
"""Far more than a busy machine needs."""
SIZE = "Standard_B2s"

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not _KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that az has made."""

    az: Az
    group: str
    name: str
    folder: Path

    @property
    def names(self) -> tuple[str, ...]:
        return ("-g", self.group, "-n", self.name)

    def do(self, verb: str, *words: str) -> Any:
        return self.az("aks", verb, *self.names, *words)

    def kubectl(self, *words: str) -> programs.Outcome:
        """Run kubectl in Silo's environment with what ``get-credentials`` wrote."""
        config = self.folder / "config"
        if not config.exists():
            words_ = ("aks", "get-credentials", *self.names, "--file", str(config))
            programs.succeed(self.az.run(*words_))
        kit = next(iter(_KITS.values()))
        command = [kit.kubernetes, "kubectl", f"--kubeconfig={config}", *words]
        return programs.run(command, self.az.environment)

    def read(self, *words: str) -> Any:
        return programs.succeed(self.kubectl("get", *words, "-o", "json")).json

    def wait_phase(self, pod: str, wanted: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while True:
            found = self.read("pod", pod)
            if found["status"]["phase"] == wanted:
                return
            assert time.monotonic() < deadline, json.dumps(found["status"], indent=1)
            time.sleep(0.3)


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    made = Cluster(az, make_group(), unique("cluster"), tmp_path_factory.mktemp("cluster"))
    size = ("--node-count", "1", "--node-vm-size", SIZE, "--no-ssh-key")
    created = az.run("aks", "create", *made.names, *size, timeout_s=WAIT_S)
    try:
        programs.succeed(created)
        yield made
    finally:
        az.run("aks", "delete", *made.names, "--yes", timeout_s=WAIT_S)


def test_cluster_is_shown_and_listed(az: Az, cluster: Cluster) -> None:
    shown = cluster.do("show")

    assert shown["provisioningState"] == "Succeeded"
    assert shown["powerState"]["code"] == "Running"
    assert shown["currentKubernetesVersion"] in _KITS
    assert shown["identity"]["principalId"]
    (pool,) = shown["agentPoolProfiles"]
    assert (pool["count"], pool["vmSize"], pool["mode"]) == (1, SIZE, "System")
    assert shown["id"] in [one["id"] for one in az("aks", "list")]
    table = az.run("aks", "list", "-g", cluster.group, "-o", "table")
    assert shown["fqdn"] in programs.succeed(table).out
    listed = az("aks", "nodepool", "list", "-g", cluster.group, "--cluster-name", cluster.name)
    assert [one["name"] for one in listed] == [pool["name"]]


def test_versions_are_those_that_run(az: Az) -> None:
    found = az("aks", "get-versions", "-l", "westeurope")

    patches = {patch for one in found["values"] for patch in one["patchVersions"]}
    assert patches == set(_KITS)


def test_kubectl_finds_the_node_ready(cluster: Cluster) -> None:
    (node,) = cluster.read("nodes")["items"]

    assert {one["type"]: one["status"] for one in node["status"]["conditions"]}["Ready"] == "True"
    assert node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == SIZE
    assert node["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v") in _KITS


def test_pod_runs_an_image_of_the_registry(cluster: Cluster, probe_image: Image) -> None:
    login = ("--docker-server", probe_image.server, "--docker-username", probe_image.username)
    secret = ("create", "secret", "docker-registry", "pull", *login)
    programs.succeed(cluster.kubectl(*secret, "--docker-password", probe_image.password))
    pull = json.dumps({"spec": {"imagePullSecrets": [{"name": "pull"}]}})
    run = ("run", "finder", f"--image={probe_image.reference}", "--restart=Never")
    name = "kubernetes.default.svc.cluster.local"
    words = (*run, f"--overrides={pull}", "--command", "--", "/bin/probe", "resolve", name)
    programs.succeed(cluster.kubectl(*words))
    cluster.wait_phase("finder", "Succeeded")

    said = programs.succeed(cluster.kubectl("logs", "finder")).json
    assert said["addresses"] == ["10.0.0.1"]


def test_admin_credentials_are_merged_under_azs_names(cluster: Cluster) -> None:
    config = cluster.folder / "admin"
    words = ("aks", "get-credentials", *cluster.names, "--admin", "--file", str(config))
    programs.succeed(cluster.az.run(*words))

    assert f"{cluster.name}-admin" in config.read_text()
    assert config.stat().st_mode & 0o077 == 0


def test_stranger_gets_no_credentials(
    cluster: Cluster, new_az: Callable[[], Az], make_principal: Callable[..., Any], silo: Any
) -> None:
    reader = make_principal("Reader", cluster.do("show")["id"])
    az = new_az().sign_in(silo.tenant, reader.client_id, reader.secret)

    assert az("aks", "show", *cluster.names)["name"] == cluster.name
    for option in ((), ("--admin",)):
        target = str(cluster.folder / "none")
        words = ("aks", "get-credentials", *cluster.names, *option, "--file", target)
        az.refused(*words, saying="AuthorizationFailed")


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (("--node-count", "3"), "count"),
        (("--node-count", "1", "--kubernetes-version", "1.20.0"), "K8sVersionNotSupported"),
        (("--node-count", "1", "--node-vm-size", "Standard_Nothing"), "VMSizeNotSupported"),
        (
            ("--node-count", "1", "--network-plugin", "azure", "--network-policy", "calico"),
            "networkPolicy",
        ),
    ],
)
def test_what_cannot_be_had_is_refused(
    az: Az, cluster: Cluster, options: tuple[str, ...], saying: str
) -> None:
    words = ("aks", "create", "-g", cluster.group, "-n", "other", "--no-ssh-key", *options)

    az.refused(*words, saying=saying)


def test_deleted_cluster_is_gone(cluster: Cluster) -> None:
    programs.succeed(cluster.az.run("aks", "delete", *cluster.names, "--yes", timeout_s=WAIT_S))

    assert cluster.az.run("aks", "show", *cluster.names).code == 3
    assert cluster.az("aks", "list", "-g", cluster.group) == []
