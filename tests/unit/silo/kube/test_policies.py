import itertools
from ipaddress import IPv4Address, IPv4Network

import pytest

from silo import engine
from silo.kube.policies import Policy, compile_guards, read_pod, read_policy, selects

NAMESPACES = {
    "x": {"kubernetes.io/metadata.name": "x", "team": "red"},
    "y": {"kubernetes.io/metadata.name": "y", "team": "blue"},
}
EVERYTHING = {"podSelector": {}}


def pod(name, namespace="x", *, address=None, node="n", ports=(), **status):
    ip = address or f"10.244.{ord(namespace[0])}.{ord(name)}"
    return read_pod(
        {
            "metadata": {"namespace": namespace, "name": name, "labels": {"pod": name}},
            "spec": {
                "nodeName": node,
                "containers": [
                    {"ports": [{"name": n, "protocol": p, "containerPort": c} for n, p, c in ports]}
                ],
            },
            "status": {"podIPs": [{"ip": ip}], **status},
        }
    )


A, B, C = (
    pod(name, ports=[("web", "TCP", 80 + place), ("dns", "UDP", 53)])
    for place, name in enumerate("abc")
)
FAR_A = pod("a", "y", ports=[("web", "TCP", 90)], node="other")
PODS = (A, B, C, FAR_A)


def policy(namespace="x", **spec):
    return read_policy({"metadata": {"namespace": namespace}, "spec": spec})


def ingress(*entries, selector=None):
    return policy(podSelector=selector or {}, policyTypes=["Ingress"], ingress=list(entries))


def egress(*entries, selector=None):
    return policy(podSelector=selector or {}, policyTypes=["Egress"], egress=list(entries))


def passes(source, target, port=80, protocol="tcp", *, policies, pods=PODS):
    """Tell whether guards on both sides let a packet through, as the kernel would."""
    for end, way in ((source, "outbound"), (target, "inbound")):
        where = getattr(end, "node", None)
        guarded = compile_guards(where, NAMESPACES, pods, policies)
        for guard in guarded.guards:
            rules = getattr(guard, way)
            if guard.address == address_of(end) and rules is not None:
                packet = (address_of(source), address_of(target), port, protocol)
                if not any(fits(rule, *packet) for rule in rules):
                    return False
    return True


def address_of(end):
    return end if isinstance(end, str) else end.address


def fits(rule, source, target, port, protocol):
    for prefixes, address in ((rule.sources, source), (rule.destinations, target)):
        if prefixes is not None and not any(
            IPv4Address(address) in IPv4Network(each) for each in prefixes
        ):
            return False
    if rule.protocol not in {None, protocol}:
        return False
    ranges = rule.destination_ports
    return ranges is None or any(low <= port <= high for low, high in ranges)


def test_without_a_policy_everything_passes():
    guarded = compile_guards("n", NAMESPACES, PODS, ())

    assert all(passes(*ends, policies=()) for ends in itertools.permutations(PODS, 2))
    assert not guarded.closed
    assert {guard.address for guard in guarded.guards} == {A.address, B.address, C.address}


def test_where_there_is_a_policy_unknown_addresses_get_nothing():
    assert compile_guards("n", NAMESPACES, (), (ingress(),)).closed


def test_selected_pods_are_closed_and_others_are_not():
    policies = [ingress(selector={"matchLabels": {"pod": "a"}})]

    assert not passes(B, A, policies=policies)
    assert not passes("192.0.2.1", A, policies=policies)
    assert passes(A, B, policies=policies)
    assert passes(B, C, policies=policies)


def test_policy_is_about_its_own_namespace():
    policies = [ingress()]

    assert not passes(FAR_A, A, policies=policies)
    assert passes(A, FAR_A, policies=policies)


def test_default_of_types_is_ingress_and_egress_where_there_is_some():
    assert passes(A, FAR_A, policies=[policy(podSelector={})])
    assert not passes(B, A, policies=[policy(podSelector={})])
    only_to_b = policy(podSelector={}, egress=[{"to": [{"podSelector": {"matchLabels": {}}}]}])
    assert not passes(A, FAR_A, policies=[only_to_b])


@pytest.mark.parametrize("entry", [{}, {"from": []}, {"ports": []}])
def test_entry_that_names_nothing_allows_everything(entry):
    assert passes(FAR_A, A, policies=[ingress(entry)])
    assert passes("192.0.2.1", A, 7, "sctp", policies=[ingress(entry)])


@pytest.mark.parametrize("peer", [{}, {"podSelector": {"matchLabels": {"pod": "none"}}}])
def test_peer_that_is_nobody_allows_nothing(peer):
    assert not passes(B, A, policies=[ingress({"from": [peer]})])
    assert not passes(A, B, policies=[egress({"to": [peer]})])


def test_peers_by_pod_are_of_the_policys_namespace():
    policies = [ingress({"from": [{"podSelector": {"matchLabels": {"pod": "a"}}}]})]

    assert passes(A, B, policies=policies)
    assert not passes(C, B, policies=policies)
    assert not passes(FAR_A, B, policies=policies)


def test_peers_by_namespace_are_all_of_its_pods():
    policies = [ingress({"from": [{"namespaceSelector": {"matchLabels": {"team": "blue"}}}]})]

    assert passes(FAR_A, B, policies=policies)
    assert not passes(A, B, policies=policies)


def test_peers_by_namespace_and_pod_meet_both():
    both = {
        "namespaceSelector": {
            "matchExpressions": [{"key": "team", "operator": "In", "values": ["blue", "red"]}]
        },
        "podSelector": {"matchExpressions": [{"key": "pod", "operator": "NotIn", "values": ["c"]}]},
    }
    policies = [ingress({"from": [both]})]

    assert passes(FAR_A, B, policies=policies)
    assert passes(A, B, policies=policies)
    assert not passes(C, B, policies=policies)


def test_pod_of_a_namespace_that_is_not_known_is_nobodys_peer():
    stranger = pod("s", "unheard")
    everywhere = ingress({"from": [{"namespaceSelector": {}}]})

    assert not passes(stranger, A, policies=[everywhere], pods=(*PODS, stranger))


def test_policies_add_up():
    policies = [
        ingress(),
        ingress({"from": [{"podSelector": {"matchLabels": {"pod": "a"}}}]}),
        ingress({"from": [{"podSelector": {"matchLabels": {"pod": "c"}}}]}),
    ]

    assert passes(A, B, policies=policies)
    assert passes(C, B, policies=policies)
    assert not passes(FAR_A, B, policies=policies)


def test_packet_has_to_pass_on_both_sides():
    out = egress({"to": [{"namespaceSelector": {}}]}, selector={"matchLabels": {"pod": "a"}})

    assert passes(A, B, policies=[out])
    assert not passes(A, B, policies=[out, ingress()])
    assert not passes(A, "192.0.2.1", policies=[out])


def test_block_leaves_its_exceptions_out():
    block = {"cidr": "10.244.0.0/16", "except": ["10.244.0.0/25", "10.244.9.0/24"]}
    policies = [ingress({"from": [{"ipBlock": block}]})]

    assert passes("10.244.0.200", A, policies=policies)
    assert not passes("10.244.0.100", A, policies=policies)
    assert not passes("10.244.9.9", A, policies=policies)
    assert not passes("10.245.0.1", A, policies=policies)


def test_exception_of_one_block_is_not_one_of_another():
    cut = {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.7/32"]}}
    whole = {"ipBlock": {"cidr": "192.0.2.7/32"}}

    assert passes("192.0.2.7", A, policies=[ingress({"from": [cut, whole]})])
    assert not passes("192.0.2.7", A, policies=[ingress({"from": [cut]})])


def test_block_that_is_all_exception_allows_nothing():
    block = {"cidr": "192.0.2.0/24", "except": ["192.0.2.0/24"]}

    assert not passes("192.0.2.7", A, policies=[ingress({"from": [{"ipBlock": block}]})])


def test_block_of_ipv6_allows_nothing_of_ipv4():
    assert not passes(B, A, policies=[ingress({"from": [{"ipBlock": {"cidr": "::/0"}}]})])


def test_ports_are_tcp_unless_they_say_otherwise():
    policies = [ingress({"ports": [{"port": 80}]})]

    assert passes(B, A, policies=policies)
    assert not passes(B, A, 81, policies=policies)
    assert not passes(B, A, 80, "udp", policies=policies)


def test_port_without_a_number_is_every_port_of_its_protocol():
    policies = [ingress({"ports": [{"protocol": "SCTP"}]})]

    assert passes(B, A, 4711, "sctp", policies=policies)
    assert not passes(B, A, policies=policies)


def test_range_of_ports_holds_both_ends():
    policies = [egress({"ports": [{"protocol": "UDP", "port": 53, "endPort": 55}]})]
    ports = [port for port in range(50, 60) if passes(A, B, port, "udp", policies=policies)]

    assert ports == [53, 54, 55]


def test_protocol_that_is_not_known_allows_nothing():
    assert not passes(B, A, policies=[ingress({"ports": [{"protocol": "QUIC"}]})])


def test_named_port_is_what_each_pod_calls_so():
    policies = [ingress({"ports": [{"port": "web"}]})]

    assert passes(C, A, 80, policies=policies)
    assert passes(C, B, 81, policies=policies)
    assert not passes(C, A, 81, policies=policies)
    assert not passes(C, A, 53, policies=policies)
    # The name is of another protocol's port.
    assert not passes(C, A, 53, "udp", policies=[ingress({"ports": [{"port": "dns"}]})])


def test_named_port_on_the_way_out_is_the_peers():
    peers = [{"podSelector": {}}]
    policies = [egress({"to": peers, "ports": [{"port": "web"}]})]

    assert passes(A, B, 81, policies=policies)
    assert not passes(A, B, 80, policies=policies)
    assert not passes(A, FAR_A, 90, policies=policies)
    assert passes(A, FAR_A, 90, policies=[egress({"ports": [{"port": "web"}]})])


def test_named_port_that_nobody_has_allows_nothing():
    assert not passes(A, B, policies=[egress({"ports": [{"port": "none"}]})])
    assert not passes(A, B, policies=[ingress({"ports": [{"port": "none"}]})])


@pytest.mark.parametrize(
    ("operator", "values", "fit"),
    [
        ("In", ["red", "blue"], {"red", "blue"}),
        ("NotIn", ["red"], {"blue", None}),
        ("Exists", [], {"red", "blue"}),
        ("DoesNotExist", [], {None}),
        ("Unheard", ["red"], set()),
    ],
)
def test_selector_by_expression(operator, values, fit):
    selector = {"matchExpressions": [{"key": "team", "operator": operator, "values": values}]}

    found = {
        team for team in ("red", "blue", None) if selects(selector, {"team": team} if team else {})
    }
    assert found == fit


@pytest.mark.parametrize(
    "changes",
    [{"phase": "Succeeded"}, {"phase": "Failed"}, {"podIPs": []}, {"podIPs": [{"ip": "fd00::1"}]}],
)
def test_pod_without_an_address_of_its_own_is_not_guarded(changes):
    assert pod("a", **changes) is None


def test_pod_on_its_nodes_network_is_neither_guarded_nor_a_peer():
    found = read_pod(
        {
            "metadata": {"namespace": "x", "labels": {}},
            "spec": {"hostNetwork": True, "nodeName": "n"},
            "status": {"podIPs": [{"ip": "10.224.0.4"}]},
        }
    )

    assert found is None


def test_same_objects_in_another_order_are_the_same_guards():
    policies = [ingress({"from": [EVERYTHING]}, {"ports": [{"port": 1}, {"port": 2}]}), egress()]
    one = compile_guards("n", NAMESPACES, PODS, policies)

    assert compile_guards("n", NAMESPACES, PODS[::-1], policies[::-1]) == one
    assert isinstance(policies[0], Policy)
    assert isinstance(one.guards[0].inbound[0], engine.Rule)


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        (["10.0.0.0/31"], [(2, 15)]),
        (["10.0.0.14/31"], [(0, 13)]),
        (["10.0.0.3/32", "10.0.0.4/32", "10.0.0.8/30"], [(0, 2), (5, 7), (12, 15)]),
        (["10.0.0.4/30", "10.0.0.5/32", "10.0.0.4/31"], [(0, 3), (8, 15)]),
        (["9.0.0.0/8", "10.0.0.16/28", "fd00::/8"], [(0, 15)]),
        (["10.0.0.0/29", "10.0.0.8/29"], []),
        (["10.0.0.0/8"], []),
    ],
)
def test_block_is_cut_between_its_exceptions(holes, left):
    block = {"cidr": "10.0.0.0/28", "except": holes}
    policies = [ingress({"from": [{"ipBlock": block}]})]
    found = [n for n in range(16) if passes(f"10.0.0.{n}", A, policies=policies)]

    assert found == [n for first, last in left for n in range(first, last + 1)]


@pytest.mark.parametrize(
    "entry",
    [
        {"from": [EVERYTHING] * 1001},
        {"ports": [{"port": port} for port in range(1, 1002)]},
        {"from": [EVERYTHING] * 65, "ports": [{"port": port} for port in range(1, 65)]},
        {
            "from": [
                {
                    "ipBlock": {
                        "cidr": "10.0.0.0/8",
                        "except": [f"10.{n}.{m}.1/32" for n in range(100) for m in range(8)],
                    }
                }
            ]
        },
    ],
)
def test_policy_that_comes_to_too_much_is_not_read(entry):
    with pytest.raises(ValueError, match="more than"):
        ingress(entry)
