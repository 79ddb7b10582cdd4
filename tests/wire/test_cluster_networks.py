"""The network of a cluster as ``az aks`` and kubectl set it: whom packets reach, and whom not."""

import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import httpx2
import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tests.wire.cluster_objects import (
    describe_client,
    describe_ingress,
    describe_service,
    describe_web,
)
from tools import programs
from tools.azure import Az, Registry
from tools.containers import Image

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not aks.KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

PODS, SERVICES, NAMES = "10.9.0.0/16", "10.8.0.0/20", "10.8.0.53"
NETWORK = (
    *("--network-plugin", "azure", "--network-plugin-mode", "overlay"),
    *("--network-policy", "azure", "--outbound-type", "loadBalancer"),
    "--enable-app-routing",
    *("--pod-cidr", PODS, "--service-cidr", SERVICES, "--dns-service-ip", NAMES),
)
INNER = "10.224.224.77"
"""Of those that internal load balancers have, and far from where they are given out."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
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
    with aks.made(az, make_group(), unique("cluster"), folder, *attach, *NETWORK) as made:
        pods = [describe_web(probe_image, name) for name in ("web", "shop")]
        made.apply(*pods, describe_client(probe_image, "client"))
        for pod in ("web", "shop", "client"):
            made.wait_phase(pod, "Running")
        yield made


def find_address(cluster: Cluster, name: str, *kind: str) -> str:
    """Return the address that a service, or what is named, is given, once it is."""

    def find() -> str:
        status = cluster.read(*(kind or ("service",)), name)["status"]["loadBalancer"]
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
    assert cluster.wait(lambda: look(cluster, "resolve", name)["addresses"] == [address])
    assert cluster.wait(lambda: look(cluster, "ask", f"http://{name}/").get("status") == 200)

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
    assert cluster.wait(lambda: ask(find_address(cluster, "open")))

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


def test_ingress_leads_by_host_and_path(cluster: Cluster) -> None:
    host, key, own = "shop.example", cluster.folder / "key.pem", cluster.folder / "own.pem"
    line = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    where = ("-nodes", "-keyout", str(key), "-out", str(own), "-days", "2")
    named = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}")
    programs.succeed(programs.run([*line, *where, *named], {"PATH": PATH}))
    made = ("create", "secret", "tls", "shop", f"--cert={own}", f"--key={key}")
    programs.succeed(cluster.kubectl(*made))
    snippet = {"nginx.ingress.kubernetes.io/server-snippet": "return 200;"}
    cluster.apply(
        *(describe_service(f"{app}-in", app=app, kind="ClusterIP") for app in ("web", "shop")),
        describe_ingress("shop", host, {"/": "shop-in", "/web": "web-in"}),
        describe_ingress("odd", "odd.example", {"/": "shop-in"}, snippet),
    )
    address = find_address(cluster, "shop", "ingress")
    assert address == find_address(cluster, "nginx", "-n", "app-routing-system", "service")

    def get(path: str, name: str = host, scheme: str = "https") -> httpx2.Response:
        trust = ssl.create_default_context(cafile=own)
        with httpx2.Client(verify=trust, timeout=10, trust_env=False) as client:
            url, told = f"{scheme}://{address}{path}", {"sni_hostname": name}
            return client.get(url, headers={"host": name}, extensions=told)

    assert cluster.wait(lambda: ask_quietly(get)) == "shop"
    assert cluster.wait(lambda: get("/web/a").status_code == httpx2.codes.OK)
    answer = get("/web/a").json()
    assert (answer["hostname"], answer["path"], answer["host"]) == ("web", "/web/a", host)
    assert answer["headers"]["X-Forwarded-For"] == [find_own(address)]
    assert get("/webby").json()["hostname"] == "shop"
    assert get("/", scheme="http").headers["location"] == f"https://{host}/"
    assert [get("/", name, "http").status_code for name in ("other", "odd.example")] == [404, 404]
    assert cluster.wait(lambda: "server-snippet" in cluster.kubectl("describe", "ing", "odd").out)

    cluster.az("aks", "approuting", "disable", *cluster.names, "--yes")
    assert cluster.read("ingressclass")["items"] == []
    assert cluster.wait(lambda: ask_quietly(get) == "")


def ask_quietly(get: Callable[[str], httpx2.Response]) -> str:
    """Return which pod answers; nothing while none does."""
    try:
        answer = get("/")
    except httpx2.TransportError:
        return ""
    return str(answer.json()["hostname"]) if answer.status_code == httpx2.codes.OK else ""


def test_pods_and_services_have_the_ranges_that_were_asked_for(cluster: Cluster) -> None:
    shown = cluster.do("show")["networkProfile"]
    pods = cluster.read("pods", "-A")["items"]
    services = cluster.read("services", "-A")["items"]

    assert (shown["networkPlugin"], shown["networkPluginMode"]) == ("azure", "overlay")
    assert (shown["podCidr"], shown["serviceCidr"], shown["dnsServiceIp"]) == (
        *(PODS, SERVICES, NAMES),
    )
    for found, key, given in ((pods, "podIP", PODS), (services, "clusterIP", SERVICES)):
        space = IPv4Network(given)
        held = [IPv4Address({**one["status"], **one["spec"]}[key]) for one in found]
        assert held
        assert all(address in space for address in held)
    asked = ("resolve", "kubernetes.default.svc.cluster.local", NAMES)
    first = [str(IPv4Network(SERVICES)[1])]
    assert cluster.wait(lambda: look(cluster, *asked)["addresses"] == first)


def test_policy_keeps_packets_from_a_pod_until_it_is_switched_off(cluster: Cluster) -> None:
    web = cluster.read("pod", "web")["status"]["podIP"]

    def reaches() -> bool:
        return look(cluster, "ask", f"http://{web}:8080/").get("status") == 200

    assert reaches()
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    cluster.apply({**policy, "metadata": {"name": "closed"}, "spec": spec})
    assert cluster.wait(lambda: not reaches())
    # The kubelet's probe is the node's.
    (container,) = cluster.read("pod", "web")["status"]["containerStatuses"]
    assert container["ready"]

    ask_api = ("get", "--raw", "/readyz", "--request-timeout=2s")
    assert cluster.wait(lambda: cluster.kubectl(*ask_api).out == "ok")
    ranges = ("--api-server-authorized-ip-ranges", "8.8.8.0/24")
    cluster.do("update", "--network-policy", "none", *ranges)
    assert cluster.kubectl(*ask_api).code != 0
    cluster.do("update", ranges[0], "")
    assert cluster.wait(lambda: cluster.kubectl(*ask_api).out == "ok")
    assert cluster.wait(reaches)


def test_pods_reach_neither_the_machine_nor_its_metadata(cluster: Cluster) -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        own = [f"{address}:{port}" for address in find_own_addresses()]
        assert own
        places = [*own, "169.254.169.254:80", "10.224.0.1:443"]
        asked = " ".join(f"/bin/probe talk tcp {place} &" for place in places)
        words = ("exec", "client", "--", "/bin/sh", "-c", f"{asked} wait")
        said = programs.succeed(cluster.kubectl(*words)).out.splitlines()
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert [json.loads(line)["reached"] for line in said] == [False] * len(places)


def find_own_addresses() -> list[str]:
    """Return every address of this machine that is not its loopback's."""
    listed = programs.succeed(programs.run(["ip", "-json", "-4", "addr"], {"PATH": PATH})).json
    found = [one["local"] for link in listed for one in link["addr_info"]]
    return [address for address in found if not address.startswith("127.")]


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (("--network-plugin", "kubenet", "--network-policy", "azure"), "networkPolicy"),
        (("--outbound-type", "managedNATGateway"), "outboundType"),
        (("--service-cidr", "10.8.0.0/16", "--dns-service-ip", "10.0.0.10"), "dnsServiceIP"),
    ],
)
def test_network_that_cannot_be_had_is_refused(
    az: Az, cluster: Cluster, options: tuple[str, ...], saying: str
) -> None:
    words = ("aks", "create", "-g", cluster.group, "-n", "other", "--no-ssh-key", *options)

    az.refused(*words, saying=saying)
