"""A cluster whose API server is for the cluster alone, and whose pods are on the nodes' network."""

import os
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tools import programs
from tools.azure import Az

from silo import kube

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not aks.KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

SERVER = "-n kube-system -l k8s-app=kube-dns"
WAIT = f"kubectl wait pods {SERVER} --for=condition=Ready --timeout=200s"
"""Until the cluster's name server answers."""


@pytest.fixture(scope="module")
def cluster(
    az: Az,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    folder, options = tmp_path_factory.mktemp("cluster"), ("--network-plugin", "azure")
    name = unique("cluster")
    with aks.made(az, make_group(), name, folder, "--enable-private-cluster", *options) as made:
        yield made


def invoke(cluster: Cluster, line: str) -> str:
    """Run a line in the cluster; return what it said."""
    told = cluster.az("aks", "command", "invoke", *cluster.names, "--command", line)
    assert told["exitCode"] == 0, told["logs"]
    return str(told["logs"]).strip()


def test_nobody_outside_finds_the_api_server(cluster: Cluster, environment: dict[str, str]) -> None:
    shown = cluster.do("show")

    assert shown["apiServerAccessProfile"]["enablePrivateCluster"] is True
    assert ".privatelink." in shown["privateFqdn"]
    assert cluster.kubectl("get", "--raw", "/readyz", "--request-timeout=5s").code != 0
    assert shown["privateFqdn"] in (cluster.folder / "config").read_text()
    for name in filter(None, (shown["privateFqdn"], shown["fqdn"])):
        curl = ("curl", "--silent", "--insecure", "--max-time", "5", f"https://{name}/readyz")
        asked = programs.run([*curl, "--proxy", environment["HTTPS_PROXY"]], environment)
        assert asked.code != 0


def test_commands_run_in_it_and_find_it_by_its_name(cluster: Cluster) -> None:
    server = f"https://{cluster.do('show')['privateFqdn']}:443"
    line = f"{WAIT} && kubectl --server={server} get nodes --output=name"

    *_, node = invoke(cluster, line).splitlines()
    assert node.startswith("node/aks-")


def test_pods_have_addresses_of_the_nodes_network(cluster: Cluster) -> None:
    shown = cluster.do("show")["networkProfile"]
    assert (shown["networkPluginMode"], shown["podCidr"]) == (None, None)

    line = f"{WAIT} && kubectl get pods {SERVER} --no-headers --output=wide"
    *_, pod = invoke(cluster, line).splitlines()
    address = next(word for word in pod.split() if word.count(".") == 3)
    assert IPv4Address(address) in kube.SUBNET_PODS
    assert kube.SUBNET_PODS.subnet_of(kube.NODE_SPACE)


def test_its_public_name_can_be_hidden(cluster: Cluster) -> None:
    public = ("get-credentials", *cluster.names, "--public-fqdn", "--file")
    target = cluster.folder / "public"
    programs.succeed(cluster.az.run("aks", *public, str(target)))
    (name,) = [one for one in target.read_text().split() if one.startswith("https://")]
    assert ".hcp." in name

    assert cluster.do("update", "--disable-public-fqdn")["fqdn"] is None
    cluster.az.refused("aks", *public, str(target), saying="public FQDN")
