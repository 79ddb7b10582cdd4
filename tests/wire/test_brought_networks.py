"""A cluster without a network: its nodes wait until its owner brings one."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from tests.wire import aks
from tests.wire.aks import Cluster
from tools.azure import Az, Registry
from tools.containers import Image

if os.geteuid() != 0:
    pytest.skip("clusters need root", allow_module_level=True)
if not aks.KITS:
    pytest.skip("no Kubernetes is built here (make kubernetes)", allow_module_level=True)

NETWORKS = "/etc/cni/net.d"


def describe_bringer(image: Image, pods: str) -> list[dict[str, Any]]:
    """Return what writes a network's configuration into the node that it is on."""
    ranges = {"ranges": [[{"subnet": pods}]], "routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": "ptp", "ipam": {"type": "host-local", **ranges}}
    network = {"cniVersion": "1.0.0", "name": "brought", "plugins": [plugin]}
    words = 'printf %s "$NETWORK" >/networks/10-brought.conflist; exec sleep 86400'
    container = {
        "name": "bringer",
        "image": image.reference,
        "command": ["/bin/sh", "-c", words],
        "env": [{"name": "NETWORK", "value": json.dumps(network)}],
        "volumeMounts": [{"name": "networks", "mountPath": "/networks"}],
    }
    spec = {
        "serviceAccountName": "bringer",
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "networks", "hostPath": {"path": NETWORKS}}],
    }
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    name, where = {"name": "network"}, {"name": "bringer", "namespace": "network"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {**name, "labels": labels}},
        # Its own: the namespace's gets there by itself, now or in a moment.
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {"apiVersion": "v1", "kind": "Pod", "metadata": where, "spec": spec},
    ]


def find_ready(cluster: Cluster) -> tuple[str, str]:
    """Return whether the node takes pods, and why not."""
    (node,) = cluster.read("nodes")["items"]
    (ready,) = [one for one in node["status"]["conditions"] if one["type"] == "Ready"]
    return ready["status"], ready["message"]


def test_nodes_wait_for_a_network_that_is_brought(
    az: Az,
    registry: Registry,
    probe_image: Image,
    make_group: Callable[[], str],
    unique: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, name = tmp_path_factory.mktemp("cluster"), unique("cluster")
    options = ("--network-plugin", "none", "--attach-acr", registry.name)
    with aks.made(az, make_group(), name, folder, *options) as cluster:
        status, why = find_ready(cluster)
        assert (status, "cni plugin not initialized" in why) == ("False", True)
        names = ("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")
        assert cluster.wait(lambda: cluster.read(*names)["items"])
        assert {one["status"]["phase"] for one in cluster.read(*names)["items"]} == {"Pending"}

        (node,) = cluster.read("nodes")["items"]
        cluster.apply(*describe_bringer(probe_image, node["spec"]["podCIDR"]))

        assert cluster.wait(lambda: find_ready(cluster)[0] == "True")
        cluster.wait(lambda: cluster.read(*names)["items"][0]["status"]["phase"] == "Running")
        assert cluster.do("show")["networkProfile"]["networkPlugin"] == "none"
