"""``az aks`` and ``kubectl``: the life of a cluster, as one who uses it sees it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.wire import aks
from tests.wire.aks import KITS, SIZE, WAIT_S, Cluster
from tools import programs
from tools.azure import Az
from tools.containers import Image


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with aks.made(az, make_group(), unique("cluster"), folder) as made:
        yield made
        # Here and not in a test of its own: tests run in any order.
        programs.succeed(az.run("aks", "delete", *made.names, "--yes", timeout_s=WAIT_S))
        assert az.run("aks", "show", *made.names).code == 3
        assert az("aks", "list", "-g", made.group) == []


def test_cluster_is_shown_and_listed(az: Az, cluster: Cluster) -> None:
    shown = cluster.do("show")

    assert shown["provisioningState"] == "Succeeded"
    assert shown["powerState"]["code"] == "Running"
    assert shown["currentKubernetesVersion"] in KITS
    assert shown["identity"]["principalId"]
    (pool,) = shown["agentPoolProfiles"]
    assert (pool["count"], pool["vmSize"], pool["mode"]) == (1, SIZE, "System")
    assert shown["id"] in [one["id"] for one in az("aks", "list")]
    table = az.run("aks", "list", "-g", cluster.group, "-o", "table")
    assert shown["fqdn"] in programs.succeed(table).out
    browse = az.run("aks", "browse", *cluster.names, "--disable-browser")
    assert f"/#resource{shown['id']}/workloads" in programs.succeed(browse).out
    listed = az("aks", "nodepool", "list", "-g", cluster.group, "--cluster-name", cluster.name)
    assert [one["name"] for one in listed] == [pool["name"]]


def test_versions_are_those_that_run(az: Az) -> None:
    found = az("aks", "get-versions", "-l", "westeurope")

    patches = {patch for one in found["values"] for patch in one["patchVersions"]}
    assert patches == set(KITS)


def test_kubectl_finds_the_node_ready(cluster: Cluster) -> None:
    (node,) = cluster.read("nodes")["items"]

    assert {one["type"]: one["status"] for one in node["status"]["conditions"]}["Ready"] == "True"
    assert node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == SIZE
    assert node["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v") in KITS


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
        (("--node-count", "1000"), "InsufficientVCPUQuota"),
        (("--node-count", "1", "--kubernetes-version", "1.20.0"), "K8sVersionNotSupported"),
        (("--node-count", "1", "--node-vm-size", "Standard_Nothing"), "VMSizeNotSupported"),
        (("--node-count", "1", "--outbound-type", "managedNATGateway"), "outboundType"),
    ],
)
def test_what_cannot_be_had_is_refused(
    az: Az, cluster: Cluster, options: tuple[str, ...], saying: str
) -> None:
    words = ("aks", "create", "-g", cluster.group, "-n", "other", "--no-ssh-key", *options)

    az.refused(*words, saying=saying)
