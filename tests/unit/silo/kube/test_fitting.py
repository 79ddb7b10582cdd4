import pytest

from silo.kube import fitting, quantities

NODE = {
    "metadata": {"name": "n1", "labels": {"disk": "fast", "size": "4"}},
    "spec": {"taints": [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "pods": "2"}},
}
ANY_TAINT = [{"operator": "Exists"}]


def make_pod(name="p", *, cpu="100m", tolerations=ANY_TAINT, init=(), labels=None, **spec):
    containers = [{"resources": {"requests": {"cpu": cpu, "memory": "100Mi"}}}]
    return {
        "metadata": {"name": name, "namespace": "n", "labels": labels or {}},
        "spec": {
            "containers": containers,
            "initContainers": list(init),
            "tolerations": tolerations,
            **spec,
        },
    }


def with_affinity(*expressions):
    terms = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    return make_pod(affinity={"nodeAffinity": required})


def express(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("250m", 0.25),
        ("1Gi", 1 << 30),
        ("2e3", 2000),
        ("1.5", 1.5),
        (4, 4),
        ("100k", 100_000),
        ("3Ei", 3 << 60),
        ("what", 0),
    ],
)
def test_amounts_are_read_as_kubernetes_writes_them(text, amount):
    assert quantities.parse(text) == amount


def test_pod_asks_for_its_containers_or_the_largest_before_them():
    large = {"resources": {"requests": {"cpu": "3"}}}
    beside = {"resources": {"requests": {"cpu": "1"}}, "restartPolicy": "Always"}

    assert fitting.sum_requests(make_pod(init=[large]))["cpu"] == 3
    assert fitting.sum_requests(make_pod(init=[beside]))["cpu"] == pytest.approx(1.1)
    assert fitting.sum_requests(make_pod(overhead={"cpu": "1"}))["cpu"] == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("pod", "does"),
    [
        (make_pod(), True),
        (make_pod(cpu="3"), False),
        (make_pod(tolerations=[]), False),
        (make_pod(tolerations=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]), True),
        (make_pod(tolerations=[{"key": "gpu", "operator": "Exists"}]), True),
        (make_pod(tolerations=[{"key": "gpu", "value": "no"}]), False),
        (make_pod(tolerations=[{"key": "gpu", "value": "yes", "effect": "NoExecute"}]), False),
        (make_pod(nodeSelector={"disk": "fast"}), True),
        (make_pod(nodeSelector={"disk": "slow"}), False),
        (with_affinity(express("disk", "In", "fast", "slow")), True),
        (with_affinity(express("disk", "NotIn", "fast")), False),
        (with_affinity(express("disk", "Exists"), express("no", "DoesNotExist")), True),
        (with_affinity(express("size", "Gt", "3")), True),
        (with_affinity(express("size", "Lt", "3")), False),
        (with_affinity(express("disk", "Gt", "3")), False),
    ],
)
def test_pod_fits_where_it_is_let_and_there_is_room(pod, does):
    assert fitting.fits(pod, fitting.open_space(NODE, ())) is does


def test_pods_that_want_a_node_without_their_like_do_not_share_one():
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "1"}}}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    pods = [make_pod(str(index), labels={"a": "1"}, affinity=apart) for index in range(2)]

    assert fitting.place_all(pods, [fitting.open_space(NODE, ())]) == pods[1:]


def test_nodes_hold_so_many_pods_and_no_more():
    pods = [make_pod(str(index)) for index in range(3)]

    assert fitting.place_all(pods, [fitting.open_space(NODE, ())]) == pods[2:]
