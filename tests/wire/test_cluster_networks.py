"""The network of a cluster as ``az aks`` and kubectl set it: whom packets reach, and whom not."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tests.wire.cluster_objects import describe_client, describe_service, describe_web
from tools import programs
from tools.azure import Az, Registry
from tools.containers import Image

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not aks.KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

INNER = "10.224.224.77"
"""Of those that internal load balancers have, and far from where they are given out."""
RESOLVER = "168.63.129.16"
PATIENCE_S = 2.0
"""How long it takes to be sure that nobody answers on this machine."""


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
        made.apply(describe_web(probe_image, "web"), describe_client(probe_image, "client"))
        for pod in ("web", "client"):
            made.wait_phase(pod, "Running")
        yield made


def find_address(cluster: Cluster, service: str) -> str:
    """Return the address that a service is given, once it is."""

    def find() -> str:
        status = cluster.read("service", service)["status"]["loadBalancer"]
        return next((each["ip"] for each in status.get("ingress") or ()), "")

    return str(cluster.wait(find))


def ask(address: str) -> dict[str, Any]:
    """Return what the pod behind an address sees of a request; nothing when no pod answers.

    An address of the cluster's own may be somebody else's outside of it.
    """
    try:
        answer = httpx2.get(f"http://{address}/", timeout=PATIENCE_S, trust_env=False)
    except httpx2.TransportError:
        return {}
    if answer.status_code != httpx2.codes.OK or b'"hostname"' not in answer.content:
        return {}
    told: dict[str, Any] = answer.json()
    return told


def look(cluster: Cluster, *words: str) -> dict[str, Any]:
    """Look out of a pod."""
    said = programs.succeed(cluster.kubectl("exec", "client", "--", "/bin/probe", *words))
    told: dict[str, Any] = said.json
    return told


def find_own(address: str) -> str:
    """Return under which address this machine speaks with another."""
    with socket.create_connection((address, 80), PATIENCE_S) as made:
        found: str = made.getsockname()[0]
        return found


def test_service_has_an_address_and_a_name(
    cluster: Cluster, unique: Callable[[str], str], environment: dict[str, str]
) -> None:
    label = unique("shop")
    cluster.apply(describe_service("front", {"azure-dns-label-name": label}))
    address = find_address(cluster, "front")
    region = cluster.do("show")["fqdn"].partition(".hcp.")[2]
    name = f"{label}.{region.replace('.azmk8s.', '.cloudapp.')}"

    assert cluster.wait(lambda: ask(address))["hostname"] == "web"
    curl = ("curl", "--silent", "--show-error", "--max-time", "10", "--proxytunnel", "--proxy")
    line = [*curl, environment["HTTPS_PROXY"], f"http://{name}/"]
    assert programs.succeed(programs.run(line, environment)).json["host"] == name
    assert look(cluster, "resolve", name)["addresses"] == [address]
    assert look(cluster, "ask", f"http://{name}/")["status"] == 200

    programs.succeed(cluster.kubectl("delete", "service", "front"))
    assert ask(address) == {}
    # Past the cluster's own name server, which remembers for half a minute.
    assert look(cluster, "resolve", name, RESOLVER)["addresses"] is None


def test_pod_sees_who_asks_where_traffic_stays_local(cluster: Cluster) -> None:
    cluster.apply(
        describe_service("local", externalTrafficPolicy="Local"), describe_service("spread")
    )
    local, spread = find_address(cluster, "local"), find_address(cluster, "spread")
    peers = [cluster.wait(lambda at=at: ask(at))["peer"] for at in (local, spread)]

    assert [peer.partition(":")[0] == find_own(local) for peer in peers] == [True, False]


def test_internal_service_is_for_the_cluster_alone(cluster: Cluster) -> None:
    notes = {"azure-load-balancer-internal": "true", "azure-load-balancer-ipv4": INNER}
    cluster.apply(describe_service("inner", notes))

    assert find_address(cluster, "inner") == INNER
    assert cluster.wait(lambda: look(cluster, "ask", f"http://{INNER}/").get("status") == 200)
    assert ask(INNER) == {}


def test_service_answers_its_source_ranges_alone(cluster: Cluster) -> None:
    cluster.apply(describe_service("open"), describe_service("narrow"))
    narrow = find_address(cluster, "narrow")
    assert cluster.wait(lambda: ask(narrow))

    cluster.apply(describe_service("narrow", loadBalancerSourceRanges=["203.0.113.0/24"]))
    assert cluster.wait(lambda: not ask(narrow))
    assert ask(find_address(cluster, "open"))

    own = find_own(find_address(cluster, "open"))
    cluster.apply(describe_service("narrow", loadBalancerSourceRanges=[f"{own}/32"]))
    assert cluster.wait(lambda: ask(narrow))


def test_service_that_asks_for_what_is_not_there_is_told_so(cluster: Cluster) -> None:
    cluster.apply(describe_service("odd", {"azure-pip-name": "mine"}))

    def find_refusal() -> bool:
        said = cluster.kubectl("describe", "service", "odd").out
        return "SyncLoadBalancerFailed" in said and "azure-pip-name" in said

    assert cluster.wait(find_refusal)
    assert cluster.read("service", "odd")["status"]["loadBalancer"] == {}
