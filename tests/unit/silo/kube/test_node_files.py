import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.silo.kube import kube_world as world

from silo import kube
from silo.kube import control_groups, node_files, nodes


@pytest.fixture
def node(tmp_path: Path) -> nodes.Node:
    return world.written_node_in(tmp_path)


def read(node: nodes.Node, name: str):
    return json.loads((node.paths.settings / "silo" / name).read_text())


def test_kubelet_answers_nobody_unknown(node):
    config = read(node, "kubelet.json")

    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["seccompDefault"] is True
    assert config["tlsPrivateKeyFile"] == "/etc/silo/kubelet-server.key"
    assert config["featureGates"] == {"KubeletInUserNamespace": True}


@pytest.mark.parametrize(("here", "limit"), [(True, 4096), (False, None)])
def test_pod_has_not_all_processes_of_its_node(node, monkeypatch, here, limit):
    monkeypatch.setattr(control_groups, "has_pids", lambda: here)
    node_files.write_files(node, world.KIT, world.NOW)

    assert read(node, "kubelet.json").get("podPidsLimit") == limit


def test_node_promises_what_is_left_of_its_own_size(node):
    plan = replace(node.plan, size=kube.Size(1.5, 2 << 30))
    node_files.write_files(replace(node, plan=plan), world.KIT, world.NOW)

    reserved = read(node, "kubelet.json")["systemReserved"]
    assert reserved == {"cpu": "500m", "memory": str(100 << 20)}
    shown = (node.paths.settings / "silo/machine/meminfo").read_text()
    assert shown.splitlines()[0].split() == ["MemTotal:", str(2 << 20), "kB"]


def test_node_has_its_own_keys_and_no_others(node):
    keys = {path.name: path.stat() for path in node.paths.settings.rglob("*.key")}

    assert set(keys) == {"kubelet.key", "kubelet-server.key", "kube-proxy.key"}
    assert {stat.st_mode & 0o777 for stat in keys.values()} == {0o600}


def test_containerd_runs_the_engines_runc_and_no_sandbox_image_from_outside(node):
    config = tomllib.loads((node.paths.settings / "silo/containerd.toml").read_text())
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    images = config["plugins"]["io.containerd.cri.v1.images"]

    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["containerd"]["runtimes"]["runc"]["options"] == {
        "BinaryName": "/opt/silo/engine/runc",
        "SystemdCgroup": False,
    }
    assert runtime["cni"]["bin_dirs"] == ["/opt/silo/engine"]
    assert images["pinned_images"]["sandbox"] == nodes.PAUSE_IMAGE


def test_network_of_pods_is_routed_in_the_range_that_the_node_is_given(node):
    first, second = read(node, "cni.template")["plugins"]

    assert (first["type"], first["ipMasq"]) == ("ptp", False)
    assert first["ipam"]["ranges"] == [[{"subnet": "{{.PodCIDR}}"}]]
    assert second["type"] == "portmap"


def test_node_of_a_private_cluster_knows_its_names(node):
    private = replace(node.cluster, public_address="", private_fqdn="k.privatelink.example")
    node_files.write_files(replace(node, cluster=private), world.KIT, world.NOW)

    hosts = (node.paths.settings / "hosts").read_text().splitlines()
    assert f"{private.address} k.privatelink.example {private.fqdn}" in hosts


def test_node_without_a_network_waits_for_one(node):
    bare = replace(node, cluster=replace(node.cluster, networked=False))
    node_files.write_files(bare, world.KIT, world.NOW)

    config = tomllib.loads((node.paths.settings / "silo/containerd.toml").read_text())
    network = config["plugins"]["io.containerd.cri.v1.runtime"]["cni"]
    assert network["conf_dir"] == "/etc/cni/net.d"
    assert network["bin_dirs"] == ["/opt/cni/bin", "/opt/silo/engine"]
    assert "conf_template" not in network
