import pytest

from silo import engine, kube
from silo.kube.services import Node, list_behind, read_node, read_service, read_slice

BETA = "service.beta.kubernetes.io"


def service(annotations=None, **spec):
    metadata = {"uid": "u", "namespace": "x", "name": "s", "resourceVersion": "7"}
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP"}]
    return read_service(
        {
            "metadata": {**metadata, "annotations": annotations},
            "spec": {"type": "LoadBalancer", "ports": ports, **spec},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        }
    )


def test_service_is_read():
    found = service({f"{BETA}/azure-dns-label-name": "Shop"}, externalTrafficPolicy="Local")

    assert found.list_ports() == (engine.Port("TCP", 80), engine.Port("UDP", 53))
    assert (found.wanted, found.address, found.label, found.local) == (
        True,
        "192.0.2.1",
        "shop",
        True,
    )
    assert found.path == "/api/v1/namespaces/x/services/s"


@pytest.mark.parametrize("spec", [{"type": "NodePort"}, {"loadBalancerClass": "a/b"}])
def test_others_services_are_not_wanted(spec):
    assert not service(**spec).wanted


@pytest.mark.parametrize(
    ("annotations", "spec", "said"),
    [
        ({f"{BETA}/azure-allowed-ip-ranges": "192.0.2.0/24"}, {}, "azure-allowed-ip-ranges"),
        ({f"{BETA}/load-balancer-source-ranges": "192.0.2.0/24"}, {}, "source-ranges"),
        ({}, {"loadBalancerIP": "192.0.2.1"}, "cannot be chosen"),
        ({}, {"ports": [{"port": 1, "protocol": "SCTP"}]}, "SCTP"),
        ({f"{BETA}/azure-dns-label-name": "a.b"}, {}, "no DNS label"),
        (
            {
                f"{BETA}/azure-load-balancer-internal": "true",
                f"{BETA}/azure-dns-label-name": "abc",
            },
            {},
            "no DNS label",
        ),
    ],
)
def test_what_would_be_passed_over_is_refused(annotations, spec, said):
    with pytest.raises(kube.ServiceRefused, match=said):
        service(annotations, **spec).list_ports()


def node(name, *, ready="True", **labels):
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return read_node({"metadata": {"name": name, "labels": labels}, "status": status})


def endpoints(*found, of="s", namespace="x"):
    labels = {"kubernetes.io/service-name": of}
    return read_slice(
        {
            "metadata": {"namespace": namespace, "labels": labels},
            "endpoints": [
                {"nodeName": name, "conditions": {"ready": ready}} for name, ready in found
            ],
        }
    )


def test_nodes_answer_that_are_ready_and_not_set_apart():
    apart = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    nodes = [node("b"), node("a"), node("down", ready="Unknown"), node("apart", **apart)]

    assert list_behind(service(), nodes, ()) == ["a", "b"]


def test_local_traffic_goes_where_ready_endpoints_of_the_service_are():
    nodes = [node(name) for name in "abcd"]
    slices = [
        endpoints(("a", False), ("b", True)),
        endpoints(("c", None)),
        endpoints(("d", True), of="other"),
        endpoints(("d", True), namespace="other"),
    ]

    assert list_behind(service(externalTrafficPolicy="Local"), nodes, slices) == ["b", "c"]
    assert list_behind(service(), nodes, slices) == ["a", "b", "c", "d"]


def test_client_that_stays_with_a_pod_comes_to_one_node():
    nodes = [Node("a", takes=True), Node("b", takes=True)]

    assert list_behind(service(sessionAffinity="ClientIP"), nodes, ()) == ["a"]
